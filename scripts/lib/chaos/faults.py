"""Faults: which, of what, when and how long is decided here by a seed; then they are done."""

import dataclasses
import signal
import time

PAUSE_MEAN_S = 0.9    # between two beginnings
SEVERAL_SHARE = 0.25  # of the beginnings are of several faults at once
SEVERAL_MAX = 3
ROLE_FAULTS = ("kill", "kill", "stop", "end")
LINK_FAULTS = ("cut", "freeze", "delay")
SECONDS = {"kill": (0, 3), "end": (0, 2), "stop": (1, 15), "cut": (0.5, 8), "freeze": (1, 15), "delay": (2, 10)}


@dataclasses.dataclass
class Fault:
    at: float  # seconds from the begin of the round
    verb: str
    target: str
    seconds: float
    delay_ms: int = 0

    @property
    def until(self):
        return self.at + self.seconds

    @property
    def place(self):
        """No two faults of one place overlap."""
        return f"link {self.target}" if self.verb in LINK_FAULTS else self.target

    def __str__(self):
        amount = f" by {self.delay_ms} ms" if self.delay_ms else ""
        return f"{self.at:5.1f} {self.verb} {self.place}{amount} for {self.seconds:.1f} s"


def plan(random, roles, links, seconds):
    """The faults of one round, in the order of their beginnings. The last has ended after `seconds`."""
    faults, at = [], 0.5
    while at < seconds:
        for _ in range(random.randint(2, SEVERAL_MAX) if random.random() < SEVERAL_SHARE else 1):
            fault = draw(random, roles, links, at, seconds - at)
            if not any(other.place == fault.place and other.until + 0.2 > at for other in faults):
                faults.append(fault)
        at += random.expovariate(1 / PAUSE_MEAN_S)
    return faults


def draw(random, roles, links, at, seconds_max):
    if random.random() < 0.5:
        verb, target = random.choice(ROLE_FAULTS), random.choice(roles)
    else:
        verb, target = random.choice(LINK_FAULTS), random.choice(links)
    shortest, longest = SECONDS[verb]
    seconds = min(shortest + (longest - shortest) * random.random() ** 2, seconds_max)  # rather short: between faults things go on
    return Fault(at, verb, target, seconds, random.randint(20, 1500) if verb == "delay" else 0)


class Doer:
    def __init__(self, cluster, report):
        self.cluster, self.report = cluster, report

    def run(self, faults):
        """Does all of them, and returns when the last has ended and all is mended."""
        steps = [(fault.at, 1, index, self.begin) for index, fault in enumerate(faults)]
        steps += [(fault.until, 0, index, self.end) for index, fault in enumerate(faults)]
        began = time.monotonic()
        for at, _, index, step in sorted(steps, key=lambda each: each[:3]):
            time.sleep(max(0, began + at - time.monotonic()))
            step(faults[index])
            self.look_for_dead()

    def begin(self, fault):
        role = self.cluster.roles[fault.target]
        self.report.fault(fault)
        if fault.verb == "kill":
            role.kill()
        elif fault.verb == "end":
            role.ask_to_end()
        elif fault.verb == "stop":
            role.signal(signal.SIGSTOP)
        elif fault.verb == "delay":
            self.cluster.relay.say("delay", fault.target, fault.delay_ms, fault.delay_ms // 2)
        else:
            self.cluster.relay.say(fault.verb, fault.target)

    def end(self, fault):
        role = self.cluster.roles[fault.target]
        if fault.verb == "kill":
            role.begin()
        elif fault.verb == "end":
            self.expect_end(role)
            role.begin()
        elif fault.verb == "stop":
            role.signal(signal.SIGCONT)
        else:
            self.cluster.relay.say("mend", fault.target)

    def expect_end(self, role):
        code = role.wait()
        if code != 0:
            self.report.violation("a role ends at SIGTERM", f"{role.name}: exit code {code}" if code else f"{role.name} did not end")

    def look_for_dead(self):
        for role in self.cluster.roles.values():
            if role.has_died():
                self.report.violation("no role ends by itself", f"{role.name}: exit code {role.process.returncode}")
                role.begin()
