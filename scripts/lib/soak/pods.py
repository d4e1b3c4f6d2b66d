"""The Pods of a soak: what each does by itself, and in which state it may be found in the end."""

import dataclasses

STAY = "trap 'exit 0' TERM; sleep 100000 & wait"


@dataclasses.dataclass(frozen=True)
class Kind:
    policy: str
    script: str
    ends: tuple = ()       # the states in which it may be found in the end, beside running
    members: dict = dataclasses.field(default_factory=dict)  # of its main container
    spec: dict = dataclasses.field(default_factory=dict)

    @property
    def comes_back(self):
        return self.policy == "Always"


def exec_probe(*command):
    return {"exec": {"command": list(command)}, "periodSeconds": 1, "timeoutSeconds": 5}


MOUNT = {"volumeMounts": [{"name": "kept", "mountPath": "/kept"}]}

KINDS = {
    "stay": Kind("Always", STAY),
    "probed": Kind("Always", "touch /tmp/ok; " + STAY,
                   members={"livenessProbe": {**exec_probe("test", "-e", "/tmp/ok"), "initialDelaySeconds": 2, "failureThreshold": 5},
                            "readinessProbe": exec_probe("test", "-e", "/tmp/ok")}),
    "kept": Kind("Always", "echo begin >>/kept/begins; " + STAY, members=MOUNT,
                 spec={"volumes": [{"name": "kept", "emptyDir": {}}],
                       "initContainers": [{"name": "first", "command": ["sh", "-c", "echo init >>/kept/inits"], **MOUNT},
                                          {"name": "beside", "restartPolicy": "Always", "command": ["sh", "-c", STAY]}]}),
    "crash": Kind("Always", "sleep 1; exit 3"),
    "pull": Kind("Always", "sleep 2; exit 0", members={"imagePullPolicy": "Always"}),
    "retry": Kind("OnFailure", "sleep 1; test -e /kept/tried && exit 0; touch /kept/tried; exit 7", ("succeeded",), MOUNT,
                  {"volumes": [{"name": "kept", "emptyDir": {}}]}),
    "once": Kind("Never", "sleep 2", ("succeeded", "failed")),
    "never": Kind("Never", STAY, ("succeeded", "failed")),
}


def definition(name, kind, image):
    what = KINDS[kind]
    main = {"name": "main", "image": image, "command": ["sh", "-c", what.script], **what.members}
    spec = {"restartPolicy": what.policy, "terminationGracePeriodSeconds": 1, "containers": [main], **what.spec}
    spec["initContainers"] = [{"image": image, **each} for each in spec.get("initContainers", [])]
    return {
        "apiVersion": "v1", "kind": "Pod", "name": name, "spec": spec,
        "annotations": {"rik.io/restart-delay": "200ms", "rik.io/restart-delay-max": "1s"},
    }
