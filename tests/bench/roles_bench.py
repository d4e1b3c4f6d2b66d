#!/usr/bin/env python3
"""What roles as processes of their own cost, beside the same work with all roles in one process, in turns.

usage: roles_bench.py RIK [--samples N] [--batch N] [--starts N] [--idle-s N]     (as root)

Needs umoci, skopeo, runc, conmon and busybox-static. All of it is below a directory in /tmp that goes again.
"""
import random
import statistics
import time

from bench_lab import cluster, is_ready, make_archive, memory_mb, run, wait_until


def show(what, apart, together, aim=""):
    print(f"{what:<44} {apart:>9.1f} {together:>9.1f} {apart / together:>7.2f}   {aim}", flush=True)


def measure(chosen, root):
    archive = make_archive(root)
    number = random.randrange(20, 90)  # labs (scripts/lib/lab.sh) have 100 to 249
    both = [cluster(chosen.program, f"{root}/apart", number, True), cluster(chosen.program, f"{root}/together", number + 1, False)]
    print(f"{'':<44} {'apart':>9} {'all in 1':>9} {'ratio':>7}   aim")
    try:
        firsts = ([], [])
        for _ in range(chosen.starts):
            for times, each in zip(firsts, both):
                each.start()
                each.wait_ready()
                each.load_image(archive)
                each.create_workload()
                each.stop()
                begin = time.monotonic()
                each.start()  # whose first Pod runs when?
                wait_until(lambda: is_ready(each.api()), "the API")
                each.start_pods(1)
                times.append((time.monotonic() - begin) * 1000)
                each.close()
        if chosen.starts:
            show("processes started to first RUNNING, p50 ms", *map(statistics.median, firsts), "< 1000 ms")
        for each in both:
            each.start()
            each.wait_ready()
            each.load_image(archive)
            each.create_workload()
            each.start_pods(1)
            each.remove_pods()
        ones = ([], [])
        for _ in range(chosen.samples):
            for times, each in zip(ones, both):
                times.append(each.start_pods(1))
                each.remove_pods()
        show("one Pod to running, p50 ms", *map(statistics.median, ones), "<= 1.15")
        if chosen.batch:
            batches = [each.start_pods(chosen.batch) for each in both]
            show(f"{chosen.batch} Pods at once, ms", *batches)
            for each in both:
                each.remove_pods()
        time.sleep(chosen.idle_s)
        for name, process in both[0].processes.items():
            idle = memory_mb(process.pid, "Rss")
            print(f"{'idle RSS of the ' + name + ', MB':<44} {idle:>9.1f} {'':>9} {'':>7}   "
                  f"{'< 14' if name == 'node' else '< 20'}")
        print(f"{'idle RSS of all in one, MB':<44} {'':>9} {memory_mb(both[1].processes['all'].pid, 'Rss'):>9.1f}")
    finally:
        for each in both:
            each.close()


run(measure, "Roles as processes beside all roles in one process.", {"samples": 30, "batch": 50, "starts": 5, "idle-s": 10})
