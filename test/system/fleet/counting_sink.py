"""A relay that accepts everything and counts it, for many sessions at once."""

from __future__ import annotations

import asyncio
import collections
import re
import threading
import time
from typing import Counter, Optional

_RCPT = re.compile(rb"RCPT TO:<([^>]*)>", re.IGNORECASE)


class CountingSink:
    """`accepted` has the time of each recipient whose message was accepted, by time.monotonic()."""

    def __init__(self, address: str = "127.0.0.1", dot: str = "250 2.0.0 Ok: queued") -> None:
        self.address = address
        self.accepted: list[float] = []
        self.recipients: Counter[str] = collections.Counter()
        self.sessions = 0
        self.dot = dot
        self.mail: Optional[str] = None    # a reply to MAIL in place of 250
        self._started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait()
        self.destination = f"[{address}]:{self.port}"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._session, self.address, 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        try:
            writer.write(b"220 sink.example ESMTP\r\n")
            await self._dialogue(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _dialogue(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        recipients: list[str] = []
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"EHLO":
                writer.write(b"250-sink.example\r\n250-PIPELINING\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n")
            elif verb == b"MAIL":
                recipients = []
                writer.write((self.mail or "250 2.1.0 Ok").encode() + b"\r\n")
            elif verb == b"RCPT":
                recipients.append(_RCPT.match(line)[1].decode())    # type: ignore[index]
                writer.write(b"250 2.1.5 Ok\r\n")
            elif verb == b"DATA":
                writer.write(b"354 Go\r\n")
                while await reader.readline() != b".\r\n":
                    pass
                if self.dot.startswith("2"):
                    self.accepted += [time.monotonic()] * len(recipients)
                    self.recipients.update(recipients)
                writer.write(self.dot.encode() + b"\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                writer.write(b"250 2.0.0 Ok\r\n")
            await writer.drain()
