"""What a chaos run left behind: the relays' journals, Postfix's and relaypipe's log, the record of the troubles."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Iterable, Mapping

from messages import Message
from support.mail_log import deliveries
from troubles import Trouble

_OWN = re.compile(r"postfix/relaypipe\[\d+\]: \S+: to=<([^>]*)>, .*?\b(attempt|verdict)=(\w+)")
# After `no reply (timed out)`, or whatever an HTTPS interface said instead of a receipt.
_UNCONFIRMED = re.compile(r"to=<([^>]*)>.* from [^ \[]*\[[^]]*\]:(\d+) while sending end of data")
_SPAWN = re.compile(r"postfix/spawn\[\d+\]: warning: command \S+ (exit status \d+|killed by signal \d+)$", re.MULTILINE)
_TO = re.compile(r"postfix/\w+\[\d+\]: (\w+): to=<([^>]*)>")
_DEATH = re.compile(r"^(\w+ +\d+ [\d:]+) .*to=<([^>]*)>.* \(Command (died with (?:signal|status) \d+|time limit exceeded)",
                    re.MULTILINE)


@dataclass(frozen=True)
class Copy:
    """One final dot that a relay read."""

    relay: str
    session: int
    fault: str
    connected: float         # in a session that was kept: its MAIL
    left: float              # when the client was gone or said something else, as far as the relay could see
    mail: float
    data: float              # the 354 reply
    dot: float
    sender: str
    recipients: tuple[str, ...]
    checksum: str
    accepted: bool
    confirmed: bool          # the reply to the dot left while the client was there, which said something after it


@dataclass(frozen=True)
class Death:
    """What Postfix says of a delivery that came to no end, and the second in which it does."""

    what: str
    at: float


@dataclass
class Evidence:
    messages: list[Message]
    copies: list[Copy]
    troubles: list[Trouble]
    left_in_queue: int = 0
    sent: dict[str, int] = field(default_factory=lambda: defaultdict(int))        # by recipient, from Postfix's log
    bounced: dict[str, str] = field(default_factory=dict)                          # recipient: the text
    deferred: int = 0
    deaths: dict[str, list[Death]] = field(default_factory=lambda: defaultdict(list))
    unconfirmed: set[tuple[str, str]] = field(default_factory=set)                # recipient and relay, from both logs
    sessions: int = 0
    spawn: list[str] = field(default_factory=list)                                # the deaths that spawn(8) tells of
    bare: int = 0            # CR or LF on the wire that were no CRLF
    faults: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def read_log(self, log: str, relays: Mapping[str, str]) -> None:
        """`relays`: their names by port."""
        for found in _UNCONFIRMED.finditer(log):
            self.unconfirmed.add((found[1], relays[found[2]]))
        for found in _SPAWN.finditer(log):
            self.spawn.append(found[1])
        self._name_victims(log)
        for each in deliveries(log):
            if each.status == "sent" and each.daemon in ("pipe", "lmtp"):
                self.sent[each.recipient] += 1
            elif each.status in ("bounced", "expired"):
                self.bounced[each.recipient] = f"{each.dsn} {each.text}"
            self.deferred += each.status == "deferred"
        for found in _DEATH.finditer(log):
            written = time.strptime(f"{time.localtime().tm_year} {found[1]}", "%Y %b %d %H:%M:%S")
            self.deaths[found[2]].append(Death(found[3], time.mktime(written)))
        for found in _OWN.finditer(log):
            if found[2] == "verdict" and found[3] == "bounced":    # Postfix's own line may be lost in a stop
                self.bounced.setdefault(found[1], found[0])

    def _name_victims(self, log: str) -> None:
        """Of a message that came by LMTP the kernel knows no more than the queue id."""
        recipients: dict[str, set[str]] = defaultdict(set)
        for queue_id, recipient in _TO.findall(log):
            recipients[queue_id].add(recipient)
        for trouble in self.troubles:
            for victim in trouble.victims:
                victim.recipients = victim.recipients or sorted(recipients[victim.queue_id])

    def read_sessions(self, rows: Iterable[dict[str, Any]]) -> None:
        for row in rows:
            self.sessions += 1
            self.bare += row["bare"]
            self.faults[row["fault"] or "none"] += 1
            self.copies += [copy_of(row, dot) for dot in row["dots"]]


def copy_of(row: dict[str, Any], dot: dict[str, Any]) -> Copy:
    left = min(row["gone"] or row["ended"], row["ended"], dot.get("next", row["ended"]))
    begun = dot["mail"] if dot["kept"] else row["connected"]
    return Copy(row["relay"], row["session"], row["fault"], begun, left, dot["mail"], dot["data"],
                dot["dot"], dot["sender"], tuple(dot["recipients"]), dot["checksum"], dot["accepted"],
                dot["replied"] is not None and "next" in dot)
