"""The messages of a chaos run: made from the seed and a number, and what has to reach a relay of each of them.

A recipient's address is the message's number and the first octets of the SHA-256 digest of what a relay has to get, so
that every copy, an empty one too, says which message it is and what it should be:

    m000123-0-5f1c0a9b77e2@chain.example

THE CANONICAL FORM is what stands on the wire behind the Received field that Postfix puts before a message it takes,
without the final dot. It follows from what was submitted by these rules:

    CRs before a line end are part of the line end, every other CR is a blank: smtpd(8) and cleanup(8) do the one and
        the other (cleanup_replace_stray_cr_lf), and relaypipe does both where an older Postfix does not
    a message whose first line is neither a header field nor empty gets an empty line before it (cleanup(8)); one
        without any line stays empty
    the last line ends in a line end, whether it was submitted with one or not (pipe(8))
    then the wire form of support/wire.py: CRLF, lines over 998 octets folded, dots stuffed

Nothing else may differ: headers are left alone (local_header_rewrite_clients is empty) and the fields that cleanup(8)
adds for sendmail(1) are there already.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Callable

from support.wire import wire_form

HEADER_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
DOMAINS = ("chain.example", "list.example")    # by a chain of the configuration, by a list in the transport table
REFUSED_RECIPIENT, REFUSED_CONTENT, WANTED = "r", "c", "m"    # how an address begins: what every relay says of it


def canonical(submitted: bytes) -> bytes:
    lines = submitted.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    text = b"".join(line.rstrip(b"\r").replace(b"\r", b" ") + b"\n" for line in lines)
    whole = not text or text.startswith(b"\n") or HEADER_FIELD.match(text)
    return wire_form(text if whole else b"\n" + text)


def digest(wire: bytes) -> str:
    return hashlib.sha256(wire).hexdigest()


def without_trace(wire: bytes) -> bytes:
    """The content without its first header field, which is the Received of the Postfix under test."""
    if not wire.startswith(b"Received: "):
        return wire
    end = re.compile(rb"\r\n(?![ \t])").search(wire)
    return wire[end.end():] if end else b""


def text_line(rng: random.Random, length: int) -> bytes:
    words = b"postfix hands a message to the first relay that takes it and keeps the rest "
    start = rng.randrange(len(words))
    return (words[start:] + words * (length // len(words) + 1))[:length]


def text(rng: random.Random, lines: int) -> bytes:
    return b"".join(text_line(rng, rng.randrange(1, 79)).strip() + b"\r\n" for _ in range(lines))


def octets_without_line_ends(rng: random.Random, count: int) -> bytes:
    return rng.randbytes(count).replace(b"\r", b"\xff").replace(b"\n", b"\xfe")


def dots(rng: random.Random) -> bytes:
    return b"".join(b"." * rng.randrange(1, 5) + rng.choice([b"", b"", b"x", b" .", b"\r."]) + b"\r\n"
                    for _ in range(rng.randrange(1, 200)))


def stray_crs(rng: random.Random) -> bytes:
    pieces = [b"a\rb", b"\rc", b"d\r", b"\r.\re", b"\r\r", b".\r.", b"f"]
    return b"".join(rng.choice(pieces) + b"\r\n" for _ in range(rng.randrange(1, 80)))


def eight_bit(rng: random.Random) -> bytes:
    return b"".join(octets_without_line_ends(rng, rng.randrange(0, 120)).replace(b"\0", b"\xfd") + b"\r\n"
                    for _ in range(rng.randrange(1, 60)))


def nuls(rng: random.Random) -> bytes:
    return b"".join(octets_without_line_ends(rng, 20) + b"\0" * rng.randrange(1, 9) + b"\r\n"
                    for _ in range(rng.randrange(1, 60)))


def long_lines(rng: random.Random) -> bytes:
    lengths = [997, 998, 999, 1000, 1995, 2047, 2048, 2049, 4096, 5000, 70_000]
    return b"".join(rng.choice([b"", b"."]) + text_line(rng, rng.choice(lengths)) + b"\r\n"
                    for _ in range(rng.randrange(1, 12)))


def large(rng: random.Random, octets: int) -> bytes:
    block = b"".join(b"%06d " % number + text_line(rng, 60) + b"\r\n" for number in range(500))
    return (block * (octets // len(block) + 1))[:octets // 69 * 69]


def everything(rng: random.Random) -> bytes:
    makers = [dots, stray_crs, eight_bit, nuls, long_lines, lambda r: text(r, 20)]
    rng.shuffle(makers)
    return b"".join(make(rng) for make in makers)


# Kind of content, its share, what makes the body.
BODIES: dict[str, tuple[float, Callable[[random.Random], bytes]]] = {
    "text": (28, lambda rng: text(rng, rng.randrange(1, 60))),
    "dots": (9, dots),
    "stray CR": (9, stray_crs),
    "8-bit": (9, eight_bit),
    "NUL": (7, nuls),
    "long lines": (8, long_lines),
    "everything": (5, everything),
    "no header": (6, lambda rng: rng.choice([b"no header here\r\n", b". a dot first\r\n", b"x\r\n"]) + text(rng, 3)),
    "no body": (3, lambda _: b""),
    "empty": (4, lambda _: b""),
    "no final newline": (4, lambda rng: text(rng, 4).replace(b"\r\n", b"\n") + b"the end"),
    "some 100 kB": (7, lambda rng: large(rng, rng.randrange(50_000, 300_000))),
    "some MB": (1, lambda rng: large(rng, rng.randrange(1_000_000, 5_000_000))),
}
BY_SENDMAIL = {"no final newline"}    # SMTP cannot submit these
SENDERS = {"ordinary": 84, "null": 10, "quoted": 3, "long": 3}


@dataclass(frozen=True)
class Message:
    number: int
    seed: str
    kind: str
    sender: str                  # as in MAIL FROM, without the brackets
    marks: tuple[str, ...]       # one per recipient: WANTED, REFUSED_...
    domains: tuple[str, ...]

    @property
    def by_sendmail(self) -> bool:
        return self.kind in BY_SENDMAIL

    @cached_property
    def content(self) -> bytes:
        """What is submitted, with CRLF (sendmail: LF); made anew in every process that asks."""
        rng = random.Random(f"{self.seed} content {self.number}")
        body = BODIES[self.kind][1](rng)
        return body if self.kind in ("empty", "no header") else self._header(rng) + body

    def _header(self, rng: random.Random) -> bytes:
        subject = rng.choice([b"number", b"number", "Nummer mit \u00dc".encode(), b"folded\r\n over two lines"])
        lines = [b"From: <sender@sender.example>", b"To: <to@chain.example>", b"Date: Fri, 27 Nov 2026 12:00:00 +0000",
                 b"Message-ID: <%d@sender.example>" % self.number, b"Subject: %b %d" % (subject, self.number),
                 *([b"X-Long: " + b"x" * 1500] if rng.random() < 0.05 else []), b"", b""]
        header = b"\r\n".join(lines)
        return header.replace(b"\r\n", b"\n") if self.by_sendmail else header

    @cached_property
    def checksum(self) -> str:
        return digest(canonical(self.content))

    @cached_property
    def recipients(self) -> tuple[str, ...]:
        return tuple(f"{mark}{self.number:06}-{place}-{self.checksum[:12]}@{domain}"
                     for place, (mark, domain) in enumerate(zip(self.marks, self.domains)))


def weighted(rng: random.Random, shares: dict[str, float]) -> str:
    return rng.choices(list(shares), list(shares.values()))[0]


def message(seed: str, number: int) -> Message:
    """The same for the same seed and number, whatever else was made before."""
    rng = random.Random(f"{seed} message {number}")
    kind = weighted(rng, {name: share for name, (share, _) in BODIES.items()})
    sender = {"ordinary": f"s{number:06}@sender.example", "null": "", "quoted": f'"odd {number}"@sender.example',
              "long": f"{'l' * 50}{number:06}@{'d' * 60}.sender.example"}[weighted(rng, dict(SENDERS))]
    count = rng.choices([1, 2, 3], [92, 6, 2])[0]
    # A content is refused for all recipients or for none: the relays look at the address, but it is the message's fate.
    all_refused = rng.random() < 0.01
    marks = tuple(REFUSED_CONTENT if all_refused else weighted(rng, {WANTED: 98, REFUSED_RECIPIENT: 2})
                  for _ in range(count))
    return Message(number, seed, kind, sender, marks, tuple(rng.choices(DOMAINS, [70, 30])[0] for _ in range(count)))
