"""TCP relays that can be cut, frozen and delayed, each on a port of its own on loopback.

usage: relay.py NAME=LISTEN:TARGET...    ports; commands on standard input, one a line, each answered with a line

  cut NAME               closes all connections and refuses new ones
  freeze NAME            keeps all open, takes new ones, and passes nothing
  delay NAME MS JITTER   passes everything later by MS and up to JITTER more, in order
  mend NAME              takes all of that back; what a frozen link held arrives now
It ends with its standard input.
"""

import asyncio
import random
import sys

CHUNK_MAX = 65536
CHUNKS_MAX = 64  # that wait in one direction of a connection; then the sender waits


class Link:
    def __init__(self, name, listen_port, target_port):
        self.name, self.listen_port, self.target_port = name, listen_port, target_port
        self.passing = asyncio.Event()
        self.passing.set()
        self.delay_s = self.jitter_s = 0.0
        self.server = None
        self.writers = set()

    async def mend(self):
        self.delay_s = self.jitter_s = 0.0
        self.passing.set()
        if self.server is None:
            self.server = await asyncio.start_server(self.carry, "127.0.0.1", self.listen_port)

    async def cut(self):
        if self.server:
            self.server.close()
            self.server = None
        for writer in list(self.writers):
            writer.transport.abort()

    async def freeze(self):
        self.passing.clear()

    async def delay(self, delay_ms, jitter_ms):
        self.delay_s, self.jitter_s = int(delay_ms) / 1000, int(jitter_ms) / 1000

    async def carry(self, reader, writer):
        """One connection, from its first byte to the end of both directions."""
        self.writers.add(writer)
        there = None
        try:
            await self.passing.wait()
            back, there = await asyncio.open_connection("127.0.0.1", self.target_port)
            self.writers.add(there)
            await both(self.pass_on(reader, there), self.pass_on(back, writer))
        except (OSError, asyncio.CancelledError):
            pass  # the target is not there, one side has gone, or the relay ends: so does the connection
        finally:
            for each in (writer, there):
                if each:
                    self.writers.discard(each)
                    each.transport.abort()

    async def pass_on(self, reader, writer):
        waiting = asyncio.Queue(CHUNKS_MAX)
        await both(self.take(reader, waiting), self.give(waiting, writer))

    async def take(self, reader, waiting):
        clock = asyncio.get_running_loop()
        data = b"?"
        while data:
            data = await reader.read(CHUNK_MAX)
            await self.passing.wait()
            await waiting.put((clock.time() + self.delay_s + random.uniform(0, self.jitter_s), data))

    async def give(self, waiting, writer):
        clock = asyncio.get_running_loop()
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(due - clock.time())
            await self.passing.wait()
            if not data:
                return writer.write_eof()
            writer.write(data)
            await writer.drain()


async def both(one, other):
    """Until both have ended, or one has failed: then neither goes on."""
    tasks = [asyncio.ensure_future(one), asyncio.ensure_future(other)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def obey(links, line):
    verb, name, *rest = line.split()
    if verb not in {"cut", "freeze", "delay", "mend"} or name not in links:
        return f"not understood: {line.strip()}"
    await getattr(links[name], verb)(*rest)
    return "done"


def link_of(text):
    name, ports = text.split("=")
    listen_port, target_port = ports.split(":")
    return Link(name, int(listen_port), int(target_port))


async def main(arguments):
    links = {link.name: link for link in map(link_of, arguments)}
    for link in links.values():
        await link.mend()
    print("ready", flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        print(await obey(links, line.decode()), flush=True)
    for link in links.values():
        await link.cut()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
