#!/usr/bin/env python3
"""A fast SMTP relay that misbehaves as a seed says, and keeps a journal of what it was given and what it answered.

Usage: bad_relay.py --name NAME --port N --seed TEXT --badness SHARE --journal FILE

It prints `ready` when it listens. SIGUSR1 makes it a good relay from then on, SIGTERM ends it when the journal is
complete. The journal has one JSON object per session, written when it ends; times are those of time.time():

    relay, session, fault, connected, gone (when the client's end or reset was seen), ended
    dots    one per final dot: mail, data (when 354 was sent) and dot are times; sender, recipients; checksum and
            length of the content in its canonical form (messages.py); accepted: the relay has the message now;
            replied: when the whole reply was handed to the kernel while the client was still there, or null
    bare    CR or LF that are no CRLF, in commands or content

Recipients that begin with r are refused with 550, contents for those that begin with c with 554 after the dot.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import socket
import struct
import sys
import time
from pathlib import Path
from typing import Any, Optional, TextIO

sys.path.append(str(Path(__file__).resolve().parents[1] / "e2e"))

from messages import REFUSED_CONTENT, REFUSED_RECIPIENT, digest, without_trace  # noqa: E402
from relay_faults import Fault, draw  # noqa: E402

TERMINATOR = b"\r\n.\r\n"
LONGEST_STALL = 15.0    # a client that hangs must not hold up the end of the run for ever
BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")
PATH = re.compile(r"^(?:MAIL FROM|RCPT TO):<(.*)>(?: [^<>]*)?$", re.IGNORECASE)


class Over(Exception):
    """The session is at its end, whoever ended it."""


class Reader(asyncio.StreamReader):
    """Notes when the client went, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=1 << 17)
        self.gone = asyncio.Event()
        self.gone_at: Optional[float] = None

    def feed_eof(self) -> None:
        self._went()
        super().feed_eof()

    def set_exception(self, exc: BaseException) -> None:
        self._went()
        super().set_exception(exc)    # type: ignore[arg-type]

    def _went(self) -> None:
        self.gone_at = self.gone_at or time.time()
        self.gone.set()


