#!/usr/bin/env python3
"""A fast SMTP relay that misbehaves as a seed says, and keeps a journal of what it was given and what it answered.

Usage: bad_relay.py --name NAME --port N --seed TEXT --badness SHARE --journal FILE [--pem FILE --host NAME]

With --pem it is Amazon's HTTPS interface at that host instead (api_session.py).

It prints `ready` when it listens. SIGUSR1 makes it a good relay from then on, SIGTERM ends it when the journal is
complete. The journal has one JSON object per session, written when it ends; times are those of time.time():

    relay, session, fault, connected, gone (when the client's end or reset was seen), ended
    dots    one per final dot: mail, data (when 354 was sent), dot and next (the client's next command, if one came) are
            times; kept: the session had a MAIL before; sender, recipients; checksum and
            length of the content in its canonical form (messages.py); accepted: the relay has the message now;
            replied: when the whole reply was handed to the kernel while the client was still there, or null
    quit    whether the client said QUIT
    bare    CR or LF that are no CRLF, in commands or content

Recipients that begin with r are refused with 550, contents for those that begin with c with 554 after the dot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import sys
import time
from pathlib import Path
from typing import Any, Callable, Optional, TextIO

import api_faults
import relay_faults
from api_session import Api
from bad_session import Reader, Session
from relay_faults import Fault

Draw = Callable[[str, str, int, float], Fault]


class Relay:
    """`begin` makes its sessions, and `draw` what goes wrong in them."""

    def __init__(self, name: str, port: int, seed: str, badness: float, journal: TextIO, draw: Draw,
                 begin: Callable[..., Session]) -> None:
        self.name, self.port, self.seed, self.badness = name, port, seed, badness
        self.journal, self.draw, self.begin = journal, draw, begin
        self.sessions = 0
        self.open: set[Session] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.server: Optional[asyncio.Server] = None
        self.refusing = False

    def write(self, row: dict[str, Any]) -> None:
        self.journal.write(json.dumps(row) + "\n")

    def refuse(self, seconds: float, all: bool) -> None:
        """Connections are refused for so long; sessions that are open go on, or `all` are reset."""
        if self.refusing or not self.server or not self.badness:
            return
        for session in self.open if all else ():
            session.reset()
        self.refusing = True
        self.server.close()
        task = asyncio.create_task(self.listen_again(seconds))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def listen_again(self, seconds: float) -> None:
        end = time.time() + seconds
        while time.time() < end and self.badness:
            await asyncio.sleep(0.05)
        await self.listen()
        self.refusing = False

    async def listen(self) -> None:
        loop = asyncio.get_running_loop()
        listener = socket.create_server(("127.0.0.1", self.port), backlog=256)
        self.server = await loop.create_server(self.protocol, sock=listener)

    def protocol(self) -> asyncio.StreamReaderProtocol:
        reader = Reader()

        async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.sessions += 1
            fault = self.draw(self.seed, self.name, self.sessions, self.badness)
            task = asyncio.current_task()
            assert task
            self.tasks.add(task)
            session = self.begin(self.name, self.sessions, fault, self.refuse, reader, writer)
            self.open.add(session)
            await session.run()
            self.open.discard(session)
            self.write(session.row)
            self.tasks.discard(task)

        return asyncio.StreamReaderProtocol(reader, serve)

    def be_good(self) -> None:
        self.badness = 0

    async def run(self) -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, stop.set)
        loop.add_signal_handler(signal.SIGUSR1, self.be_good)
        await self.listen()
        print("ready", flush=True)
        await stop.wait()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--seed", required=True)
    parser.add_argument("--badness", type=float, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--pem", type=Path)
    parser.add_argument("--host", default="localhost")
    arguments = parser.parse_args()
    api = Api(arguments.pem, arguments.host, arguments.port) if arguments.pem else None
    draw, begin = (api_faults.draw, api.session) if api else (relay_faults.draw, Session)
    with arguments.journal.open("w") as journal:
        asyncio.run(Relay(arguments.name, arguments.port, arguments.seed, arguments.badness, journal, draw, begin).run())
    for violation in api.rules.violations if api else ():
        print(violation, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
