"""A real Postfix whose deliveries share what they remember, and a socket of a log that takes nothing."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import unittest
from pathlib import Path

from support.gate import Gate
from support.machine import wait_until
from support.postfix import PostfixLab
from support.relays import Relay, binary_path

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"
# After a stop and a start, or the death of pipe(8), Postfix would wait a minute before it tries again.
NO_PENALTY = {"service_throttle_time": "1s", "transport_retry_time": "1s"}


class PostfixStateCase(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="relaypipe-test-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.labs: list[PostfixLab] = []

    def postfix(self, dialogue: str, arguments: str = "") -> tuple[PostfixLab, Relay, Gate]:
        """Postfix with one relay that plays the dialogue, and the gate before the program."""
        relay = Relay(dialogue, self.directory / "journal")
        self.addCleanup(relay.stop)
        gate = Gate(self.directory, binary_path())
        lab = PostfixLab(gate.program, f"example.com   relaypipe:{relay.destination}\n", parameters=NO_PENALTY,
                         arguments=arguments)
        self.labs.append(lab)
        return self.enterContext(lab), relay, gate

    def describe_failure(self) -> str:
        return "\n".join("\n".join(lab.log().splitlines()[-60:]) for lab in self.labs if lab.log_file.exists())

    def assert_queue_empty(self, lab: PostfixLab) -> None:
        wait_until(lambda: "Mail queue is empty" in lab.command("postqueue", "-p"), "an empty queue")


class FullSocket:
    """A datagram socket in the place of the log's, with a full queue: who writes to it waits as long as it cares to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        os.chmod(path, 0o666)
        self._filler = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._filler.setblocking(False)
        self._filler.connect(str(path))
        try:
            while True:
                self._filler.send(b"full")
        except BlockingIOError:
            pass

    def close(self) -> None:
        self._filler.close()
        self._socket.close()
