"""Kills at random on one machine, and what must hold all the same. scripts/soak makes the lab and starts this."""

import argparse
import collections
import contextlib
import datetime
import os
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from api import Api, NotSent, Unclear
from compare import Compare
from kernel import Kernel
from pods import KINDS, definition

ROUND_SECONDS_MAX = 15
SECONDS_TO_BEGIN_MAX = 30
SECONDS_TO_SETTLE_MAX = 20
PAUSE_MEAN_S = 0.35
LOOK_PERIOD_S = 0.1


class Watch:
    """Looks at the kernel all the time: no two attempts of one container at once, and attempts only grow."""

    def __init__(self, kernel, tell):
        self.kernel, self.tell = kernel, tell
        self.newest = {}
        self.looks = 0
        self.has_ended = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self):
        while not self.has_ended.wait(LOOK_PERIOD_S):
            self.look()

    def look(self):
        attempts = collections.defaultdict(list)
        for each in self.kernel.containers():
            attempts[each.uid, each.name].append(each.attempt)
        self.looks += 1
        for key, now in attempts.items():
            if len(now) > 1 and all(each in self.kernel.containers() for each in self.of(key, now)):
                self.tell(f"two attempts of one container run at once: {key} {now}")
            if max(now) < self.newest.get(key, 0):
                self.tell(f"an attempt came back: {key} {now} after {self.newest[key]}")
            self.newest[key] = max(self.newest.get(key, 0), *now)

    @staticmethod
    def of(key, attempts):
        from kernel import Container

        return [Container(*key, attempt) for attempt in attempts]

    def end(self):
        self.has_ended.set()
        if self.thread.is_alive():
            self.thread.join()


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.api = Api(options.lab / "rik.sock")
        self.kernel = Kernel(options.lab)
        self.compare = Compare(options.lab, self.api, self.kernel)
        self.watch = Watch(self.kernel, self.violation)
        self.wanted = {}  # {name: kind}
        self.serial = 0
        self.process = None
        self.counts = collections.Counter()
        self.violations = []

    @staticmethod
    def say(text):
        print(f"{datetime.datetime.now().strftime('%H:%M:%S.%f')[:-3]} {text}", flush=True)

    def violation(self, text):
        self.violations.append(text)
        self.say(f"VIOLATION {text}")

    # rik

    def begin(self):
        lab = self.options.lab
        command = [self.options.rik, "--role=all", "--state-dir", f"{lab}/state", "--run-dir", f"{lab}/run",
                   "--socket", f"{lab}/rik.sock", "--cluster-cidr", self.options.cidr]
        with open(lab / "rik.log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill_rik(self):
        self.process.kill()
        self.process.wait()
        time.sleep(self.random.choice((0, 0, 0.2, 1)))
        self.begin()

    def answers(self):
        try:
            return self.api.call("GET", "/readyz")[0] == 200
        except (NotSent, Unclear):
            return False

    def wait_for(self, what, seconds, is_true):
        until = time.monotonic() + seconds
        while not is_true():
            if time.monotonic() > until:
                self.violation(f"not after {seconds} s: {what}")
                raise SystemExit(1)
            time.sleep(0.05)

    # What is wanted

    def call_until_clear(self, method, path, body=None):
        """Asks again until it is certain what has happened."""
        until = time.monotonic() + SECONDS_TO_BEGIN_MAX
        while time.monotonic() < until:
            with contextlib.suppress(NotSent, Unclear):
                return self.api.call(method, path, body)
            time.sleep(0.05)
        self.violation(f"no answer: {method} {path}")
        raise SystemExit(1)

    def create(self):
        self.serial += 1
        kind = self.random.choice(list(KINDS))
        name = f"{kind}-{self.serial}"
        status, answer = self.call_until_clear("POST", "/rik/v1/workloads", definition(name, kind, self.options.image))
        if status not in {200, 201, 409}:
            raise RuntimeError(f"{name}: {status} {answer}")
        status, answer = self.call_until_clear("POST", "/rik/v1/instances", {"workload": name, "name": name})
        if status not in {200, 201, 202, 409}:
            raise RuntimeError(f"{name}: {status} {answer}")
        self.wanted[name] = kind

    def delete(self, name):
        status, answer = self.call_until_clear("DELETE", f"/rik/v1/workloads/{name}")
        if status not in {200, 202, 204, 404}:
            raise RuntimeError(f"{name}: {status} {answer}")
        del self.wanted[name]

    def restart(self, name):
        """A finished one refuses it."""
        self.call_until_clear("POST", f"/rik/v1/instances/{name}/restart", {})

    # Kills

    def kill_one(self, what, pids):
        if not pids:
            return
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.random.choice(sorted(pids)), signal.SIGKILL)
            self.counts[f"kill -9 of {what}"] += 1

    def kill_tool(self):
        """One that runs now: it is looked for a moment, since they are short."""
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            if tools := self.kernel.tools():
                return self.kill_one("a tool in the middle of its work", tools)

    def act(self):
        draw = self.random.random()
        if draw < 0.08:
            self.counts["kill -9 of rik"] += 1
            self.kill_rik()
        elif draw < 0.26:
            self.kill_one("a conmon", self.kernel.monitors())
        elif draw < 0.46:
            self.kill_one("a container's first process", list(self.kernel.containers().values()))
        elif draw < 0.66:
            self.kill_tool()
        elif draw < 0.76:
            self.restart(self.random.choice(list(self.wanted)))
            self.counts["restarts in place asked for"] += 1
        else:
            self.delete(self.random.choice(list(self.wanted)))
            self.counts["instances deleted"] += 1
        while len(self.wanted) < self.options.pods:
            self.create()

    def round(self, number, seconds):
        self.say(f"round {number}: kills for {seconds:.0f} s")
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.act()
            time.sleep(self.random.expovariate(1 / PAUSE_MEAN_S))
        self.settle()

    def settle(self):
        """What is seen in two looks in a row is a difference: some end by themselves again and again, and may just have."""
        began = time.monotonic()
        before, lasting = None, None
        while (lasting is None or lasting) and time.monotonic() < began + SECONDS_TO_SETTLE_MAX:
            time.sleep(0.4)
            with contextlib.suppress(NotSent, Unclear):
                found = set(self.compare.differences(self.wanted))
                lasting, before = None if before is None else found & before, found
        for each in {"rik does not answer"} if lasting is None else lasting:
            self.violation(each)
        self.counts["comparisons of store, node and kernel"] += 1
        self.say(f"  compared after {time.monotonic() - began:.1f} s")

    def run(self):
        self.begin()
        self.wait_for("rik is ready", SECONDS_TO_BEGIN_MAX, self.answers)
        while len(self.wanted) < self.options.pods:
            self.create()
        self.wait_for("a container runs", SECONDS_TO_BEGIN_MAX, self.kernel.learn_tag)
        self.watch.thread.start()
        rounds = -(-self.options.seconds // ROUND_SECONDS_MAX)
        for number in range(1, rounds + 1):
            self.round(number, self.options.seconds / rounds)
            if self.violations:
                return
        for name in list(self.wanted):
            self.delete(name)
        self.settle()

    def end(self):
        self.watch.end()
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.counts["looks at all containers"] = self.watch.looks
        for what, amount in sorted(self.counts.items()):
            print(f"{amount:6d} {what}")
        if self.violations:
            print("\n".join(["the end of rik's log:", *self.log_end(60)]))
        print(f"seed {self.options.seed}: {len(self.violations)} violations", flush=True)

    def log_end(self, lines):
        return (self.options.lab / "rik.log").read_text(errors="replace").splitlines()[-lines:]


def options_of(arguments):
    parser = argparse.ArgumentParser()
    for name, kind in (("rik", str), ("lab", pathlib.Path), ("cidr", str), ("image", str), ("seconds", int), ("seed", int), ("pods", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    return parser.parse_args(arguments)


def main(arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the script that started this gets it too, and says SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    soak = Soak(options_of(arguments))
    try:
        soak.run()
    finally:
        soak.end()
    return 1 if soak.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
