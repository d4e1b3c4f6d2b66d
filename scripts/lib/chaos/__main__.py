"""Faults at random in a cluster of real processes, and what must hold all the same. scripts/chaos makes the lab and starts this."""

import argparse
import pathlib
import random
import signal
import sys
import time

import faults
from api import Api, NotSent, Unclear
from ledger import KINDS, Ledger, Word, definition, now
from machine import Machine
from report import Report
from roles import Cluster
from settle import Settle
from user import User

USERS = 3
ROUND_SECONDS = 20
SECONDS_TO_BEGIN_MAX = 30
SECONDS_TO_CLEAR_MAX = 10


def options_of(arguments):
    parser = argparse.ArgumentParser()
    for name, kind in (("rik", str), ("lab", pathlib.Path), ("cidr", str), ("image", str), ("port", int), ("seconds", int), ("seed", int), ("nodes", int)):
        parser.add_argument(f"--{name}", type=kind, required=True)
    return parser.parse_args(arguments)


class Chaos:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.is_complete = False
        self.ledger = Ledger()
        self.report = Report(self.ledger)
        self.api = Api(options.lab / "primary.sock")
        self.cluster = Cluster(options)
        self.report.roles = self.cluster.roles.values()
        self.machine = Machine(options.lab, self.cluster.nodes, self.report)
        self.users = [User(self.api, self.ledger, self.report, f"{options.seed}-{index}") for index in range(USERS)]
        self.settle = Settle(self.api, self.ledger, self.machine, self.report)

    def run(self):
        self.cluster.begin()
        self.wait_for("all nodes are ready", SECONDS_TO_BEGIN_MAX, self.nodes_are_ready)
        self.prepare()
        for thread in (self.machine.thread, *(user.thread for user in self.users)):
            thread.start()
        rounds = max(1, round(self.options.seconds / ROUND_SECONDS))
        for index in range(rounds):
            self.round(index + 1, self.options.seconds / rounds)
            if self.report.violations:
                return
        self.clear()
        self.is_complete = True

    def nodes_are_ready(self):
        return [node["state"] for node in self.api.items("nodes")] == ["ready"] * len(self.cluster.nodes)

    def wait_for(self, what, seconds, is_true):
        until = time.monotonic() + seconds
        while not self.holds(is_true):
            if time.monotonic() > until:
                self.report.violation("in time", f"not after {seconds} s: {what}")
                raise SystemExit(1)
            time.sleep(0.1)

    @staticmethod
    def holds(is_true):
        try:
            return is_true()
        except (NotSent, Unclear):
            return False

    def prepare(self):
        for name in self.cluster.nodes:
            self.need("POST", f"/rik/v1/nodes/{name}/images", {"load": self.options.image})
        for kind in KINDS:
            self.need("POST", "/rik/v1/workloads", definition(kind, kind))
        self.machine.learn({node["name"]: node["podSubnet"] for node in self.api.items("nodes")})

    def need(self, *call):
        status, answer = self.api.call(*call)
        if status >= 300:
            raise RuntimeError(f"{call}: {status} {answer}")

    def round(self, number, seconds):
        self.report.say(f"round {number}: faults for {seconds:.0f} s")
        for user in self.users:
            user.may_act.set()
        plan = faults.plan(self.random, list(self.cluster.roles), self.cluster.links, seconds)
        doer = faults.Doer(self.cluster, self.report)
        doer.run(plan)
        mended = time.monotonic(), now()
        for user in self.users:
            user.rest()
        self.settle.run(*mended)
        doer.look_for_dead()
        self.report.count("rounds")

    def clear(self):
        """Deletes everything: nothing of it stays."""
        if not self.machine.started():
            self.report.violation("there was something to check", "no instance has started")
        for entry in self.ledger.entries:
            entry.deleted = Word.YES
        for workload in self.api.items("workloads"):
            self.need("DELETE", f"/rik/v1/workloads/{workload['name']}")
        self.wait_for("no instances and workloads are there", SECONDS_TO_CLEAR_MAX, self.is_empty)
        left = self.machine.objects()
        if left:
            time.sleep(1)  # a file in the trash may go a moment later
            left = self.machine.objects()
        for each in left:
            self.report.violation("nothing is left over", each)
        self.report.count("instances deleted with everything they had", sum(entry.created is Word.YES for entry in self.ledger.entries))

    def is_empty(self):
        return not self.api.items("instances") and not self.api.items("workloads")

    def end(self):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for user in self.users:
            if user.thread.is_alive():
                user.end()
        if self.machine.thread.is_alive():
            self.machine.end()
        self.cluster.end()
        self.close_report()

    def close_report(self):
        self.report.count("instances of which the starts were counted", len(self.machine.started()))
        self.report.count("looks at all processes and logs", self.machine.looks)
        self.report.count_errors()
        if self.report.violations:
            self.report.print_logs(self.report.words())
            self.report.print_violations()
        self.report.print_counts()
        note = "" if self.is_complete or self.report.violations else "broken off, "
        print(f"seed {self.options.seed}: {note}{len(self.report.violations)} violations", flush=True)


def main(arguments):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the script that started this gets it too, and says SIGTERM
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
    chaos = Chaos(options_of(arguments))
    try:
        chaos.run()
    finally:
        chaos.end()
    return 1 if chaos.report.violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
