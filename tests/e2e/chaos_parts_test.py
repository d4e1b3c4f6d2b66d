"""Tests of the parts of scripts/chaos: links break as they are told to, and each check finds what it is there for."""

import collections
import http.server
import pathlib
import random
import socket
import socketserver
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts/lib/chaos"))

import faults
from api import Api, NotSent, Unclear
from ledger import Ledger, Word
from machine import Machine
from report import Report
from roles import Relay
from settle import Settle
from user import User


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        while data := self.request.recv(4096):
            self.request.sendall(data)


class QuietReport(Report):
    def say(self, text):
        pass

    def rules(self):
        return [rule for _, rule, _, _ in self.violations]


class RelayTest(unittest.TestCase):
    def setUp(self):
        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.port = free_port()
        self.relay = Relay({"x": (self.port, self.server.server_address[1])})

    def tearDown(self):
        self.relay.end()
        self.relay.process.stdout.close()
        self.server.shutdown()
        self.server.server_close()

    def dial(self):
        client = socket.create_connection(("127.0.0.1", self.port), 5)
        client.settimeout(0.3)
        self.addCleanup(client.close)
        return client

    def echo(self, client, data):
        client.sendall(data)
        return client.recv(100)

    def test_a_whole_link_passes_all(self):
        client = self.dial()
        self.assertEqual(self.echo(client, b"one"), b"one")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(100), b"")

    def test_a_cut_link_closes_and_refuses(self):
        client = self.dial()
        self.echo(client, b"one")
        self.relay.say("cut", "x")
        with self.assertRaises((ConnectionResetError, EOFError)):
            if not client.recv(100):
                raise EOFError
        self.assertRaises(ConnectionRefusedError, self.dial)
        self.relay.say("mend", "x")
        self.assertEqual(self.echo(self.dial(), b"two"), b"two")

    def test_a_frozen_link_keeps_open_and_passes_later(self):
        client = self.dial()
        self.echo(client, b"one")
        self.relay.say("freeze", "x")
        self.assertRaises(TimeoutError, self.echo, client, b"two")
        other = self.dial()
        self.assertRaises(TimeoutError, self.echo, other, b"three")
        self.relay.say("mend", "x")
        self.assertEqual([client.recv(100), other.recv(100)], [b"two", b"three"])

    def test_a_slow_link_passes_later_and_in_order(self):
        self.relay.say("delay", "x", 50, 50)
        client = self.dial()
        began = time.monotonic()
        for each in range(10):
            client.sendall(bytes([each]))
        client.settimeout(5)
        got = b""
        while len(got) < 10:
            got += client.recv(100)
        self.assertEqual(got, bytes(range(10)))
        self.assertGreater(time.monotonic() - began, 0.1)

    def test_what_it_does_not_know_is_an_error(self):
        self.assertRaises(RuntimeError, self.relay.say, "cut", "nothing")


class PlanTest(unittest.TestCase):
    ROLES, LINKS = ["scheduler", "primary", "a"], ["primary", "a"]

    def plan(self, seed):
        return faults.plan(random.Random(seed), self.ROLES, self.LINKS, 20)

    def test_a_seed_says_all(self):
        self.assertEqual(self.plan(1), self.plan(1))
        self.assertNotEqual(self.plan(1), self.plan(2))

    def test_faults_of_one_place_do_not_overlap_and_all_end(self):
        for seed in range(50):
            until = collections.defaultdict(float)
            for fault in self.plan(seed):
                self.assertGreaterEqual(fault.at, until[fault.place])
                self.assertLessEqual(fault.until, 20.001)
                until[fault.place] = fault.until

    def test_everything_occurs(self):
        drawn = {(fault.verb, fault.target) for seed in range(50) for fault in self.plan(seed)}
        wanted = {(verb, role) for verb in faults.ROLE_FAULTS for role in self.ROLES}
        wanted |= {(verb, link) for verb in faults.LINK_FAULTS for link in self.LINKS}
        self.assertEqual(drawn, wanted)


class FakeApi:
    """Answers what it is told to, or raises it."""

    def __init__(self, answer=None):
        self.answer, self.lists = answer, {"nodes": [{"name": "a", "state": "ready"}], "instances": []}

    def call(self, *_):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def log(self, _):
        return self.call()

    def items(self, kind):
        return self.lists[kind]


class Judged(unittest.TestCase):
    def setUp(self):
        self.ledger = Ledger()
        self.report = QuietReport(self.ledger)
        self.api = FakeApi()
        self.machine = Machine(pathlib.Path("/nonexistent"), ["a"], self.report)
        self.running = {}
        self.machine.look = lambda: self.running
        self.user = User(self.api, self.ledger, self.report, 1)
        self.settle = Settle(self.api, self.ledger, self.machine, self.report)

    def entry(self, kind="stay", created=Word.YES):
        entry = self.ledger.add(kind)
        entry.created, entry.uid = created, f"uid of {entry.name}"
        return entry

    def shown(self, entry, state):
        return {"id": entry.uid, "name": entry.name, "state": state, "reason": "", "message": "", "node": {"name": "a"}}

    def texts(self):
        return [text for _, text in self.settle.differences()]


