"""DNS servers a test can start: dnsmasq for what a correct server says, the scripted responder for everything else."""

from __future__ import annotations

import queue
import random
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Optional

LIMIT = 20.0    # no single wait is longer; reached only when something hangs


class DnsServer:
    """A server in a process of its own. `queries` holds what it was asked, as `mail.test AAAA`, in order."""

    def __init__(self) -> None:
        self.host, self.port = "127.0.0.1", 0
        self.queries: list[str] = []
        self._news: queue.Queue[Optional[str]] = queue.Queue()
        self._process: Optional[subprocess.Popen[str]] = None
        self._reader: Optional[threading.Thread] = None

    @property
    def address(self) -> str:
        """As the setting dns_servers wants it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def asked(self, name: str, kind: str) -> int:
        """How often; the server must have been stopped, so that nothing is still on its way."""
        assert self._process is None, "stop() the server before asking"
        return self.queries.count(f"{name} {kind}")

    def stop(self) -> None:
        if not self._process:
            return
        self._process.terminate()
        self._process.wait(LIMIT)
        assert self._reader
        self._reader.join(LIMIT)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()
        self._process = None

    def _start(self, command: list[str], ready: str) -> str:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.STDOUT, text=True)
        seen = []
        assert self._process.stdout
        for line in self._process.stdout:
            seen.append(line)
            if re.search(ready, line):
                self._reader = threading.Thread(target=self._read, daemon=True)
                self._reader.start()
                return line
        self._process.wait()
        self._process = None
        raise RuntimeError(f"{command[0]} did not start: {''.join(seen)}")

    def _read(self) -> None:
        assert self._process and self._process.stdout
        for line in self._process.stdout:
            if found := self._query_of(line):
                self.queries.append(found)

    def _query_of(self, line: str) -> Optional[str]:
        raise NotImplementedError


class Responder(DnsServer):
    """dns_responder.py with this zone; its first lines tell the words."""

    def __init__(self, zone: str, listen: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__()
        self.transports: list[str] = []
        command = [sys.executable, "-S", "-B", "-m", "support.dns_responder", "--listen", listen,
                   "--port", str(port), "--zone", zone]
        _, self.host, number = self._start(command, r"^ready ").split()
        self.port = int(number)

    def _query_of(self, line: str) -> Optional[str]:
        transport, rest = line.rstrip("\n").split(" ", 1)
        self.transports.append(transport)
        return rest


class Dnsmasq(DnsServer):
    """dnsmasq with the given configuration lines, for the domain test and nothing else. It asks no other server."""

    def __init__(self, directory: Path, lines: str, listen: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__()
        self.host = listen
        program = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/sbin:/bin")
        if not program:
            raise RuntimeError("dnsmasq is not installed")
        for attempt in range(20):
            self.port = port or free_dns_port(listen)
            config = directory / f"dnsmasq-{self.port}.conf"
            config.write_text(self._config(lines))
            try:
                self._start([program, "--no-daemon", f"--conf-file={config}"], r"started, version")
                return
            except RuntimeError:
                if port or attempt == 19:
                    raise

    def _config(self, lines: str) -> str:
        own = "\n".join(line.strip() for line in lines.splitlines() if line.strip())
        return f"""\
port={self.port}
listen-address={self.host}
bind-interfaces
no-resolv
no-poll
no-hosts
pid-file=
local=/test/
log-queries
log-facility=-
{own}
"""

    def _query_of(self, line: str) -> Optional[str]:
        found = re.search(r"query\[([^\]]+)\] (\S+) from", line)
        return f"{found[2]} {found[1]}" if found else None


def free_dns_port(host: str) -> int:
    """A port that is free for UDP and TCP, below the range the kernel gives to clients."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        port = random.randrange(10240, 32000)
        with socket.socket(family) as tcp, socket.socket(family, socket.SOCK_DGRAM) as udp:
            try:
                tcp.bind((host, port))
                udp.bind((host, port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")
