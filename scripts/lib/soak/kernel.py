"""What is on the machine, seen from outside: from /proc and /sys, not from rik."""

import collections
import dataclasses
import os
import pathlib
import re

CONTAINER = re.compile(r"/rik-([0-9a-f]{8})/([0-9a-f-]{36})/([a-z0-9-]+)-(\d+)$", re.MULTILINE)
UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
ID = re.compile(r"([0-9a-f-]{36})-([a-z0-9-]+)-(\d+)")
TOOLS = ("runc", "crun", "skopeo", "umoci")


def read(path):
    try:
        return pathlib.Path(path).read_text(errors="replace")
    except OSError:
        return ""


def processes():
    return filter(str.isdigit, os.listdir("/proc"))


def is_alive(pid):
    state = re.search(r"^State:\t(.)", read(f"/proc/{pid}/status"), re.MULTILINE)
    return bool(state) and state[1] not in "ZX"


def is_first(pid):
    """Is it the first one of its pid namespace? Those that enter later have other numbers there."""
    return bool(re.search(r"^NSpid:\t.*\t1$", read(f"/proc/{pid}/status"), re.MULTILINE))


@dataclasses.dataclass(frozen=True, order=True)
class Container:
    """One attempt of a container."""

    uid: str
    name: str
    attempt: int


class Kernel:
    def __init__(self, lab):
        self.lab = str(lab)

    def containers(self):
        """{Container: first process} of those that run now; a process that only enters one is not the first."""
        running = {}
        for pid in processes():
            found = CONTAINER.search(read(f"/proc/{pid}/cgroup"))
            if found and found[1] == self.tag() and is_first(pid) and is_alive(pid) and "init" not in read(f"/proc/{pid}/cmdline").split("\0")[1:2]:
                running[Container(found[2], found[3], int(found[4]))] = int(pid)
        return running

    def monitors(self):
        return self.with_program("conmon")

    def watched(self):
        """{Container: its conmon}."""
        watched = {}
        for pid in self.monitors():
            words = read(f"/proc/{pid}/cmdline").split("\0")
            if found := ID.fullmatch(words[words.index("--cid") + 1] if "--cid" in words else ""):
                watched[Container(found[1], found[2], int(found[3]))] = pid
        return watched

    def tools(self):
        return [pid for name in TOOLS for pid in self.with_program(name)]

    def with_program(self, name):
        """The processes of this lab that run this program."""
        found = []
        for pid in processes():
            words = read(f"/proc/{pid}/cmdline").split("\0")
            if os.path.basename(words[0]) == name and any(self.lab in word for word in words[1:]) and is_alive(pid):
                found.append(int(pid))
        return found

    def owners(self):
        """{uid: what it has here} of everything that comes and goes with instances, but logs and directories of state."""
        found = collections.defaultdict(list)
        for path in (line.split()[4] for line in read("/proc/self/mountinfo").splitlines()):
            self.note(found, path, f"mount {path}") if path.startswith(f"{self.lab}/") else None
        for path in pathlib.Path("/sys/fs/cgroup").glob(f"**/rik-{self.tag()}/*"):
            self.note(found, str(path), f"cgroup {path}")
        for path in pathlib.Path(self.lab).glob("run/pods/*"):
            self.note(found, str(path), f"directory {path}")
        for pid in self.monitors():
            self.note(found, read(f"/proc/{pid}/cmdline"), f"conmon {pid}")
        return found

    @staticmethod
    def note(found, text, what):
        if uid := UID.search(text):
            found[uid[0]].append(what)

    def directories(self):
        return {path.name for path in pathlib.Path(self.lab).glob("state/pods/*")}

    def tag(self):
        return read(f"{self.lab}/tag") or "none"

    def learn_tag(self):
        """From the cgroup of a conmon; whoever looks after the reset reads it, too."""
        for pid in self.monitors():
            if found := re.search(r"/rik-([0-9a-f]{8})/", read(f"/proc/{pid}/cgroup")):
                pathlib.Path(self.lab, "tag").write_text(found[1])
                return True
        return False
