#!/usr/bin/python3
"""Carries connections to services, each on a port of its own, and spoils them when told:
proxy.py NAME=PORT[/http]...

Prints {"NAME": port, ...}, then takes one JSON object per line:
  {"link": NAME, "latency": SECONDS}    each piece takes so long, in either direction
  {"link": NAME, "block": ["up"]}       what goes up (to the service), or "down", waits until unblocked;
                                        then it arrives, however late
  {"link": NAME, "reset": true}         its connections end with a reset
  {"link": NAME, "errors": 0.3, "seed": N}   /http: so many of its requests go wrong (http_link.py)
At the end of its input it prints how many went wrong, by kind.
"""
import asyncio
import json
import sys

from http_link import HttpLink
from link import PIECE, Link

async def main():
    links = {}
    for argument in sys.argv[1:]:
        name, _, target = argument.partition("=")
        port, _, kind = target.partition("/")
        links[name] = (HttpLink if kind else Link)(int(port))
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
    print(json.dumps(HttpLink.counts), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
