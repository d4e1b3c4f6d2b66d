"""What has been found, and what has been counted."""

import collections
import threading

from ledger import now

LINES_MAX = 100000  # of a log
LINES_OF_SLOW_MAX = 40


class Report:
    def __init__(self, ledger):
        self.ledger = ledger
        self.roles = []  # whose logs it reads
        self.lock = threading.Lock()
        self.counts = collections.Counter()
        self.faults = []
        self.violations = []
        self.settle_seconds = []

    def say(self, text):
        print(f"{now()} {text}", flush=True)

    def count(self, what, amount=1):
        with self.lock:
            self.counts[what] += amount

    def fault(self, fault):
        self.faults.append(fault)
        self.count(f"faults: {fault.verb}")
        self.say(f"  {fault}")

    def violation(self, rule, text, entry=None, uid=None):
        entry = entry or self.ledger.of_uid(uid)
        with self.lock:
            self.violations.append((now(), rule, f"instance {uid}: {text}" if uid else text, entry))
        self.say(f"VIOLATION {rule}: {entry.name if entry else ''} {text}")

    def slow_since(self, time):
        """What the roles said since the faults were mended: why it took so long."""
        self.count("rounds that took longer than 5 s, and had reason to")
        for role in self.roles:
            for line in role.log_end(LINES_OF_SLOW_MAX):
                if line[11:23] >= time:
                    print(f"    {role.name}: {line[11:]}")

    def print_violations(self):
        for when, rule, text, entry in self.violations:
            print(f"\n{when} violated: {rule}\n  {text}")
            if entry:
                print(f"  the story of {entry.name} ({entry.uid or 'no id known'}, workload {entry.workload}):")
                print("".join(f"    {line}\n" for line in entry.story), end="")

    def print_logs(self, words, lines=40):
        """The lines about the instances that are concerned, and the ends of all logs."""
        for role in self.roles:
            every = role.log_end(LINES_MAX)
            print(f"\n-- {role.name}: the lines that name them, and the last {lines}")
            about = [line for line in every[:-lines] if any(word in line for word in words)]
            print("\n".join([*about, "..."] + every[-lines:]))

    def count_errors(self):
        """Lines that say that somebody must act. Nobody had to; they are no violation, but worth a look."""
        for role in self.roles:
            for line in role.log_end(LINES_MAX):
                if " E " in line[:40]:
                    self.count(f"in the log of {role.name}: {line.partition(' E ')[2]}")

    def words(self):
        entries = [entry for _, _, _, entry in self.violations if entry]
        return [f'"{entry.name}"' for entry in entries] + [entry.uid for entry in entries if entry.uid]

    def print_counts(self):
        for what, amount in sorted(self.counts.items()):
            print(f"{amount:6d} {what}")
        if self.settle_seconds:
            times = ", ".join(f"{seconds:.1f}" for seconds in self.settle_seconds)
            print(f"converged after {times} s")
