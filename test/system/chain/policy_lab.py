"""Policy servers a test can start: the script of this folder, postfwd, and one that breaks the protocol."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Callable, Optional

from support.clients import clients_of

HERE = Path(__file__).resolve().parent
LIMIT = 30.0    # no single wait is longer; reached only when something hangs


class ScriptedPolicy:
    """policy_server.py in a process of its own."""

    def __init__(self, directory: Path, where: str, table: str) -> None:
        self.where = where
        self._log = directory / "policy-requests"
        rules = directory / "policy-table"
        rules.write_text(table)
        self._process = subprocess.Popen(
            [sys.executable, "-E", "-S", str(HERE / "policy_server.py"), "--listen", where, "--log", str(self._log),
             str(rules)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        if self._process.stdout.readline() != "ready\n":
            raise RuntimeError("the policy server did not start")

    @property
    def requests(self) -> list[dict[str, str]]:
        """Every request so far; it is on disk before the answer goes out."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(LIMIT)
        assert self._process.stdout
        self._process.stdout.close()


class RawPolicy:
    """A socket that does with its clients what the function says, one after the other: garbage, silence, closing."""

    def __init__(self, path: Path, treat: Callable[[socket.socket], None]) -> None:
        self.where = f"unix:{path}"
        self.clients: list[socket.socket] = []
        self._treat = treat
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for client, _ in clients_of(self._socket):
            self.clients.append(client)
            try:
                self._treat(client)
            except OSError:
                pass    # the program has gone away, as it should

    def stop(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)    # ends accept
        self._thread.join(LIMIT)
        for each in (self._socket, *self.clients):
            each.close()


def answering(answer: bytes) -> Callable[[socket.socket], None]:
    """Reads the request, sends these octets and closes."""

    def treat(client: socket.socket) -> None:
        read_request(client)
        client.sendall(answer)
        client.shutdown(socket.SHUT_WR)

    return treat


def read_request(client: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"\n\n"):
        data = client.recv(65536)
        if not data:
            break
        request += data
    return request


def postfwd_program() -> Optional[str]:
    return shutil.which("postfwd1", path="/usr/sbin:/usr/bin")


class Postfwd:
    """Debian's postfwd with a rule file, on a loopback port. It listens only as a daemon, so its pid is in a file."""

    def __init__(self, directory: Path, port: int, rules: str) -> None:
        self.where = f"inet:127.0.0.1:{port}"
        self._port = port
        self._pid_file = directory / "postfwd.pid"
        file = directory / "postfwd.cf"
        file.write_text(rules)
        command = [str(postfwd_program()), "--daemon", "--file", str(file), "--interface", "127.0.0.1",
                   "--port", str(port), "--nodns", "--pidfile", str(self._pid_file),
                   "--user", "nobody", "--group", "nogroup"]
        # The daemon keeps the descriptors it was given: a pipe here would never end.
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       check=True, timeout=LIMIT)

    def ready(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self) -> None:
        if self._pid_file.exists():
            os.kill(int(self._pid_file.read_text()), signal.SIGTERM)
