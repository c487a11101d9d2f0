"""One connection of a bad HTTPS interface: Amazon's as it should be, but for the one thing that goes wrong (api_faults.py).

Its dots are the requests whose last octet it has read. That octet is sent by itself, so `data` is when it came, but for a
slow reader, of whom only the head tells that the client was there. `next` is when the client has certainly read the answer: it
asks again, or has closed a connection on which nothing was left to read.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from pathlib import Path
from typing import Any, Callable

from bad_session import LONGEST_STALL, Over, Reader, Session, bare
from messages import REFUSED_CONTENT, REFUSED_RECIPIENT, digest, without_trace
from relay_faults import Fault
from support.https_requests import ProviderRules, Request, answer

BAD_RECIPIENT = answer(400, b'{"message": "Missing final \'@domain\'"}', "x-amzn-ErrorType: BadRequestException")
BAD_CONTENT = answer(400, b'{"message": "The message contains a virus."}', "x-amzn-ErrorType: MessageRejected")


def dot_stuffed(content: bytes) -> bytes:
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]


class Api:
    """The interface: its certificate, and what it wants of requests."""

    def __init__(self, pem: Path, host: str, port: int) -> None:
        self.rules = ProviderRules("ses", host, port)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(pem)
        self.context.set_alpn_protocols(["http/1.1"])

    def session(self, *arguments: Any) -> ApiSession:
        return ApiSession(self, *arguments)


class ApiSession(Session):
    def __init__(self, api: Api, name: str, number: int, fault: Fault, refuse: Callable[[float, bool], None], reader: Reader,
                 writer: asyncio.StreamWriter) -> None:
        super().__init__(name, number, fault, refuse, reader, writer)
        self.rules = api.rules
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = api.context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.was_reset = False

    async def run(self) -> None:
        await super().run()
        if self.reader.read_all and not self.was_reset:
            self.answer_was_read(self.row["gone"])

    def answer_was_read(self, at: float) -> None:
        if self.dots and self.dots[-1]["replied"]:
            self.dots[-1].setdefault("next", at)

    def reset(self) -> None:
        self.was_reset = True
        super().reset()

    # -- TLS ----------------------------------------------------------------------------------

    async def handshake(self) -> None:
        self.incoming.write(await super().more())
        await self.strike("tls")
        while True:
            try:
                self.tls.do_handshake()
                return self.flush()
            except ssl.SSLWantReadError:
                self.flush()
                self.incoming.write(await super().more())
            except ssl.SSLError:
                raise Over from None    # the client went in the middle of it

    def flush(self) -> None:
        self.writer.write(self.outgoing.read())

    def write(self, octets: bytes) -> None:
        self.tls.write(octets)
        self.flush()

    async def more(self, most: int = 1 << 16) -> bytes:
        while True:
            try:
                if data := self.tls.read(most):
                    return data
                await self.stall()    # the client has said that it goes
            except ssl.SSLWantReadError:
                self.incoming.write(await super().more(most))
            except ssl.SSLError:
                raise Over from None

    # -- HTTP ---------------------------------------------------------------------------------

    async def converse(self) -> None:
        await self.strike("connect")
        await self.handshake()
        self.pending = await self.more()
        while True:
            self.answer_was_read(time.time())
            await self.exchange()
            self.pending = self.pending or await self.more()

    async def exchange(self) -> None:
        begun = time.time()
        self.mails += 1
        while b"\r\n\r\n" not in self.pending:
            self.pending += await self.more()
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        request = self.rules.parse(head.decode("latin-1"), self.row["session"])
        dot = {"mail": begun, "kept": self.mails > 1, "data": time.time(), "accepted": False, "replied": None}
        await self.strike("head")
        if self.fault.stage == "head":
            await self.say(self.fault.reply.encode(), last=True)
        request.body = await self.body(int(request.head.get("content-length", "0")))
        dot["dot"] = time.time()
        if self.fault.kind != "slow reader":
            dot["data"] = dot["dot"]
        status, body = self.rules.judge(request)
        if status != 200:
            raise Over    # a violation, which ends the run
        self.describe(request, dot)
        self.dots.append(dot)
        await self.reply(request, dot, body)

    async def body(self, size: int) -> bytes:
        """With a fault in it a part only: of every second connection none."""
        slow = self.fault.kind == "slow reader"
        breaks_after = 0 if self.row["session"] % 2 else 20_000
        octets = bytearray(self.pending)
        while len(octets) < size:
            if len(octets) > breaks_after:
                await self.strike("body")
            if slow:
                await asyncio.sleep(self.fault.seconds)
            octets += await self.more(1 << 14 if slow else 1 << 16)
        self.pending = bytes(octets[size:])
        return bytes(octets[:size])

    def describe(self, request: Request, dot: dict[str, Any]) -> None:
        self.row["bare"] += bare(request.content)
        content = without_trace(dot_stuffed(request.content))
        dot.update(sender=request.sender, recipients=request.recipients, checksum=digest(content), length=len(content))

    async def reply(self, request: Request, dot: dict[str, Any], body: bytes) -> None:
        """`accepted` is settled before the first octet of the answer leaves."""
        fault = self.fault
        kind = fault.kind if fault.stage == "answer" else ""
        words = [BAD_CONTENT] * any(each.startswith(REFUSED_CONTENT) for each in request.recipients)
        words += [BAD_RECIPIENT] * any(each.startswith(REFUSED_RECIPIENT) for each in request.recipients)
        dot["accepted"] = not words and kind in ("", "closing", "lost, taken", "late reply")
        if kind.startswith("lost"):
            await self.lose()
        await self.strike("answer")
        if kind == "late reply":
            await asyncio.sleep(fault.seconds)
        if kind in ("soft", "account", "garbage"):
            await self.say(fault.reply.encode("latin-1"), last=kind == "garbage")
        elif words:
            await self.say(words[0])
        elif kind == "closing":
            await self.say(answer(200, body, "Connection: close"), dot, last=True)
        else:
            await self.say(answer(200, body), dot)

    async def say(self, octets: bytes, dot: dict[str, Any] | None = None, last: bool = False) -> None:
        """The last answer is followed by the end, and by reading what comes nevertheless (RFC 9112 section 9.6)."""
        await self.send_octets(octets)
        if dot is not None and not self.reader.gone.is_set():
            dot["replied"] = time.time()
        if last:
            self.writer.write_eof()
            end = time.time() + LONGEST_STALL
            while time.time() < end:
                await self.more()

    async def lose(self) -> None:
        how = self.fault.how
        if how == "half an answer":
            self.write(answer(200, b'{"MessageId": "x"}')[:-9])
            await self.writer.drain()
        if how == "stall":
            await self.stall()
        self.leave(with_reset=how == "reset")
