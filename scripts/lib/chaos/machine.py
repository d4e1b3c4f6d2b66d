"""What is on the machine, seen from outside: from /proc, /sys and ip, not from rik."""

import collections
import ipaddress
import json
import os
import pathlib
import re
import subprocess
import threading

PERIOD_S = 0.25
CONTAINER = re.compile(r"/rik-([0-9a-f]{8})/([0-9a-f-]{36})/main-0$", re.MULTILINE)


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def interfaces():
    return json.loads(subprocess.run(["ip", "-j", "-4", "address"], check=True, capture_output=True).stdout)


def tag_of(subnet):
    """The 8 digits in the names of the kernel objects of the node with this Pod subnet."""
    for each in interfaces():
        for address in each.get("addr_info", []):
            if each["ifname"].startswith("rk") and ipaddress.ip_address(address["local"]) in ipaddress.ip_network(subnet):
                return each["ifname"][2:]
    return None


def first_process(pid):
    """Who it is, if it is the first one of a container and runs what the definition says."""
    status, line = read(f"/proc/{pid}/status"), read(f"/proc/{pid}/cmdline")
    if not re.search(r"^NSpid:.*\t1$", status, re.MULTILINE) or not line.startswith("sh\0-c\0") or "State:\tZ" in status:
        return None
    return pid, read(f"/proc/{pid}/stat").rpartition(")")[2].split()[19]


class Machine:
    """Looks all the time, and remembers of each instance every start and every node."""

    def __init__(self, lab, nodes, report):
        self.lab, self.nodes, self.report = lab, nodes, report
        self.node_of_tag = {}
        self.starts = collections.defaultdict(set)  # of an instance: (pid, start time) of first processes
        self.begins = {}                            # of an instance: the lines that it wrote when it began
        self.nodes_of = collections.defaultdict(set)
        self.is_told = set()
        self.looks = 0
        self.lock = threading.Lock()
        self.has_ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def learn(self, subnets):
        """What the nodes with these Pod subnets are called in the kernel. Whoever looks after the reset reads it, too."""
        self.node_of_tag = {tag_of(subnet): name for name, subnet in subnets.items()}
        for tag, name in self.node_of_tag.items():
            (self.lab / name / "tag").write_text(tag)

    def watch(self):
        while not self.has_ended.wait(PERIOD_S):
            self.look()

    def look(self):
        """{instance: nodes on which a process of it is now}."""
        with self.lock:
            running = self.look_at_processes()
            self.look_at_logs()
            self.looks += 1
            self.judge()
        return running

    def look_at_processes(self):
        running = collections.defaultdict(set)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            found = CONTAINER.search(read(f"/proc/{pid}/cgroup"))
            if not found or found[1] not in self.node_of_tag:
                continue
            node, uid = self.node_of_tag[found[1]], found[2]
            running[uid].add(node)
            self.nodes_of[uid].add(node)
            if process := first_process(pid):
                self.starts[uid].add(process)
        return running

    def look_at_logs(self):
        for node in self.nodes:
            for log in (self.lab / node / "state/pods").glob("*/logs/main-0.log"):
                uid = log.parts[-3]
                self.nodes_of[uid].add(node)
                lines = {line for line in read(log).splitlines() if " begin " in line}
                self.begins[uid] = self.begins.get(uid, set()) | lines

    def judge(self):
        for uid in self.starts.keys() | self.begins.keys():
            if max(len(self.starts[uid]), len(self.begins.get(uid, ()))) > 1:
                self.tell(uid, "no instance starts twice", f"processes {self.starts[uid]}, lines {self.begins.get(uid)}")
        for uid, nodes in self.nodes_of.items():
            if len(nodes) > 1:
                self.tell(uid, "no instance is on two nodes", f"nodes {', '.join(sorted(nodes))}")

    def tell(self, uid, rule, text):
        if (uid, rule) not in self.is_told:
            self.is_told.add((uid, rule))
            self.report.violation(rule, text, uid=uid)

    def started(self):
        return {uid for uid, begins in self.begins.items() if begins} | {uid for uid, starts in self.starts.items() if starts}

    def objects(self):
        """All kernel objects and directories of the nodes that come and go with instances."""
        return sorted({*self.mounts(), *self.cgroups(), *self.links(), *self.files(), *self.processes()})

    def mounts(self):
        mounts = [line.split()[4] for line in read("/proc/self/mountinfo").splitlines()]
        return [f"mount {path}" for path in mounts if path.startswith(f"{self.lab}/") and "/pods/" in path]

    def cgroups(self):
        found = pathlib.Path("/sys/fs/cgroup").glob("**/rik-*/*-*-*-*-*")
        return [f"cgroup {path}" for path in found if path.parent.name[4:] in self.node_of_tag]

    def links(self):
        bridges = {f"rk{tag}" for tag in self.node_of_tag}
        all_links = json.loads(subprocess.run(["ip", "-j", "link"], check=True, capture_output=True).stdout)
        return [f"interface {each['ifname']} of {each['master']}" for each in all_links if each.get("master") in bridges]

    def files(self):
        patterns = ("state/pods/*", "state/trash/*", "run/pods/*", "run/runc/*", "run/trash/*")
        return [f"file {path}" for node in self.nodes for pattern in patterns for path in (self.lab / node).glob(pattern)]

    def processes(self):
        """Containers, and the conmons beside them."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            line = read(f"/proc/{pid}/cmdline").replace("\0", " ")
            if CONTAINER.search(read(f"/proc/{pid}/cgroup")) and CONTAINER.search(read(f"/proc/{pid}/cgroup"))[1] in self.node_of_tag:
                yield f"process {pid} {line}"
            elif "conmon" in line and f"{self.lab}/" in line:
                yield f"process {pid} {line}"

    def end(self):
        self.has_ended.set()
        self.thread.join()
