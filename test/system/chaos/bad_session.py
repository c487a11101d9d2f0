"""One session of a bad relay: SMTP as it should be, but for the one thing that goes wrong in it (relay_faults.py)."""

from __future__ import annotations

import asyncio
import re
import socket
import struct
import time
from typing import Any, Callable, Optional

from messages import REFUSED_CONTENT, REFUSED_RECIPIENT, digest, without_trace
from relay_faults import Fault

TERMINATOR = b"\r\n.\r\n"
LONGEST_STALL = 15.0    # a client that hangs must not hold up the end of the run for ever
PATH = re.compile(r"^(?:MAIL FROM|RCPT TO):<(.*)>(?: [^<>]*)?$", re.IGNORECASE)


def bare(octets: bytes) -> int:
    """CRs and LFs that are no CRLF."""
    return octets.count(b"\r") + octets.count(b"\n") - 2 * octets.count(b"\r\n")


class Over(Exception):
    """The session is at its end, whoever ended it."""


class Reader(asyncio.StreamReader):
    """Notes when the client went, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=1 << 17)
        self.gone = asyncio.Event()
        self.gone_at: Optional[float] = None
        self.read_all = False    # it went by itself, and its kernel had given it all that was sent: else that would have reset

    def set_transport(self, transport: asyncio.BaseTransport) -> None:
        super().set_transport(transport)
        self._socket = transport.get_extra_info("socket")

    def feed_eof(self) -> None:
        if not self.gone.is_set() and self._socket.fileno() >= 0:
            self.read_all = not self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        self._went()
        super().feed_eof()

    def set_exception(self, exc: BaseException) -> None:
        self._went()
        super().set_exception(exc)    # type: ignore[arg-type]

    def _went(self) -> None:
        self.gone_at = self.gone_at or time.time()
        self.gone.set()


class Session:
    """`row` is its line of the journal; `refuse` makes the relay refuse connections for so many seconds, and with `all`
    resets those that are there."""

    def __init__(self, name: str, number: int, fault: Fault, refuse: Callable[[float, bool], None], reader: Reader,
                 writer: asyncio.StreamWriter) -> None:
        self.name, self.fault, self.refuse, self.reader, self.writer = name, fault, refuse, reader, writer
        self.dots: list[dict[str, Any]] = []
        self.row: dict[str, Any] = {"relay": name, "session": number, "fault": fault.kind, "stage": fault.stage,
                                    "connected": time.time(), "dots": self.dots, "bare": 0, "quit": False}
        self.pending = b""
        self.mails = 0
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

    async def converse(self) -> None:
        await self.answer("greeting", f"220 {self.name}.relay.example ESMTP")
        while True:
            line = await self.line()
            if self.dots:
                self.dots[-1].setdefault("next", time.time())
            verb = line[:4].upper()
            if verb in ("EHLO", "HELO"):
                offers = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", *(["PIPELINING"] * self.fault.pipelining)]
                await self.answer("ehlo", "\r\n".join(f"250-{each}" for each in (self.name, *offers)) + "\r\n250 SIZE")
            elif verb == "MAIL":
                self.reset_envelope()
                self.mail_at, self.mails = time.time(), self.mails + 1
                if await self.answer("mail", "250 2.1.0 ok"):
                    self.sender = self.path(line)
            elif verb == "RCPT":
                await self.recipient(self.path(line))
            elif verb == "DATA":
                await self.data()
            elif verb == "QUIT":
                self.row["quit"] = True
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
        self.row["bare"] += bare(content)
        content = without_trace(content)
        dot = {"mail": self.mail_at, "kept": self.mails > 1, "data": data_at, "dot": dot_at, "sender": self.sender,
               "recipients": self.recipients, "checksum": digest(content), "length": len(content), "accepted": False,
               "replied": None}
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
            await asyncio.sleep(fault.seconds)
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
        await self.strike(stage)
        await self.send(good)
        return True

    async def strike(self, stage: str) -> None:
        """What ends the session without a word, where it is due."""
        fault = self.fault
        if fault.stage != stage or fault.kind not in ("stall", "reset", "close", "refuse", "die"):
            return
        if fault.kind == "stall":
            await self.stall()
        if fault.kind in ("refuse", "die"):
            self.refuse(fault.seconds, fault.kind == "die")
        self.leave(with_reset=fault.kind != "close")

    async def send(self, text: str) -> None:
        await self.send_octets(text.encode("latin-1") + b"\r\n")

    async def send_octets(self, octets: bytes) -> None:
        if self.fault.kind == "slow":
            await asyncio.sleep(self.fault.seconds)
        for part in ([octets[i:i + 1] for i in range(len(octets))] if self.fault.kind == "drip" else [octets]):
            if self.fault.kind == "drip":
                await asyncio.sleep(self.fault.seconds)
            self.write(part)
            await self.writer.drain()

    def write(self, octets: bytes) -> None:
        self.writer.write(octets)

    async def stall(self) -> None:
        try:
            await asyncio.wait_for(self.reader.gone.wait(), LONGEST_STALL)
        except asyncio.TimeoutError:
            pass
        self.leave()

    def leave(self, with_reset: bool = False) -> None:
        if with_reset:
            self.reset()
        raise Over

    def reset(self) -> None:
        connection = self.writer.get_extra_info("socket")
        if connection.fileno() >= 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def more(self, most: int = 1 << 16) -> bytes:
        data = await self.reader.read(most)
        if not data:
            raise Over
        return data

    async def line(self) -> str:
        while (end := self.pending.find(b"\n")) < 0:
            self.pending += await self.more()
        line, self.pending = self.pending[:end + 1], self.pending[end + 1:]
        self.row["bare"] += bare(line)
        return line.rstrip(b"\r\n").decode("utf-8", "surrogateescape")

    async def content(self) -> bytes:
        """Octets from the 354 reply to the dot; an empty content is the dot alone."""
        trouble = self.fault.kind if self.fault.stage == "content" else ""
        breaks_after = 0 if self.row["session"] % 2 else 20_000
        slow = self.fault.kind == "slow reader"
        buffer, self.pending, searched = bytearray(b"\r\n" + self.pending), b"", 0
        while (end := buffer.find(TERMINATOR, searched)) < 0:
            if trouble in ("stall", "reset", "close") and len(buffer) - 2 > breaks_after:
                await self.strike("content")
            searched = max(0, len(buffer) - len(TERMINATOR) + 1)
            if slow:
                await asyncio.sleep(self.fault.seconds)
            buffer += await self.more(1 << 14 if slow else 1 << 16)
        self.pending = bytes(buffer[end + len(TERMINATOR):])
        return bytes(buffer[2:end + 2])
