#!/usr/bin/env python3
"""A policy server for a chain of relaypipe: the sender, or the sender's domain, decides about the relays.

Usage: policy_server.py [--log FILE] TABLE                   one client on stdin and stdout: under spawn(8), see below
       policy_server.py [--log FILE] --listen WHERE TABLE    WHERE is unix:/path or inet:address:port

Each line of TABLE is a pattern, blanks, and an answer. The first line that matches the sender counts:

    news@example.com     bulk                                   the name of a chain
    @example.org         [mx1.example.net]:25, [192.0.2.7]      a list of destinations
    @held.example        DEFER 4.7.1 waiting for the contract   stays in the queue
    @gone.example        REJECT 5.7.1 no longer a customer      returned to the sender
    <>                   DUNNO                                  the chain as it is; also for senders of no line

The table is read anew for every request. relaypipe.toml: policy = "inet:127.0.0.1:10040", and in Postfix's master.cf:

    127.0.0.1:10040 inet n n n - 0 spawn user=nobody argv=/usr/local/bin/policy_server.py /etc/relaypipe/senders

The protocol is Postfix's (SMTPD_POLICY_README): name=value lines and an empty line ask, action=... and an empty line
answer, as often as the client likes. --log writes every request as a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import socketserver
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Optional

LONGEST_LINE = 8192
MOST_LINES = 200    # Postfix sends about 40
log_lock = threading.Lock()


def read_request(stream: BinaryIO) -> Optional[dict[str, str]]:
    """The attributes of one request; nothing when the client is done, or talks something else."""
    request: dict[str, str] = {}
    for _ in range(MOST_LINES):
        line = stream.readline(LONGEST_LINE)
        if line == b"\n":
            return request
        name, equals, value = line.decode("utf-8", "replace").rstrip("\n").partition("=")
        if not line.endswith(b"\n") or not equals:
            return None
        request[name] = value
    return None


def matches(pattern: str, sender: str) -> bool:
    if pattern.startswith("@"):
        return sender.lower().endswith(pattern.lower())
    return sender.lower() == ("" if pattern == "<>" else pattern.lower())


def decide(table: Path, request: dict[str, str]) -> str:
    for line in table.read_text(encoding="utf-8").splitlines():
        pattern, _, answer = line.strip().partition(" ")
        if pattern and not pattern.startswith("#") and matches(pattern, request.get("sender", "")):
            return answer.strip()
    return "DUNNO"


def serve(incoming: BinaryIO, outgoing: BinaryIO, arguments: argparse.Namespace) -> None:
    while request := read_request(incoming):
        if arguments.log:
            with log_lock, arguments.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(request) + "\n")
        outgoing.write(f"action={decide(arguments.table, request)}\n\n".encode())
        outgoing.flush()


def listener(where: str, arguments: argparse.Namespace) -> socketserver.BaseServer:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            serve(self.rfile, self.wfile, arguments)    # type: ignore[arg-type]

    kind, _, place = where.partition(":")
    if kind == "inet":
        host, _, port = place.rpartition(":")
        socketserver.ThreadingTCPServer.allow_reuse_address = True
        return socketserver.ThreadingTCPServer((host, int(port)), Handler)
    server = socketserver.ThreadingUnixStreamServer(place, Handler)
    os.chmod(place, 0o666)    # whoever may enter its directory: relaypipe runs as a user of its own
    return server


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", metavar="WHERE")
    parser.add_argument("--log", type=Path)
    parser.add_argument("table", type=Path)
    arguments = parser.parse_args()
    if not arguments.listen:
        serve(sys.stdin.buffer, sys.stdout.buffer, arguments)
        return 0
    with listener(arguments.listen, arguments) as server:
        server.daemon_threads = True    # type: ignore[attr-defined]
        print("ready", flush=True)
        server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
