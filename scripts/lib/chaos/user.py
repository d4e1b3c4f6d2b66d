"""Users, who create, look at and delete instances all the time, and write down what they were answered."""

import random
import threading

from api import NotSent, Unclear
from ledger import KINDS, Word, definition

WANTED_MAX = 14  # instances at a time
PAUSE_S = (0.05, 0.6)
CREATE_SHARE, DELETE_SHARE = 0.4, 0.2
OWN_WORKLOAD_SHARE = 0.2  # of the creations are of a workload for that one instance
LOG_SHARE = 0.3           # of the looks are at a log
WORD_OF = {True: Word.YES, False: Word.REFUSED}


class User:
    def __init__(self, api, ledger, report, seed):
        self.api, self.ledger, self.report = api, ledger, report
        self.random = random.Random(seed)
        self.may_act, self.has_ended, self.is_idle = threading.Event(), threading.Event(), threading.Event()
        self.thread = threading.Thread(target=self.live)

    def live(self):
        while not self.has_ended.is_set():
            if not self.may_act.wait(0.1):
                self.is_idle.set()
                continue
            self.is_idle.clear()
            self.act()
            self.has_ended.wait(self.random.uniform(*PAUSE_S))

    def rest(self):
        """Returns when the last call has ended."""
        self.may_act.clear()
        self.is_idle.clear()
        self.is_idle.wait()

    def act(self):
        wanted = self.ledger.wanted()
        draw, chosen = self.random.random(), self.random.random()
        one = wanted[int(chosen**2 * len(wanted))] if wanted else None  # rather an old one: the most have started by then
        if one is None or (draw < CREATE_SHARE and len(wanted) < WANTED_MAX):
            self.create(self.random.choice(["stay", "stay", "succeed", "fail"]), self.random.random() < OWN_WORKLOAD_SHARE)
        elif draw > 1 - DELETE_SHARE:
            self.delete(one)
        elif self.random.random() < LOG_SHARE:
            self.read_log(one)
        else:
            self.look_at(one)

    def create(self, kind, has_own_workload):
        entry = self.ledger.add(kind)
        if has_own_workload:
            entry.workload = f"of-{entry.name}"
            if not self.define(entry, entry.workload):
                return
        word, answer = self.ask(entry, "POST", "/rik/v1/instances", {"workload": entry.workload, "name": entry.name})
        if word is Word.YES:
            entry.uid = answer["items"][0]["id"]
        entry.created = word

    def define(self, entry, name):
        return self.ask(entry, "POST", "/rik/v1/workloads", definition(name, entry.kind))[0] is Word.YES

    def delete(self, entry):
        """An instance; with the workload that is there for it alone, if it has one."""
        entry.deleted = Word.UNCLEAR  # from now on: it may be gone before the answer has come
        path = f"/rik/v1/instances/{entry.name}" if entry.workload in KINDS else f"/rik/v1/workloads/{entry.workload}"
        entry.deleted, _ = self.ask(entry, "DELETE", path)

    def look_at(self, entry):
        try:
            status, answer = self.api.call("GET", f"/rik/v1/instances/{entry.name}")
        except (NotSent, Unclear):
            return
        if not entry.is_wanted:
            return  # another user has begun to delete it meanwhile
        self.report.count("looks at instances that must be there")
        if status != 200 or answer["id"] != entry.uid:
            self.report.violation("nothing acknowledged is lost", f"{entry.name}: {status} {answer}", entry=entry)

    def read_log(self, entry):
        """It may fail now. What comes must be of one start."""
        try:
            status, text = self.api.log(entry.name)
        except (NotSent, Unclear):
            return
        if status == 200:
            self.report.count("logs read among the faults")
            if text.count(" begin ") > 1:
                self.report.violation("no instance starts twice", f"its log: {text}", entry=entry)

    def ask(self, entry, method, path, body=None):
        """(how it ended, the answer)."""
        try:
            status, answer = self.api.call(method, path, body)
            word = WORD_OF[status < 300]
        except NotSent as error:
            word, status, answer = Word.NONE, "not sent", str(error)
        except Unclear as error:
            word, status, answer = Word.UNCLEAR, "unclear", str(error)
        entry.tell(f"{method} {path}: {status}{'' if word is Word.YES else f' {answer}'}")
        self.report.count(f"calls {'not sent' if word is Word.NONE else word.value}")
        if word is Word.REFUSED:
            self.report.violation("nothing right is refused", f"{method} {path}: {status} {answer}", entry=entry)
        return word, answer

    def end(self):
        self.has_ended.set()
        self.thread.join()
