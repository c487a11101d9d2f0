"""A real Redis or Valkey server that a test starts, and a client that speaks to it.

The server is that of the machine, or the one that unpack_programs put beside it; it keeps nothing on disk.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Optional, Union

from support.installed import REPOSITORY

TOOLS = Path(os.environ.get("RELAYPIPE_TEST_TOOLS") or "/var/cache/relaypipe-test")
PLACES = (TOOLS / "valkey-tools/usr/bin/valkey-check-rdb", TOOLS / "redis-tools/usr/bin/redis-check-rdb")
PATIENCE = 30.0
Word = Union[str, int, bytes]


def server_program() -> Optional[str]:
    """The server to test with; RELAYPIPE_STORE names another one."""
    named = os.environ.get("RELAYPIPE_STORE")
    found = [named] if named else [str(place) for place in PLACES if place.exists()]
    found += [path for path in map(shutil.which, ("valkey-server", "redis-server")) if path]
    return found[0] if found else None


class StoreError(Exception):
    """An error that the server replied."""


class StoreClient:
    """The protocol, on a socket of its own."""

    def __init__(self, address: Union[str, tuple[str, int]]) -> None:
        self._socket = socket.socket(socket.AF_UNIX if isinstance(address, str) else socket.AF_INET)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(address)
        self._file = self._socket.makefile("rb")

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def send(self, *words: Word) -> None:
        octets = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(octets) + b"".join(b"$%d\r\n%s\r\n" % (len(o), o) for o in octets))

    def receive(self) -> Any:
        line = self._file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise StoreError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2].decode()
        if kind == b"*":
            return [self.receive() for _ in range(int(rest))]
        if kind == b"+":
            return rest.decode()
        raise ConnectionError(f"no reply but {line!r}")

    def __call__(self, *words: Word) -> Any:
        self.send(*words)
        return self.receive()


class StoreServer:
    """A server on a port of 127.0.0.1, or on a socket in the file system."""

    def __init__(self, directory: Path, *options: str, host: str = "127.0.0.1", port: int = 0) -> None:
        program = server_program()
        assert program, "no redis-server and no valkey-server: test/support/unpack_programs"
        self.directory, self.host = directory, host
        self.path = str(directory / "store.sock")
        if port == 0:
            with socket.create_server((host, 0)) as free:
                port = free.getsockname()[1]
        self.port = port
        self.url = f"redis://{host}:{port}"
        # Where it is one file with its tools, its first argument says what it is.
        self._program = program
        self._argv = [Path(program).name.replace("check-rdb", "server"), "--port", str(port), "--bind", host, "--unixsocket", self.path, "--save", "",
                      "--appendonly", "no", "--dir", str(directory), "--logfile", str(directory / "store.log"),
                      "--daemonize", "no", "--protected-mode", "no", *options]
        self._process: Optional[subprocess.Popen[bytes]] = None
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._argv, executable=self._program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while True:
            try:
                client = self.client()
                client.send("PING")
                try:
                    client.receive()
                except StoreError:    # it wants a password
                    pass
                client.close()
                return
            except OSError:
                if time.monotonic() > end or self._process.poll() is not None:
                    raise
                time.sleep(0.01)

    def client(self) -> StoreClient:
        return StoreClient(self.path)

    def __call__(self, *words: Word) -> Any:
        client = self.client()
        try:
            return client(*words)
        finally:
            client.close()

    def hang(self) -> None:
        """From here on it takes connections, and answers nothing."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.kill()
        self._process.wait()
        self._process = None

    def wipe(self) -> None:
        self("FLUSHALL")

    def pid(self) -> int:
        assert self._process
        return self._process.pid


def script_text(name: str) -> str:
    """The text of a script of the program, out of its source: kTake or kFacts."""
    source = (REPOSITORY / "src/io/fleet/scripts.cc").read_text()
    found = re.search(rf'{name} = R"lua\((.*?)\)lua"', source, re.DOTALL)
    assert found, f"there is no {name}"
    return found[1]
