"""What the benchmarks of a whole rik have in common: calls on its socket, waiting, an image."""
import argparse
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60


class unix_connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=PATIENCE_S)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(self.path)


def call(path, method, target, body=None):
    connection = unix_connection(path)
    try:
        connection.request(method, target, body)
        answer = connection.getresponse()
        text = answer.read().decode()
        return answer.status, text
    finally:
        connection.close()


def is_ready(path):
    try:
        return call(path, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def wait_until(is_true, what):
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} has not come")
        time.sleep(0.001)


def memory_mb(pid, sort):
    """"Rss" or "Pss" of a process."""
    with open(f"/proc/{pid}/smaps_rollup") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(f"{sort}:")) / 1024


class cluster:
    """One rik with all roles, or three with one each."""

    def __init__(self, program, root, number, is_apart):
        self.program, self.root, self.is_apart = program, root, is_apart
        self.cidr = f"10.{number}.0.0/16"
        self.link = f"127.0.0.1:{20000 + number * 10}"
        self.processes = {}
        os.makedirs(root)

    def options(self):
        place = lambda name: ["--state-dir", f"{self.root}/{name}/state", "--run-dir", f"{self.root}/{name}/run"]
        if not self.is_apart:
            return {"all": ["--role=all", "--cluster-cidr", self.cidr, *place("all")]}
        return {
            "primary": ["--role=primary", "--scheduler", self.link, "--cluster-cidr", self.cidr, *place("primary")],
            "scheduler": ["--role=scheduler", "--link-listen", self.link],
            "node": ["--role=node", "--scheduler", self.link, "--node-name", "bench", *place("node")],
        }

    def api(self):
        return f"{self.root}/{'primary' if self.is_apart else 'all'}.sock"

    def start(self):
        for name, options in self.options().items():
            os.makedirs(f"{self.root}/{name}", exist_ok=True)
            log = open(f"{self.root}/{name}.log", "a")
            self.processes[name] = subprocess.Popen(
                [self.program, "--socket", f"{self.root}/{name}.sock", "--log-level", "warning", *options],
                stderr=log, stdin=subprocess.DEVNULL)
            log.close()

    def wait_ready(self):
        for name in self.processes:
            wait_until(lambda: is_ready(f"{self.root}/{name}.sock"), f"{name} ready")

    def stop(self):
        for each in self.processes.values():
            each.send_signal(signal.SIGTERM)
        for each in self.processes.values():
            each.wait()
        self.processes = {}

    def close(self):
        self.stop()
        for name in self.options():
            if os.path.isdir(f"{self.root}/{name}/state"):
                subprocess.run([self.program, "reset", "--state-dir", f"{self.root}/{name}/state", "--run-dir",
                                f"{self.root}/{name}/run"], check=True, stdout=subprocess.DEVNULL)

    def load_image(self, archive):
        nodes = []
        def has_node():
            nodes[:] = json.loads(call(self.api(), "GET", "/rik/v1/nodes")[1])["items"]
            return bool(nodes)
        wait_until(has_node, "a node")
        status, text = call(self.api(), "POST", f"/rik/v1/nodes/{nodes[0]['name']}/images",
                            json.dumps({"load": archive}))
        if status != 200:
            raise RuntimeError(text)

    def create_workload(self, **more):
        """Of one container that sleeps; `more` are fields of it."""
        container = {"name": "main", "image": "bench:1", "imagePullPolicy": "Never", "command": ["sleep", "100000"],
                     "resources": {"requests": {"cpu": "10m"}, "limits": {"memory": "64Mi"}}, **more}
        definition = {"apiVersion": "v1", "kind": "Pod", "name": "bench",
                      "spec": {"terminationGracePeriodSeconds": 0, "restartPolicy": "Always", "containers": [container]}}
        status, text = call(self.api(), "POST", "/rik/v1/workloads", json.dumps(definition))
        if status != 201:
            raise RuntimeError(text)

    def delete_workload(self):
        call(self.api(), "DELETE", "/rik/v1/workloads/bench")
        wait_until(lambda: call(self.api(), "GET", "/rik/v1/workloads/bench")[0] == 404, "the removal of the workload")

    def instances(self):
        return json.loads(call(self.api(), "GET", "/rik/v1/instances")[1])["items"]

    def start_pods(self, count):
        begin = time.monotonic()
        status, text = call(self.api(), "POST", "/rik/v1/instances", json.dumps({"workload": "bench", "replicas": count}))
        if status != 201:
            raise RuntimeError(text)
        wait_until(lambda: sum(each["state"] == "running" for each in self.instances()) >= count, "running Pods")
        return (time.monotonic() - begin) * 1000

    def remove_pods(self):
        for each in self.instances():
            call(self.api(), "DELETE", f"/rik/v1/instances/{each['id']}")
        wait_until(lambda: not self.instances(), "the removal")


def make_archive(root):
    tree = f"{root}/tree"
    os.makedirs(f"{tree}/bin")
    shutil.copy(shutil.which("busybox"), f"{tree}/bin/busybox")
    for name in ("sleep", "httpd"):
        os.symlink("busybox", f"{tree}/bin/{name}")
    with open(f"{tree}/index.html", "w") as page:
        page.write("well\n")
    for command in (["umoci", "init", "--layout", f"{root}/layout"], ["umoci", "new", "--image", f"{root}/layout:bench"],
                    ["umoci", "insert", "--image", f"{root}/layout:bench", tree, "/"],
                    ["skopeo", "copy", "--quiet", f"oci:{root}/layout:bench", f"docker-archive:{root}/bench.tar:bench:1"]):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return f"{root}/bench.tar"


def run(measure, description, numbers):
    """Calls `measure(chosen, root)` with what the command line says, `numbers` being its options and what they usually are."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("program", metavar="RIK", type=os.path.abspath)
    for name, usual in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    chosen = parser.parse_args()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: sys.exit(130))
    root = tempfile.mkdtemp(prefix="rik-bench-", dir="/tmp")
    try:
        measure(chosen, root)
    finally:
        shutil.rmtree(root, ignore_errors=True)
