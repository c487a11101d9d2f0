"""A full queue that begins to move at one moment: messages are held as they come in, and then released together."""

from __future__ import annotations

from typing import Mapping

from support.machine import wait_until
from support.postfix import PostfixLab

CONCURRENCY = 20
# qmgr(8) starts with the whole concurrency.
PARAMETERS: Mapping[str, str] = {
    "smtpd_recipient_restrictions": "static:HOLD, permit_mynetworks, reject",
    "default_destination_concurrency_limit": str(CONCURRENCY),
    "initial_destination_concurrency": str(CONCURRENCY),
    "transport_retry_time": "1s",
    "local_header_rewrite_clients": "",
}


def fill(lab: PostfixLab, messages: int, recipient: str, octets: int = 2000, recipients: int = 1) -> None:
    """So many for 1NAME, 2NAME and so on, where NAME is the recipient; each for so many of these. Ends when all of them
    are held."""
    several = ["-r", str(recipients)] if recipients > 1 else ["-N"]
    lab._run("smtp-source", "-s", "5", "-m", str(messages), *several, "-l", str(octets), "-f",
             "sender@sender.example", "-t", recipient, f"127.0.0.1:{lab.port}")
    hold = lab.queue / "hold"
    wait_until(lambda: sum(1 for each in hold.rglob("*") if each.is_file()) == messages, "a full queue")


def release(lab: PostfixLab) -> None:
    """What is held waits for the next flush()."""
    lab.command("postsuper", "-H", "ALL")
