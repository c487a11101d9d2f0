"""A program for spawn(8) that stands between lmtp(8) and `relaypipe lmtp`, and loses, bounces, doubles and changes messages.

Usage: bad_lmtp PROGRAM lmtp ...

The last digit of a message's number says what is done to it: 3 is taken and forgotten, 4 refused without a reason, 5
delivered twice, once under another queue id, and 6 changed on the way. All the rest goes through as it is.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import sys
from typing import BinaryIO

NUMBER = re.compile(rb"RCPT TO:<m\d{5}(\d)-", re.IGNORECASE)


class Child:
    """`relaypipe lmtp`, one command at a time."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self._process.stdin and self._process.stdout
        self._input, self._output = self._process.stdin, self._process.stdout

    def reply(self) -> bytes:
        lines = [self._line()]
        while lines[-1][3:4] == b"-":
            lines.append(self._line())
        return b"".join(lines)

    def ask(self, octets: bytes) -> bytes:
        self._input.write(octets)
        self._input.flush()
        return self.reply()

    def _line(self) -> bytes:
        line = self._output.readline()
        if not line:
            sys.exit(1)
        return line


class Transaction:
    """The commands of a transaction, and how many recipients were accepted in it."""

    def __init__(self) -> None:
        self.forward, self.commands, self.digit, self.accepted = b"", [b""], b"", 0

    def begin(self, mail: bytes) -> None:
        self.commands, self.digit, self.accepted = [mail], b"", 0

    def add(self, rcpt: bytes, reply: bytes) -> None:
        self.commands.append(rcpt)
        self.accepted += reply.startswith(b"2")
        if found := NUMBER.match(rcpt):
            self.digit = found[1]


def read_content(client: BinaryIO) -> bytes:
    lines = []
    while (line := client.readline()) != b".\r\n":
        if not line:
            sys.exit(1)
        lines.append(line)
    return b"".join(lines) + b".\r\n"


def deliver(child: Child, transaction: Transaction, content: bytes) -> bytes:
    """DATA and the content, once MAIL and RCPT were taken: a reply for each recipient, or one that refuses DATA."""
    refusal = child.ask(b"DATA\r\n")
    if not refusal.startswith(b"3"):
        return refusal * transaction.accepted
    return child.ask(content) + b"".join(child.reply() for _ in range(transaction.accepted - 1))


def deliver_twice(child: Child, transaction: Transaction, content: bytes) -> bytes:
    """Once more under a queue id that nobody has had; Postfix hears of the first time."""
    replies = deliver(child, transaction, content)
    child.ask(b"XFORWARD IDENT=" + secrets.token_hex(8).encode() + b"\r\n")
    for command in transaction.commands:
        child.ask(command)
    deliver(child, transaction, content)
    child.ask(b"XFORWARD IDENT=[UNAVAILABLE]\r\n")
    if transaction.forward:
        child.ask(transaction.forward)
    return replies


def after_data(child: Child, transaction: Transaction, content: bytes) -> bytes:
    if transaction.digit in (b"3", b"4"):
        child.ask(b"RSET\r\n")
        return (b"250 2.0.0 Ok\r\n" if transaction.digit == b"3" else b"550 5.3.0 no reason\r\n") * transaction.accepted
    if transaction.digit == b"5":
        return deliver_twice(child, transaction, content)
    return deliver(child, transaction, content.replace(b"e", b"E") if transaction.digit == b"6" else content)


def main() -> None:
    child, transaction = Child(sys.argv[1:]), Transaction()
    client, output = sys.stdin.buffer, sys.stdout.buffer

    def answer(octets: bytes) -> None:
        output.write(octets)
        output.flush()

    answer(child.reply())
    while line := client.readline():
        verb = line[:4].upper()
        if verb == b"DATA" and transaction.accepted:
            answer(b"354 go on\r\n")
            answer(after_data(child, transaction, read_content(client)))
            transaction.accepted = 0
            continue
        reply = child.ask(line)
        answer(reply)
        if verb == b"XFOR":
            transaction.forward = line
        elif verb == b"MAIL":
            transaction.begin(line)
        elif verb == b"RCPT":
            transaction.add(line, reply)


if __name__ == "__main__":
    main()
