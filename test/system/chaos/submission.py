"""Hands the messages to Postfix: by SMTP over a few connections, and by sendmail(1) what SMTP cannot."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from typing import Callable, Iterator, Optional

from messages import Message
from support.machine import PATIENCE
from support.postfix import PostfixLab

CONNECTIONS = 4
IDLE = 1.0    # seconds; smtpd(8) gets its process back then


class Gate:
    """Many inside, or one alone: nobody submits while Postfix is stopped, or it would be unclear what it took."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._inside = 0
        self._shut = False

    @property
    def shut(self) -> bool:
        return self._shut

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        with self._condition:
            self._condition.wait_for(lambda: not self._shut)
            self._inside += 1
        try:
            yield
        finally:
            with self._condition:
                self._inside -= 1
                self._condition.notify_all()

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        with self._condition:
            self._shut = True
            self._condition.wait_for(lambda: self._inside == 0)
        try:
            yield
        finally:
            with self._condition:
                self._shut = False
                self._condition.notify_all()


class Client:
    """One connection to smtpd(8), opened anew when Postfix was restarted. Octets leave as they are."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: Optional[socket.socket] = None
        self._pending = b""

    def submit(self, message: Message) -> None:
        commands = [f"MAIL FROM:<{message.sender}>", *(f"RCPT TO:<{each}>" for each in message.recipients), "DATA"]
        try:
            self._open()
            self._send("".join(f"{each}\r\n" for each in commands).encode())
        except OSError:    # a connection from before a restart; nothing of this message was taken
            self.close()
            self._open()
            self._send("".join(f"{each}\r\n" for each in commands).encode())
        for each in commands:
            self._expect("354" if each == "DATA" else "250", each)
        stuffed = re.sub(rb"(\A|\r\n)\.", rb"\1..", message.content)
        end = b"" if stuffed.endswith(b"\r\n") or not stuffed else b"\r\n"
        self._send(stuffed + end + b".\r\n")
        self._expect("250", f"message {message.number}")

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket, self._pending = None, b""

    def _open(self) -> None:
        if self._socket and self._is_dead():
            self.close()
        if not self._socket:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=PATIENCE)
            self._expect("220", "connection")
            self._send(b"EHLO client.example\r\n")
            self._expect("250", "EHLO")

    def _is_dead(self) -> bool:
        assert self._socket
        self._socket.setblocking(False)
        try:
            return bool(self._socket.recv(1, socket.MSG_PEEK)) or True    # EOF, or 421
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(PATIENCE)

    def _send(self, octets: bytes) -> None:
        assert self._socket
        self._socket.sendall(octets)

    def _expect(self, code: str, what: str) -> None:
        assert self._socket
        while True:
            while b"\n" not in self._pending:
                data = self._socket.recv(1 << 16)
                if not data:
                    raise ConnectionError(f"Postfix hung up at {what}")
                self._pending += data
            line, self._pending = self._pending.split(b"\n", 1)
            if line[3:4] != b"-":
                break
        if not line.startswith(code.encode()):
            raise RuntimeError(f"{what}: Postfix said {line.decode(errors='replace')}")


class Submission:
    """Submits messages 0..count-1. `room` says whether Postfix may be given more now; a failure is kept for the end.

    Who has to wait closes the connection: after a reload that comes upon a start, master(8) may take an smtpd(8) that is
    in use for one that is free, and the next client is greeted only when one of the others has gone.
    """

    def __init__(self, lab: PostfixLab, make: Callable[[int], Message], count: int,
                 room: Callable[[int], bool]) -> None:
        self.gate = Gate()
        self.submitted: list[Message] = []
        self.failure: Optional[BaseException] = None
        self._lab, self._make, self._count, self._room = lab, make, count, room
        self._next = 0
        self._stop = False
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(CONNECTIONS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop = True

    @property
    def done(self) -> bool:
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        client = Client(self._lab.port)
        try:
            while (number := self._take(client)) is not None:
                message = self._make(number)
                if self.gate.shut:
                    client.close()
                with self.gate.inside():
                    if message.by_sendmail:
                        self._lab.sendmail(message.content, *message.recipients, sender=message.sender)
                    else:
                        client.submit(message)
                message.__dict__.pop("content")    # some are large; it can be made again
                self.submitted.append(message)
        except BaseException as error:
            self.failure = error
            self._stop = True
        finally:
            client.close()

    def _take(self, client: Client) -> Optional[int]:
        begun = time.monotonic()
        while not self._stop:
            with self._lock:
                if self._next == self._count:
                    return None
                if self._room(len(self.submitted)):
                    self._next += 1
                    return self._next - 1
            if time.monotonic() > begun + IDLE:
                client.close()
            time.sleep(0.01)
        return None
