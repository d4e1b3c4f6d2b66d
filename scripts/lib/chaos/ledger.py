"""What a user was promised: for each instance what was asked for, what was answered and what was not."""

import dataclasses
import datetime
import enum
import threading


class Word(enum.Enum):
    """How a call ended."""

    NONE = "not asked for"
    REFUSED = "refused"
    UNCLEAR = "not answered"
    YES = "acknowledged"


@dataclasses.dataclass
class Kind:
    """Of a container: what it does, and the state in which its instance is in the end."""

    script: str
    state: str


KINDS = {
    "stay": Kind("trap 'exit 0' TERM; sleep 100000 & wait", "running"),
    "succeed": Kind("sleep 1", "succeeded"),
    "fail": Kind("sleep 1; exit 3", "failed"),
}


def definition(name, kind):
    script = f'echo " begin $(hostname) $(cat /proc/sys/kernel/random/uuid)"; {KINDS[kind].script}'
    container = {"name": "main", "image": "main:1", "imagePullPolicy": "Never", "command": ["sh", "-c", script]}
    return {
        "apiVersion": "v1", "kind": "Pod", "name": name, "replicas": 1,
        "spec": {"terminationGracePeriodSeconds": 1, "containers": [container]},
    }


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%H:%M:%S.%f")[:-3]


@dataclasses.dataclass
class Entry:
    name: str
    kind: str
    workload: str
    uid: str = ""
    created: Word = Word.NONE
    deleted: Word = Word.NONE
    story: list = dataclasses.field(default_factory=list)

    def tell(self, text):
        self.story.append(f"{now()} {text}")

    @property
    def is_wanted(self):
        """It must be there."""
        return self.created is Word.YES and self.deleted in {Word.NONE, Word.REFUSED}

    @property
    def is_unclear(self):
        return self.created is Word.UNCLEAR or self.deleted is Word.UNCLEAR


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.entries = []

    def add(self, kind, workload=""):
        with self.lock:
            name = f"{kind}-{len(self.entries) + 1}"
            self.entries.append(Entry(name, kind, workload or kind))
            return self.entries[-1]

    def wanted(self):
        return [entry for entry in self.entries if entry.is_wanted]

    def of_uid(self, uid):
        return next((entry for entry in self.entries if entry.uid == uid), None)

    def of_name(self, name):
        return next((entry for entry in self.entries if entry.name == name), None)