class Session:
    def __init__(self, relay: Relay, number: int, fault: Fault, reader: Reader, writer: asyncio.StreamWriter) -> None:
        self.relay, self.fault, self.reader, self.writer = relay, fault, reader, writer
        self.dots: list[dict[str, Any]] = []
        self.row: dict[str, Any] = {"relay": relay.name, "session": number, "fault": fault.kind, "stage": fault.stage,
                                    "connected": time.time(), "dots": self.dots, "bare": 0}
        self.pending = b""
        self.reset_envelope()

    def reset_envelope(self) -> None:
        self.sender: Optional[str] = None
        self.mail_at = 0.0
        self.recipients: list[str] = []

    async def run(self) -> None:
        try:
            await self.converse()
        except (Over, OSError, asyncio.CancelledError):
            pass
        finally:
            self.writer.close()
            self.row.update(gone=self.reader.gone_at, ended=time.time())
            self.relay.write(self.row)

    async def converse(self) -> None:
        await self.answer("greeting", f"220 {self.relay.name}.relay.example ESMTP")
        while True:
            line = await self.line()
            verb = line[:4].upper()
            if verb in ("EHLO", "HELO"):
                offers = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", *(["PIPELINING"] * self.fault.pipelining), "SIZE"]
                await self.answer("ehlo", f"250-{self.relay.name}.relay.example\r\n250-" + "\r\n250-".join(offers[:-1])
                                  + f"\r\n250 {offers[-1]}")
            elif verb == "MAIL":
                self.reset_envelope()
                self.mail_at = time.time()
                if await self.answer("mail", "250 2.1.0 ok"):
                    self.sender = self.path(line)
            elif verb == "RCPT":
                await self.recipient(self.path(line))
            elif verb == "DATA":
                await self.data()
            elif verb == "QUIT":
                await self.send("221 2.0.0 bye")
                return
            else:
                await self.send("250 2.0.0 ok")

    @staticmethod
    def path(line: str) -> str:
        found = PATH.match(line)
        return found[1] if found else f"unreadable: {line}"

    async def recipient(self, address: str) -> None:
        if self.sender is None:
            await self.send("503 5.5.1 MAIL first")
            return
        refused = address.startswith(REFUSED_RECIPIENT)
        answered = await self.answer("rcpt", "550 5.1.1 no such user here" if refused else "250 2.1.5 ok")
        if answered and not refused:
            self.recipients.append(address)

    async def data(self) -> None:
        if not self.recipients:
            await self.send("554 5.5.1 no valid recipients")
            return
        if not await self.answer("data", "354 go on"):
            return
        data_at = time.time()
        content = await self.content()
        dot_at = time.time()
        self.row["bare"] += len(BARE.findall(content))
        content = without_trace(content)
        dot = {"mail": self.mail_at, "data": data_at, "dot": dot_at, "sender": self.sender, "recipients": self.recipients,
               "checksum": digest(content), "length": len(content), "accepted": False, "replied": None}
        self.dots.append(dot)
        await self.judge(dot)
        self.reset_envelope()

    async def judge(self, dot: dict[str, Any]) -> None:
        """The reply to the dot. `accepted` is settled before the first octet of it leaves."""
        fault = self.fault
        refused = any(each.startswith(REFUSED_CONTENT) for each in self.recipients)
        dot["accepted"] = not refused and (fault.stage != "dot" or fault.kind in ("lost, taken", "late reply"))
        if fault.stage == "dot" and fault.kind.startswith("lost"):
            await self.lose()
        if fault.kind == "late reply":
            await self.pause(fault.seconds)
        if refused:
            await self.send("554 5.6.0 this content is not wanted")
        elif fault.kind == "late reply":
            await self.send("250 2.0.0 ok, at last")
        else:
            await self.answer("dot", "250 2.0.0 ok")
        dot["replied"] = time.time() if not self.reader.gone.is_set() else None

    async def lose(self) -> None:
        how = self.fault.how
        if how == "half a reply":
            self.writer.write(b"25")
            await self.writer.drain()
        if how == "stall":
            await self.stall()
        self.leave(with_reset=how == "reset")

    async def answer(self, stage: str, good: str) -> bool:
        """Says what is due at this stage, or what the fault wants. True when it was the good reply."""
        fault = self.fault
        if fault.stage == stage and fault.kind in ("soft", "account", "closing", "garbage"):
            await self.send(fault.reply)
            if fault.kind in ("closing", "garbage") or stage == "greeting":
                self.leave()
            return False
        if fault.stage == stage and fault.kind in ("stall", "reset", "close", "refuse"):
            if fault.kind == "stall":
                await self.stall()
            if fault.kind == "refuse":
                self.relay.refuse(fault.seconds)
            self.leave(with_reset=fault.kind != "close")
        await self.send(good)
        return True

    async def send(self, text: str) -> None:
        if self.fault.kind == "slow":
            await self.pause(self.fault.seconds)
        octets = text.encode("latin-1") + b"\r\n"
        for part in ([octets[i:i + 1] for i in range(len(octets))] if self.fault.kind == "drip" else [octets]):
            self.writer.write(part)
            await self.writer.drain()
            if self.fault.kind == "drip":
                await self.pause(self.fault.seconds)

    async def pause(self, seconds: float) -> None:
        """A client that goes meanwhile is noted by the reader; what would be said to it goes nowhere."""
        await asyncio.sleep(seconds)

    async def stall(self) -> None:
        try:
            await asyncio.wait_for(self.reader.gone.wait(), LONGEST_STALL)
        except asyncio.TimeoutError:
            pass
        self.leave()

    def leave(self, with_reset: bool = False) -> None:
        if with_reset:
            linger = struct.pack("ii", 1, 0)
            self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.writer.transport.abort()
        raise Over

    async def more(self, most: int = 1 << 16) -> bytes:
        data = await self.reader.read(most)
        if not data:
            raise Over
        return data

    async def line(self) -> str:
        while (end := self.pending.find(b"\n")) < 0:
            self.pending += await self.more()
        line, self.pending = self.pending[:end + 1], self.pending[end + 1:]
        self.row["bare"] += len(BARE.findall(line))
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    async def content(self) -> bytes:
        """Octets from the 354 reply to the dot; an empty content is the dot alone."""
        trouble = self.fault.kind if self.fault.stage == "content" else ""
        breaks_after = 0 if self.row["session"] % 2 else 20_000
        slow = self.fault.kind == "slow reader"
        buffer, self.pending, searched = bytearray(b"\r\n" + self.pending), b"", 0
        while (end := buffer.find(TERMINATOR, searched)) < 0:
            if trouble in ("stall", "reset", "close") and len(buffer) - 2 > breaks_after:
                await self.answer("content", "")
            searched = max(0, len(buffer) - len(TERMINATOR) + 1)
            if slow:
                await self.pause(self.fault.seconds)
            buffer += await self.more(1 << 14 if slow else 1 << 16)
        self.pending = bytes(buffer[end + len(TERMINATOR):])
        return bytes(buffer[2:end + 2])


class Relay:
    def __init__(self, name: str, port: int, seed: str, badness: float, journal: TextIO) -> None:
        self.name, self.port, self.seed, self.badness = name, port, seed, badness
        self.journal = journal
        self.sessions = 0
        self.tasks: set[asyncio.Task[None]] = set()
        self.server: Optional[asyncio.Server] = None
        self.refusing = False

    def write(self, row: dict[str, Any]) -> None:
        self.journal.write(json.dumps(row) + "\n")

    def refuse(self, seconds: float) -> None:
        """Connections are refused for so long; sessions that are open go on."""
        if self.refusing or not self.server or not self.badness:
            return
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
            fault = draw(self.seed, self.name, self.sessions, self.badness)
            task = asyncio.current_task()
            assert task
            self.tasks.add(task)
            await Session(self, self.sessions, fault, reader, writer).run()
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
    arguments = parser.parse_args()
    with arguments.journal.open("w") as journal:
        asyncio.run(Relay(arguments.name, arguments.port, arguments.seed, arguments.badness, journal).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
