"""A connection that the proxy carries and can spoil: see proxy.py."""
import asyncio
import socket
import struct

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
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self.target,
                                                                       limit=PIECE)
        except OSError:
            self.end(writer)
            return
        self.writers |= {writer, there_writer}
        await self.carry(reader, writer, there_reader, there_writer)
        for each in (writer, there_writer):
            self.writers.discard(each)
            each.close()

    async def carry(self, reader, writer, there_reader, there_writer):
        await asyncio.gather(self.pump(reader, there_writer, "up"),
                             self.pump(there_reader, writer, "down"))

    async def pass_gate(self, direction):
        if self.latency:
            await asyncio.sleep(self.latency)
        if not self.open[direction].is_set():
            await self.open[direction].wait()

    async def pump(self, reader, writer, direction):
        try:
            while piece := await reader.read(PIECE):
                await self.pass_gate(direction)
                writer.write(piece)
                await writer.drain()
        except OSError:
            pass
        self.end(writer)

    @staticmethod
    def end(writer):
        if writer.transport is not None:
            writer.transport.abort()

    def cut(self, writer):
        """Ends a connection with a reset."""
        connection = writer.get_extra_info("socket")
        if not writer.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.end(writer)

    def change(self, command):
        self.latency = command.get("latency", self.latency)
        for direction, gate in self.open.items():
            if "block" in command:
                gate.clear() if direction in command["block"] else gate.set()
        if command.get("reset"):
            for writer in list(self.writers):
                self.cut(writer)
