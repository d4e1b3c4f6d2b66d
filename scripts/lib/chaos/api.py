"""RIK's API on its unix socket, for a client that must know what was answered and what was not."""

import http.client
import json
import socket

ANSWER_SECONDS_MAX = 8
LOG_SECONDS_MAX = 2  # a node that is not heard keeps a log waiting for 10 s; a user who waits must not hold up the calm


class NotSent(Exception):
    """Nobody was there: the call has not happened."""


class Unclear(Exception):
    """The call was sent, and no answer came: it may have happened, and may still happen."""


class Connection(http.client.HTTPConnection):
    def __init__(self, path, seconds_max):
        super().__init__("localhost", timeout=seconds_max)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Api:
    def __init__(self, path):
        self.path = path

    def call(self, method, path, body=None, seconds_max=ANSWER_SECONDS_MAX):
        """(status, answer). An answer that says nothing certain, 5xx, is unclear."""
        connection = Connection(self.path, seconds_max)
        try:
            connection.connect()
        except OSError as error:
            raise NotSent(str(error)) from error
        try:
            status, text = exchange(connection, method, path, body)
        except (OSError, http.client.HTTPException) as error:
            raise Unclear(f"{type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if status >= 500:
            raise Unclear(f"{status}: {text[:200]}")
        return status, json.loads(text) if text.startswith("{") else text

    def log(self, name):
        return self.call("GET", f"/rik/v1/instances/{name}/logs", seconds_max=LOG_SECONDS_MAX)

    def items(self, kind):
        status, answer = self.call("GET", f"/rik/v1/{kind}")
        if status != 200:
            raise Unclear(f"{status}: {answer}")
        return answer["items"]


def exchange(connection, method, path, body):
    text = None if body is None else json.dumps(body)
    connection.request(method, path, text, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    return answer.status, answer.read().decode()
