#!/usr/bin/env python3
"""What Pods that live cost a rik with all roles: probes, memory, and a restart after a crash.

usage: life_bench.py RIK [--pods N] [--idle-s N] [--crashes N]     (as root)

Needs umoci, skopeo, runc, conmon and busybox-static. All of it is below a directory in /tmp that goes again.
"""
import os
import random
import signal
import statistics
import time

from bench_lab import cluster, make_archive, memory_mb, run, wait_until


def processor_s(pid):
    with open(f"/proc/{pid}/stat") as line:
        fields = line.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pids_of(name, root):
    """Those with this name of a program that have `root` in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/comm") as comm, open(f"/proc/{pid}/cmdline") as line:
                if comm.read().strip() == name and root in line.read():
                    found.append(int(pid))
        except OSError:
            pass  # it has ended
    return found


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as line:
        return [int(each) for each in line.read().split()]


def probe(kind):
    check = {"httpGet": {"path": "/", "port": 8080}} if kind == "http" else {"tcpSocket": {"port": 8080}}
    return {"readinessProbe": {**check, "periodSeconds": 10, "timeoutSeconds": 5}}


def run_pods(rik, count, more):
    rik.create_workload(command=["httpd", "-f", "-p", "8080", "-h", "/"], **more)
    rik.start_pods(count)
    wait_until(lambda: all(each["ready"] for each in rik.instances()), "ready Pods")


def remove_all(rik):
    rik.remove_pods()
    rik.delete_workload()


def measure_probes(rik, pid, count, seconds):
    """Per cent of one core: with no probe, and with one every 10 s for each Pod."""
    for kind, aim in (("no", ""), ("tcp", "< 1"), ("http", "< 1")):
        before = memory_mb(pid, "Pss")
        run_pods(rik, count, {} if kind == "no" else probe(kind))
        time.sleep(min(seconds, 10))  # what follows a start is over
        begin, used = time.monotonic(), processor_s(pid)
        time.sleep(seconds)
        percent = 100 * (processor_s(pid) - used) / (time.monotonic() - begin)
        print(f"{f'{count} Pods with {kind} probes, % of a core':<56} {percent:>8.2f}   {aim}", flush=True)
        if kind == "no":
            monitors = [memory_mb(each, "Pss") for each in pids_of("conmon", rik.root)]
            own = (memory_mb(pid, "Pss") - before + sum(monitors)) / count
            print(f"{'memory of rik and monitor for each, PSS in MB':<56} {own:>8.2f}   < 1", flush=True)
        remove_all(rik)


def measure_crashes(rik, count):
    """From the death of a container to the start of its next attempt, where no back-off is due: each in a Pod of its own."""
    rik.create_workload()
    times = []
    for _ in range(count):
        rik.start_pods(1)
        monitor = pids_of("conmon", rik.root)
        (first,) = [each for pid in monitor for each in children_of(pid)]
        begin = time.monotonic()
        os.kill(first, signal.SIGKILL)

        def runs_again():
            (one,) = rik.instances()
            status = one["containers"][0]
            return status["state"] == "running" and status["restartCount"] == 1
        wait_until(runs_again, "the next attempt")
        times.append((time.monotonic() - begin) * 1000)
        rik.remove_pods()
    rik.delete_workload()
    print(f"{'killed to running again, p50 ms':<56} {statistics.median(times):>8.1f}   <= 40")


def measure(chosen, root):
    rik = cluster(chosen.program, f"{root}/all", random.randrange(20, 90), False)
    try:
        rik.start()
        rik.wait_ready()
        rik.load_image(make_archive(root))
        pid = rik.processes["all"].pid
        print(f"{'':<56} {'':>8}   aim")
        measure_crashes(rik, chosen.crashes)
        measure_probes(rik, pid, chosen.pods, chosen.idle_s)
    finally:
        rik.close()


run(measure, "What Pods that live cost.", {"pods": 100, "idle-s": 60, "crashes": 20})
