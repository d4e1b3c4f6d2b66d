"""A server of files that behaves as badly as it is asked to: rootfs_server.py DIRECTORY.

Its first line of output is its port.

/NAME        the file, with an ETag that changes with it; ranges are served
/sent-on/NAME  a redirect to /NAME, with an ETag of its own
/cut/NAME    its first half, with the length of the whole; a range gives the rest
/half/NAME   its first half each time, with the length of the whole
/stall/NAME  some bytes, and then nothing
/swap/NAME   its first half, and from then on the file NAME.new
/rude/NAME   the same, and a range is of NAME.new, whatever it was asked to be of
/loop        leads to itself
/count       how often whole files were sent
"""
import hashlib
import http.server
import os
import sys
import time

sent = 0
swapped = set()


class handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, code, body=b"", length=None, headers=()):
        self.send_response(code)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        global sent
        if self.path == "/loop":
            return self.answer(302, headers=[("Location", "/loop")])
        if self.path == "/count":
            return self.answer(200, str(sent).encode())
        way, _, name = self.path[1:].rpartition("/")
        if way == "sent-on":
            elsewhere = [("Location", "/" + name), ("ETag", '"elsewhere"')]
            return self.answer(304 if self.headers.get("If-None-Match") == '"elsewhere"' else 302, headers=elsewhere)
        path = os.path.join(sys.argv[1], os.path.basename(name))
        is_half = way == "half"
        if way in ("swap", "rude"):
            is_half = self.path not in swapped
            swapped.add(self.path)
            path += "" if is_half else ".new"
        if not os.path.exists(path):
            return self.answer(404, b"nothing")
        with open(path, "rb") as file:
            body = file.read()
        etag = '"' + hashlib.sha256(body).hexdigest()[:16] + '"'
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, headers=[("ETag", etag)])
        begin = 0
        is_meant = way == "rude" or self.headers.get("If-Range", etag) == etag
        if is_meant and self.headers.get("Range", "").startswith("bytes="):
            begin = int(self.headers["Range"][6:].split("-")[0])
        self.close_connection = True
        headers = [("ETag", etag), ("Content-Range", f"bytes {begin}-{len(body) - 1}/{len(body)}")]
        if is_half or (way == "cut" and begin == 0):
            return self.answer(206 if begin else 200, body[begin:max(begin, len(body) // 2)], len(body) - begin, headers)
        if way == "stall":
            self.answer(200, body[:1000], len(body), headers)
            self.wfile.flush()
            return time.sleep(60)
        sent += 1
        self.answer(206 if begin else 200, body[begin:], None, headers)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
print(server.server_port, flush=True)
server.serve_forever()
