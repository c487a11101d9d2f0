"""Reads the lines Postfix logs for each delivery."""

from __future__ import annotations

import re
from dataclasses import dataclass

_DELIVERY = re.compile(
    r"postfix/(?P<daemon>\w+)\[\d+\]: (?P<queue_id>[0-9A-Za-z]+): to=<(?P<recipient>[^>]*)>.*? relay=(?P<relay>\S+),"
    r".*? dsn=(?P<dsn>[\d.]+), status=(?P<status>[\w-]+) \((?P<text>.*)\)$",
    re.MULTILINE,
)
# Everything else that logs to= lines here is relaypipe itself, whose journal stands in the same file.
_POSTFIX_DAEMONS = {"pipe", "lmtp", "smtp", "relay", "error", "discard", "bounce", "qmgr", "local", "cleanup"}


@dataclass(frozen=True)
class Delivery:
    """One recipient's result of one delivery attempt, as Postfix saw it."""

    daemon: str
    queue_id: str
    recipient: str
    relay: str
    dsn: str
    status: str
    text: str


def deliveries(log: str) -> list[Delivery]:
    """All delivery results that Postfix's own daemons logged, in order."""
    found = (Delivery(**match.groupdict()) for match in _DELIVERY.finditer(log))
    return [each for each in found if each.daemon in _POSTFIX_DAEMONS]
