"""The processes: the roles of one cluster in a lab, and the relay between them."""

import os
import pathlib
import signal
import subprocess
import sys

SECONDS_TO_END_MAX = 20


class Role:
    def __init__(self, lab, name, command):
        self.lab, self.name, self.command = lab, name, command
        self.process = None
        self.is_meant_to_run = False
        self.starts = 0

    def begin(self):
        (self.lab / self.name).mkdir(exist_ok=True)
        with open(self.lab / f"{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self.is_meant_to_run = True
        self.starts += 1

    def signal(self, number):
        os.kill(self.process.pid, number)

    def kill(self):
        self.is_meant_to_run = False
        self.process.kill()
        self.process.wait()

    def ask_to_end(self):
        self.is_meant_to_run = False
        self.signal(signal.SIGTERM)

    def wait(self):
        """Its exit code; None if it had to be killed."""
        try:
            return self.process.wait(SECONDS_TO_END_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
            return None

    def end(self):
        if self.process and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.ask_to_end()
            self.wait()

    def has_died(self):
        """It ended, and nobody here has ended it."""
        return self.is_meant_to_run and self.process.poll() is not None

    def log_end(self, lines):
        return (self.lab / f"{self.name}.log").read_text(errors="replace").splitlines()[-lines:]


class Relay:
    def __init__(self, links):
        program = pathlib.Path(__file__).with_name("relay.py")
        words = [f"{name}={listen}:{target}" for name, (listen, target) in links.items()]
        self.process = subprocess.Popen(
            [sys.executable, "-B", program, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.expect("ready")

    def say(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        self.expect("done")

    def expect(self, wanted):
        answer = self.process.stdout.readline().strip()
        if answer != wanted:
            raise RuntimeError(f"the relay says '{answer}' instead of '{wanted}'")

    def end(self):
        self.process.stdin.close()
        self.process.wait(SECONDS_TO_END_MAX)


class Cluster:
    def __init__(self, options):
        self.lab = options.lab
        self.nodes = [chr(ord("a") + index) for index in range(options.nodes)]
        self.links = ["primary", *self.nodes]
        scheduler_port = options.port + 1
        ports = {name: options.port + 2 + index for index, name in enumerate(self.links)}
        self.relay = Relay({name: (ports[name], scheduler_port) for name in self.links})
        self.roles = {}
        self.add(options.rik, "scheduler", "scheduler", "--link-listen", f"127.0.0.1:{scheduler_port}")
        self.add_with_state(options.rik, "primary", "primary", ports["primary"], "--cluster-cidr", options.cidr)
        for name in self.nodes:
            self.add_with_state(options.rik, name, "node", ports[name], "--node-name", name)

    def add(self, rik, name, role, *words):
        command = [rik, f"--role={role}", "--socket", str(self.lab / f"{name}.sock"), *words]
        self.roles[name] = Role(self.lab, name, command)

    def add_with_state(self, rik, name, role, port, *words):
        state, run = self.lab / name / "state", self.lab / name / "run"
        self.add(rik, name, role, "--scheduler", f"127.0.0.1:{port}", "--state-dir", state, "--run-dir", run, *words)

    def begin(self):
        for role in self.roles.values():
            role.begin()

    def end(self):
        for role in reversed(self.roles.values()):
            role.end()
        self.relay.end()
