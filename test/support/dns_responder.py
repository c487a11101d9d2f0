#!/usr/bin/env python3
"""A DNS server, UDP and TCP, that answers as a test wants it to, above all wrongly.

Usage: dns_responder.py [--listen ADDRESS] [--port N] --zone TEXT

It prints `ready HOST PORT`, then one line per query: `udp mail.test AAAA`. SIGTERM ends it, and so does the end of
stdin. For correct answers the tests use dnsmasq; this one is for what no correct server does on demand.

THE ZONE has one line per name and type; `*` fits every name or type that has no line of its own:

    mail.test A      127.0.0.2, 127.0.0.3
    mail.test AAAA   delay 400ms nodata
    sick.test *      servfail
    odd.test  MX     silent | 10 mail.test          the first query unanswered, then a record

ANSWER    records separated by commas (MX `10 host`, SRV `0 5 587 host`, `.` is the root), or
          alias NAME      CNAME to NAME, followed by the records that the zone has for it
          nodata nxdomain servfail refused formerr notimp
          silent          no answer
          garbage         the right id, then octets that are no answer
          cut N           the first N octets of the answer that follows
          tc              by UDP truncated to nothing; by TCP the answer that follows
          tcp-dead        by UDP truncated; by TCP the connection is closed without an answer
          delay D         before all others: so much later (400ms, 2s)
A name without a line does not exist; a type without a line has no data.
"""

from __future__ import annotations

import argparse
import re
import select
import socket
import struct
import sys
import threading
from dataclasses import dataclass
from typing import Callable, Optional

from support.dns_wire import RCODES, Answer, Question, Record, encode_answer, parse_question

Key = tuple[str, str]


@dataclass
class Reply:
    octets: Optional[bytes]    # None: no answer
    delay: float


class Zone:
    def __init__(self, text: str) -> None:
        self._lines: dict[Key, list[str]] = {}
        self._asked: dict[Key, int] = {}
        for line in text.splitlines():
            if line.strip():
                name, kind, answers = line.strip().split(None, 2)
                self._lines[name, kind] = [answer.strip() for answer in answers.split("|")]

    def reply(self, question: Question, tcp: bool) -> Reply:
        key = self._key(question.name, question.type)
        if not key:
            known = any(name == question.name for name, _ in self._lines)
            return Reply(encode_answer(question, Answer("" if known else "nxdomain")), 0)
        count = self._asked[key] = self._asked.get(key, 0) + 1
        choices = self._lines[key]
        return self._make(question, choices[min(count, len(choices)) - 1], tcp)

    def _key(self, name: str, kind: str) -> Optional[Key]:
        wanted = [(name, kind), (name, "*"), ("*", kind), ("*", "*")]
        return next((key for key in wanted if key in self._lines), None)

    def _make(self, question: Question, words: str, tcp: bool) -> Reply:
        delay = 0.0
        if found := re.match(r"delay (\d+)(ms|s) *", words):
            delay = int(found[1]) * (0.001 if found[2] == "ms" else 1)
            words = words[found.end():]
        if words == "silent" or (words == "tcp-dead" and tcp):
            return Reply(None, delay)
        if words == "garbage":
            return Reply(question.ident.to_bytes(2, "big") + bytes(range(0x80, 0xC0)), delay)
        if words == "tcp-dead" or (words.startswith("tc ") and not tcp):
            return Reply(encode_answer(question, Answer(truncated=True)), delay)
        words = words.removeprefix("tc ")
        cut = re.match(r"cut (\d+) ", words)
        octets = encode_answer(question, self._answer(question, words[cut.end():] if cut else words))
        return Reply(octets[:int(cut[1])] if cut else octets, delay)

    def _answer(self, question: Question, words: str) -> Answer:
        if words == "nodata" or words in RCODES:
            return Answer("" if words == "nodata" else words)
        return Answer(records=self._records(question.name, question.type, words))

    def _records(self, name: str, kind: str, words: str) -> list[Record]:
        if words.startswith("alias "):
            target = words.split()[1]
            found = self._lines.get((target, kind), ["nodata"])[0]
            further = [] if found == "nodata" else self._records(target, kind, found)
            return [Record(name, "CNAME", target), *further]
        return [Record(name, kind, data.strip()) for data in words.split(",")]


class Responder:
    def __init__(self, host: str, port: int, zone: Zone) -> None:
        self._zone = zone
        self._lock = threading.Lock()
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._tcp, self._udp = self._bind(family, host, port)
        self._tcp.listen(16)
        self.address = self._tcp.getsockname()[:2]

    @staticmethod
    def _bind(family: int, host: str, port: int) -> tuple[socket.socket, socket.socket]:
        """The same port for both, or nothing works; the kernel chooses one for TCP, UDP may have it taken."""
        for _ in range(100):
            tcp, udp = socket.socket(family), socket.socket(family, socket.SOCK_DGRAM)
            try:
                tcp.bind((host, port))
                udp.bind((host, tcp.getsockname()[1]))
                return tcp, udp
            except OSError:
                tcp.close()
                udp.close()
        raise RuntimeError("no free port")

    def serve(self) -> None:
        while True:
            ready = select.select([0, self._udp, self._tcp], [], [])[0]
            if 0 in ready:
                return
            if self._udp in ready:
                octets, peer = self._udp.recvfrom(4096)
                self._later(octets, False, lambda answer, to=peer: self._udp.sendto(answer, to))
            if self._tcp in ready:
                threading.Thread(target=self._converse, args=(self._tcp.accept()[0],), daemon=True).start()

    def _converse(self, client: socket.socket) -> None:
        """Several queries may come over one connection; an unanswered one ends it."""
        with client, client.makefile("rb") as stream:
            while len(head := stream.read(2)) == 2:
                reply = self._reply(stream.read(struct.unpack("!H", head)[0]), True)
                if not reply or reply.octets is None:
                    return
                threading.Event().wait(reply.delay)
                client.sendall(struct.pack("!H", len(reply.octets)) + reply.octets)

    def _later(self, octets: bytes, tcp: bool, send: Callable[[bytes], object]) -> None:
        reply = self._reply(octets, tcp)
        if reply and reply.octets is not None:
            timer = threading.Timer(reply.delay, send, args=(reply.octets,))
            timer.daemon = True
            timer.start()

    def _reply(self, octets: bytes, tcp: bool) -> Optional[Reply]:
        try:
            question = parse_question(octets)
        except (ValueError, IndexError):
            return None
        with self._lock:
            print("tcp" if tcp else "udp", question.name, question.type, flush=True)
            return self._zone.reply(question, tcp)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--zone", required=True)
    arguments = parser.parse_args()
    # SIGTERM ends it as it ends any process: nothing is left to be done, and a handler of Python's would not run where the
    # signal comes between its last look and select().
    responder = Responder(arguments.listen, arguments.port, Zone(arguments.zone))
    print("ready", *responder.address, flush=True)
    responder.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