class MachineTest(Judged):
    def test_one_start_on_one_node_is_right(self):
        self.machine.starts["u"], self.machine.begins["u"], self.machine.nodes_of["u"] = {(1, 1)}, {"a"}, {"a"}
        self.machine.judge()
        self.assertEqual(self.report.rules(), [])

    def test_a_second_process_is_found(self):
        self.machine.starts["u"] = {(1, 1), (2, 2)}
        self.machine.judge()
        self.machine.judge()
        self.assertEqual(self.report.rules(), ["no instance starts twice"])

    def test_a_second_line_is_found(self):
        self.machine.begins["u"] = {" begin one", " begin two"}
        self.machine.judge()
        self.assertEqual(self.report.rules(), ["no instance starts twice"])

    def test_a_second_node_is_found(self):
        self.machine.nodes_of["u"] = {"a", "b"}
        self.machine.judge()
        self.assertEqual(self.report.rules(), ["no instance is on two nodes"])


class SettleTest(Judged):
    def test_what_is_wanted_and_there_is_right(self):
        entry = self.entry()
        self.api.lists["instances"] = [self.shown(entry, "running")]
        self.running = {entry.uid: {"a"}}
        self.machine.starts[entry.uid] = {(1, 1)}
        self.assertEqual(self.texts(), [])

    def test_a_lost_one_is_found(self):
        self.entry()
        self.assertEqual(self.texts(), ["stay-1 is not there"])

    def test_one_without_processes_is_found(self):
        entry = self.entry()
        self.api.lists["instances"] = [self.shown(entry, "running")]
        self.machine.starts[entry.uid] = {(1, 1)}
        self.assertEqual(self.texts(), ["stay-1 is bound to {'name': 'a'}, its processes are on no node"])

    def test_one_that_never_started_is_found(self):
        entry = self.entry("succeed")
        self.api.lists["instances"] = [self.shown(entry, "succeeded")]
        self.assertEqual(self.texts(), ["succeed-1 is succeeded and was never seen to start"])

    def test_a_wrong_end_is_found(self):
        entry = self.entry("succeed")
        self.api.lists["instances"] = [self.shown(entry, "failed")]
        self.assertEqual(len(self.texts()), 1)

    def test_a_deleted_one_that_stays_is_found(self):
        entry = self.entry()
        entry.deleted = Word.YES
        self.api.lists["instances"] = [self.shown(entry, "destroying")]
        self.running = {entry.uid: {"a"}}
        self.assertEqual(len(self.texts()), 2)

    def test_a_node_that_is_not_ready_or_not_there_is_found(self):
        self.api.lists["nodes"] = [{"name": "a", "state": "unheard"}]
        self.assertEqual(self.texts(), ["node a is unheard"])
        self.api.lists["nodes"] = []
        self.assertEqual(self.texts(), ["0 nodes are known"])

    def test_what_was_not_answered_is_asked_again(self):
        for status, word in ((200, Word.YES), (404, Word.NONE)):
            entry = self.entry(created=Word.UNCLEAR)
            self.api.answer = (status, {"id": "u"})
            self.settle.clear_up()
            self.assertEqual(entry.created, word)


    def test_a_log_must_be_there_and_begin_once(self):
        self.entry()
        for answer, count in (((200, " begin stay-1 x"), 0), ((200, ""), 1), ((200, " begin stay-1 x begin stay-1 y"), 2), ((404, {}), 3), (Unclear(), 4)):
            self.api.answer = answer if isinstance(answer, Exception) else (answer[0], str(answer[1]))
            self.settle.read_logs()
            self.assertEqual(len(self.report.violations), count)


class UserTest(Judged):
    def test_what_was_answered_is_a_promise(self):
        self.api.answer = (201, {"items": [{"id": "u"}]})
        self.user.create("stay", False)
        self.assertEqual([entry.uid for entry in self.ledger.wanted()], ["u"])

    def test_what_was_not_answered_is_none(self):
        for error, word in ((NotSent(), Word.NONE), (Unclear(), Word.UNCLEAR)):
            self.api.answer = error
            self.user.create("stay", False)
            self.assertEqual((self.ledger.entries[-1].created, self.ledger.wanted()), (word, []))

    def test_a_refusal_is_found(self):
        self.api.answer = (409, {})
        self.user.create("stay", False)
        self.assertEqual(self.report.rules(), ["nothing right is refused"])

    def test_a_lost_one_is_found_at_once(self):
        self.api.answer = (404, {})
        self.user.look_at(self.entry())
        self.assertEqual(self.report.rules(), ["nothing acknowledged is lost"])

    def test_a_log_with_two_beginnings_is_found(self):
        for text, count in ((" begin a", 0), (" begin a\n begin b", 1)):
            self.api.answer = (200, text)
            self.user.read_log(self.entry())
            self.assertEqual(len(self.report.violations), count)

    def test_a_deletion_that_was_not_sent_promises_nothing(self):
        entry = self.entry()
        self.api.answer = NotSent()
        self.user.delete(entry)
        self.assertTrue(entry.is_wanted)


class ApiTest(unittest.TestCase):
    def serve(self, status):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                if status:
                    self.send_response(status)
                    self.end_headers()
                    self.wfile.write(b'{"a":1}')

            def log_message(self, *_):
                pass

            def address_string(self):
                return "unix"

        folder = self.enterContext(tempfile.TemporaryDirectory())
        server = self.enterContext(socketserver.ThreadingUnixStreamServer(f"{folder}/sock", Handler))
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return Api(f"{folder}/sock")

    def test_an_answer(self):
        self.assertEqual(self.serve(200).call("GET", "/"), (200, {"a": 1}))

    def test_an_error_of_the_server_is_unclear(self):
        self.assertRaises(Unclear, self.serve(503).call, "GET", "/")

    def test_no_answer_is_unclear(self):
        self.assertRaises(Unclear, self.serve(None).call, "GET", "/")

    def test_nobody_there_is_not_sent(self):
        self.assertRaises(NotSent, Api("/nonexistent/sock").call, "GET", "/")


if __name__ == "__main__":
    unittest.main()
