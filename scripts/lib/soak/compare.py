"""Compares the store, the node's disk and the kernel, once nothing is killed any more."""

import contextlib
import json
import pathlib
import shutil
import sqlite3
import tempfile

from kernel import Container
from pods import KINDS


class Compare:
    def __init__(self, lab, api, kernel):
        self.lab, self.api, self.kernel = lab, api, kernel

    def differences(self, wanted):
        """All that does not fit; wanted: {name of an instance: kind}."""
        store = {each["name"]: each for each in self.api.items("instances")}
        found = [f"{name}: it was created, and is not in the store" for name in wanted.keys() - store.keys()]
        found += [f"{name}: it was deleted, and is in the store" for name in store.keys() - wanted.keys()]
        for name in wanted.keys() & store.keys():
            found += [f"{name}: {text}" for text in wrong_with(store[name], KINDS[wanted[name]])]
        found += self.of_kernel(store)
        found += self.of_node(store)
        return sorted(found)

    def of_kernel(self, store):
        uids = {each["id"]: each for each in store.values()}
        expected = {key: name for name, each in store.items() for key in running_of(each)}
        running = self.kernel.containers()
        found = [f"{name}: {key} is said to run, and does not" for key, name in expected.items() if key not in running]
        found += [f"process {pid}: {key} runs, and nobody says so" for key, pid in running.items() if key not in expected]
        watched = self.kernel.watched()
        found += [f"conmon {pid}: it watches {key}, which does not run" for key, pid in watched.items() if key not in running]
        found += [f"process {pid}: no conmon watches {key}" for key, pid in running.items() if key not in watched]
        for uid, things in self.kernel.owners().items():
            if uid not in uids or uids[uid]["state"] in {"succeeded", "failed"}:
                found += [f"{thing} belongs to nobody who may have it" for thing in things]
        found += [f"state/pods/{uid} belongs to nobody" for uid in self.kernel.directories() - uids.keys()]
        return found

    def of_node(self, store):
        """What the node has on its own disk."""
        rows = rows_of(pathlib.Path(self.lab) / "state/node/state.db")
        uids = {each["id"]: name for name, each in store.items()}
        found = [f"{uids[uid]}: the node has no row of it" for uid in uids.keys() - rows.keys()]
        found += [f"{json.loads(rows[uid]).get('name')}: only the node has it" for uid in rows.keys() - uids.keys()]
        return found


def rows_of(database):
    """From a copy: rik lets nobody else into its database."""
    with tempfile.TemporaryDirectory() as beside:
        for name in (database.name, database.name + "-wal"):
            shutil.copy(database.with_name(name), beside)
        with contextlib.closing(sqlite3.connect(pathlib.Path(beside) / database.name)) as disk:
            return dict(disk.execute("SELECT key, value FROM rows WHERE tbl = 'instance'"))


def running_of(instance):
    return [Container(instance["id"], each["name"], each["restartCount"]) for each in instance["containers"] if each["state"] == "running"]


def wrong_with(instance, kind):
    state = instance["state"]
    if state in kind.ends:
        return []
    if state == "creating" or state == "running":
        return [] if is_alive(instance, kind) else [f"{state}, {[(each['name'], each['state'], each['reason']) for each in instance['containers']]}"]
    return [f"it is {state} ({instance['reason']}: {instance['message']}), and its policy is {kind.policy}"]


def is_alive(instance, kind):
    """Each container that must run does, or waits for its next start for a moment."""
    main = next(each for each in instance["containers"] if each["name"] == "main")
    if kind.script.startswith("sleep") or not kind.comes_back:
        return True  # it ends by itself again and again, or it may just be about to
    return instance["state"] == "running" and main["state"] == "running" and instance["ready"]
