#!/usr/bin/python3
"""Carries connections to one port, each program's on a port of its own, and spoils them when told:
proxy.py TARGET_PORT NAME...

Prints {"NAME": port, ...}, then takes one JSON object per line:
  {"link": NAME, "latency": SECONDS}    each piece takes so long, in either direction
  {"link": NAME, "block": ["up"]}       what goes up (to the target), or "down", waits until unblocked;
                                        then it arrives, however late
  {"link": NAME, "reset": true}         its connections end with a reset
"""
import asyncio
import json
import socket
import struct
import sys

PIECE = 1 << 16


class Link:
    def __init__(self, target):
        self.target = target
        self.latency = 0
        self.open = {"up": asyncio.Event(), "down": asyncio.Event()}
        for each in self.open.values():
            each.set()
        self.writers = set()

    async def accept(self, reader, writer):
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            self.end(writer)
            return
        self.writers |= {writer, there_writer}
        await asyncio.gather(self.pump(reader, there_writer, "up"),
                             self.pump(there_reader, writer, "down"))
        for each in (writer, there_writer):
            self.writers.discard(each)
            each.close()

    async def pump(self, reader, writer, direction):
        gate = self.open[direction]
        try:
            while piece := await reader.read(PIECE):
                if self.latency:
                    await asyncio.sleep(self.latency)
                if not gate.is_set():
                    await gate.wait()
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        self.end(writer)

    @staticmethod
    def end(writer):
        if writer.transport is not None:
            writer.transport.abort()

    def change(self, command):
        self.latency = command.get("latency", self.latency)
        for direction, gate in self.open.items():
            if "block" in command:
                gate.clear() if direction in command["block"] else gate.set()
        if command.get("reset"):
            for writer in list(self.writers):
                connection = writer.get_extra_info("socket")
                if not writer.is_closing():
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                          struct.pack("ii", 1, 0))
                self.end(writer)


async def main():
    target, names = int(sys.argv[1]), sys.argv[2:]
    links = {name: Link(target) for name in names}
    servers = {name: await asyncio.start_server(link.accept, "127.0.0.1", 0, limit=PIECE)
               for name, link in links.items()}
    print(json.dumps({name: server.sockets[0].getsockname()[1]
                      for name, server in servers.items()}), flush=True)
    commands = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin)
    while line := await commands.readline():
        command = json.loads(line)
        links[command["link"]].change(command)


if __name__ == "__main__":
    asyncio.run(main())
