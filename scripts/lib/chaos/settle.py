"""After the faults: does everything become what the ledger says, in time?"""

import time

from api import NotSent, Unclear
from ledger import KINDS, Word

SECONDS_TO_CONVERGE_MAX = 5
# What may be due on top: a pause between two tries to connect (5 s), the one of gRPC itself (1 s), grace (1 s), and the life of
# a container that ends (1 s).
SECONDS_DUE_MAX = 8
SECONDS_TO_STAY = 1
PERIOD_S = 0.1


class Settle:
    def __init__(self, api, ledger, machine, report):
        self.api, self.ledger, self.machine, self.report = api, ledger, machine, report

    def run(self, began, mended_at):
        """Waits until what is there is what is wanted, and looks whether it stays so. The last fault was mended at `began`, by the clock of the logs at `mended_at`."""
        until = began + SECONDS_TO_CONVERGE_MAX + SECONDS_DUE_MAX
        differences, last = self.wait(until)
        self.report.settle_seconds.append(time.monotonic() - began)
        self.report.say(f"{'NOT ' if differences else ''}converged after {self.report.settle_seconds[-1]:.1f} s: {len(self.ledger.wanted())} instances as wanted{last}")
        if self.report.settle_seconds[-1] > SECONDS_TO_CONVERGE_MAX:
            self.report.slow_since(mended_at)
        if not differences:
            time.sleep(SECONDS_TO_STAY)
            differences = [(entry, f"{text}, after it had converged") for entry, text in self.differences()]
        for entry, text in differences:
            self.report.violation(f"converged {SECONDS_TO_CONVERGE_MAX} s after the last fault and what is due", text, entry=entry)
        self.report.count("instances found as they are wanted", len(self.ledger.wanted()))
        if not differences:
            self.read_logs()

    def read_logs(self):
        """Streams work again, too."""
        for entry in self.ledger.wanted():
            try:
                status, text = self.api.log(entry.name)
            except (NotSent, Unclear) as error:
                status, text = 0, str(error)
            if status != 200 or text.count(f" begin {entry.name} ") != 1:
                self.report.violation("each log can be read, and has one beginning", f"{status} {text}", entry=entry)
            self.report.count("logs read in the calm")

    def wait(self, until):
        """(what is still different, what was the last that was)."""
        last = ""
        while differences := self.look():
            last = f"; at last {differences[0][1]}"
            if time.monotonic() > until:
                break
            time.sleep(PERIOD_S)
        return differences, last

    def look(self):
        self.clear_up()
        return self.differences()

    def clear_up(self):
        """What was not answered is asked again, now that somebody answers."""
        for entry in self.ledger.entries:
            if entry.created is Word.UNCLEAR:
                self.find(entry)
            if entry.deleted is Word.UNCLEAR:
                self.delete_again(entry)

    def find(self, entry):
        try:
            status, answer = self.api.call("GET", f"/rik/v1/instances/{entry.name}")
        except (NotSent, Unclear):
            return
        entry.created = Word.YES if status == 200 else Word.NONE
        entry.uid = answer["id"] if status == 200 else ""
        entry.tell(f"looked: {'it was created' if entry.uid else 'it was not created'}")
        self.report.count("unanswered calls that had happened" if entry.uid else "unanswered calls that had not happened")

    def delete_again(self, entry):
        path = f"/rik/v1/instances/{entry.name}" if entry.workload in KINDS else f"/rik/v1/workloads/{entry.workload}"
        try:
            status, _ = self.api.call("DELETE", path)
        except (NotSent, Unclear):
            return
        entry.tell(f"DELETE again {path}: {status}")
        if status in {202, 404}:
            entry.deleted = Word.YES
            self.report.count(f"unanswered calls that {'had not happened' if status == 202 else 'had happened'}")

    def differences(self):
        """[(entry or None, what is not as it should be)]."""
        try:
            nodes, instances = self.api.items("nodes"), self.api.items("instances")
        except (NotSent, Unclear) as error:
            return [(None, f"the primary does not answer: {error}")]
        running = self.machine.look()
        found = [(None, f"node {node['name']} is {node['state']}") for node in nodes if node["state"] != "ready"]
        found += [(None, f"{len(nodes)} nodes are known")] if len(nodes) != len(self.machine.nodes) else []
        by_uid = {instance["id"]: instance for instance in instances}
        for entry in self.ledger.wanted():
            found += [(entry, f"{entry.name} {text}") for text in self.compare(entry, by_uid.get(entry.uid), running.get(entry.uid, set()))]
        return found + self.superfluous(instances, running)

    def compare(self, entry, instance, nodes):
        if instance is None:
            yield "is not there"
            return
        wanted = KINDS[entry.kind].state
        if instance["state"] != wanted:
            yield f"is {instance['state']} ({instance['reason']}: {instance['message']}) instead of {wanted}"
        if wanted == "running" and nodes != {instance["node"] and instance["node"]["name"]}:
            yield f"is bound to {instance['node']}, its processes are on {sorted(nodes) or 'no node'}"
        if wanted != "running" and nodes:
            yield f"is {wanted} and has processes on {sorted(nodes)}"
        if instance["state"] == wanted and entry.uid not in self.machine.started():
            yield f"is {wanted} and was never seen to start"

    def superfluous(self, instances, running):
        wanted = {entry.uid for entry in self.ledger.wanted()}
        found = [(i["id"], f"{i['name']} is there ({i['state']}, {i['reason']}), and should not be") for i in instances]
        found += [(uid, f"processes of {uid} on {sorted(nodes)}, and there should be none") for uid, nodes in running.items()]
        return [(self.ledger.of_uid(uid), text) for uid, text in found if uid not in wanted]
