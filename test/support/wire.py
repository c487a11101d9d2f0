"""What the content must look like on the wire, and how Postfix counts a message: the measure for the tests.

Written line by line from the rules, without regard to speed, so that it shares no cleverness with the program.
"""

from __future__ import annotations

from typing import Iterator

MIB = 1 << 20
LINE_LENGTH_LIMIT = 998
RECORD_LIMIT = 2048    # Postfix's line_length_limit: longer lines are stored as several queue file records


def stream(octets: int) -> Iterator[bytes]:
    """A message of about that size that never stands in this process's memory as a whole."""
    yield b"From: a@example.org\nSubject: large\n\n"
    block = (b"0123456789" * 7 + b"\n") * 1000
    for _ in range(octets // len(block)):
        yield block


def lines_of(message: bytes) -> list[bytes]:
    """Lines without their ends. LF ends a line, CRLF too; a missing last LF is as if it were there."""
    if not message:
        return []
    body = message[:-1] if message.endswith(b"\n") else message
    return [line[:-1] if line.endswith(b"\r") else line for line in body.split(b"\n")]


def fold(line: bytes, limit: int) -> list[bytes]:
    """A long line as output lines: the continued ones begin with a blank, which counts."""
    if not limit or len(line) <= limit:
        return [line]
    folded = [line[:limit]]
    rest = line[limit:]
    while rest:
        folded.append(b" " + rest[: limit - 1])
        rest = rest[limit - 1:]
    return folded


def wire_form(message: bytes, limit: int = LINE_LENGTH_LIMIT) -> bytes:
    """The octets between the 354 reply and the final `.CRLF`."""
    out = bytearray()
    for line in lines_of(message):
        for part in fold(line.replace(b"\r", b" "), limit):
            stuffed = b"." + part if part.startswith(b".") else part
            out += stuffed + b"\r\n"
    return bytes(out)


def record_size(length: int) -> int:
    """A queue file record: type octet, length in base 128, data."""
    octets = 1
    while length >= 128 ** octets:
        octets += 1
    return 1 + octets + length


def postfix_size(message: bytes) -> int:
    """The ${size} that pipe(8) passes for an unedited message that arrives on stdin as these octets.

    In the body a full record is written as soon as it is full, so a line of just a multiple of the record length has
    an empty record behind it; header lines are joined before they are written. Both seen on Postfix 3.7.
    """
    total = 0
    in_header = True
    for line in message.split(b"\n")[:-1]:
        in_header = in_header and line != b""
        while len(line) > RECORD_LIMIT or (len(line) == RECORD_LIMIT and not in_header):
            total += record_size(RECORD_LIMIT)
            line = line[RECORD_LIMIT:]
        total += record_size(len(line))
    return total


def sample(octets: int, line_length: int = 76) -> bytes:
    """A plain message of exactly that many octets, every line distinguishable from every other."""
    head = b"From: a@example.org\nSubject: sample\n\n"
    assert octets > len(head) + line_length
    lines = [head]
    room = octets - len(head)
    number = 0
    while room:
        length = min(line_length, room - 1)
        if 0 < room - 1 - length < 2:
            length -= 2    # never leave an odd octet behind
        lines.append((b"%08d " % number * (length // 9 + 1))[:length] + b"\n")
        room -= length + 1
        number += 1
    return b"".join(lines)
