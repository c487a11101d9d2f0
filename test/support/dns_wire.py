"""Just enough of the DNS wire format (RFC 1035, RFC 3596, RFC 2782) to answer the questions of a test."""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass, field

TYPES = {"A": 1, "CNAME": 5, "MX": 15, "AAAA": 28, "SRV": 33}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
RCODES = {"formerr": 1, "servfail": 2, "nxdomain": 3, "notimp": 4, "refused": 5}
_IN = 1
_RESPONSE, _AUTHORITATIVE, _TRUNCATED = 0x8000, 0x0400, 0x0200
_RECURSION = 0x0180    # desired and available


@dataclass(frozen=True)
class Question:
    ident: int
    name: str    # lower case, without the final dot
    type: str    # "A", or the number as text when it is none of ours
    wire: bytes  # as it was asked, to be repeated in the answer


@dataclass
class Record:
    name: str
    type: str
    data: str    # as in a zone file: `10 mx1.test`, `0 5 587 mail.test`, an address, a name


@dataclass
class Answer:
    rcode: str = ""
    truncated: bool = False
    records: list[Record] = field(default_factory=list)


def parse_question(octets: bytes) -> Question:
    """The first question of a query. Raises ValueError or IndexError on anything that is none."""
    if len(octets) < 12:
        raise ValueError("no header")
    ident, _, count = struct.unpack("!HHH", octets[:6])
    if count != 1:
        raise ValueError("not one question")
    labels, place = [], 12
    while octets[place]:
        length = octets[place]
        labels.append(octets[place + 1:place + 1 + length].decode("ascii").lower())
        place += 1 + length
    number = int.from_bytes(octets[place + 1:place + 3], "big")
    return Question(ident, ".".join(labels), TYPE_NAMES.get(number, str(number)), octets[12:place + 5])


def encode_name(name: str) -> bytes:
    labels = [label.encode("ascii") for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def encode_data(kind: str, data: str) -> bytes:
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(data).packed
    if kind == "CNAME":
        return encode_name(data)
    *numbers, host = data.split()
    if len(numbers) != {"MX": 1, "SRV": 3}[kind]:
        raise ValueError(f"{kind} record: {data!r}")
    return b"".join(struct.pack("!H", int(number)) for number in numbers) + encode_name(host)


def encode_answer(question: Question, answer: Answer) -> bytes:
    flags = _RESPONSE | _AUTHORITATIVE | _RECURSION | RCODES.get(answer.rcode, 0)
    records = [] if answer.truncated else answer.records
    header = struct.pack("!HHHHHH", question.ident, flags | (_TRUNCATED if answer.truncated else 0), 1, len(records), 0, 0)
    body = bytearray(header + question.wire)
    for record in records:
        data = encode_data(record.type, record.data)
        body += encode_name(record.name) + struct.pack("!HHIH", TYPES[record.type], _IN, 60, len(data)) + data
    return bytes(body)
