"""Sends one message through a real Postfix whose first relay is dead, and shows on one screen what happened.

Usage: test postfix/show_delivery --binary PATH [--lmtp]     --lmtp: over lmtp(8) and `relaypipe lmtp`

The exit status is 0 only when the second relay has the message and Postfix logged it as sent.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
import textwrap
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from support.postfix import PostfixLab
from support.relays import RefusedPort
from support.smtp_sink import Message, SmtpSink

WIDTH = 80
SENDER, RECIPIENT = "you@sender.example", "friend@example.com"
CONTENT = f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: hello through relaypipe\n\nIt works.\n".encode()


def coloured(code: str, text: str) -> str:
    return f"\033[{code}m{text}\033[0m" if sys.stdout.isatty() else text


def heading(text: str) -> None:
    print(coloured("1", text))


def folded(line: str) -> str:
    """A log line without date and host, in as many screen lines as it takes."""
    text = re.sub(r"^\w+ +\d+ ([\d:]+) (?:lab )?(?=postfix/)", r"\1 ", line)
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="      ", break_long_words=False,
                         break_on_hyphens=False)


def position(line: str) -> int:
    """relaypipe logs by another way than Postfix, so its lines may come late; here they stand where they belong."""
    order = ("/pickup[", "/cleanup[", "(queue active)", "/relaypipe[", "/pipe[", "/lmtp[")
    return next((number for number, mark in enumerate(order) if mark in line), len(order))


@dataclass(frozen=True)
class Shown:
    """Everything the screen needs; taken before Postfix and the relays are gone."""

    entry: str
    transport: str
    log: list[str]
    sent: bool
    messages: list[Message]


def deliver(binary: Path, dead: RefusedPort, alive: SmtpSink, by_lmtp: bool) -> Shown:
    nexthop = f"{dead.destination},{alive.destination}"
    transport = f"example.com  {'lmtp:unix:private/relaypipe-lmtp' if by_lmtp else f'relaypipe:{nexthop}'}"
    with PostfixLab(binary, transport + "\n", lmtp={"relaypipe-lmtp": nexthop} if by_lmtp else None) as lab:
        queue_id = lab.submit(CONTENT, RECIPIENT, sender=SENDER)
        delivery = lab.wait_for_delivery(queue_id)
        lab.wait_for_log(f"relaypipe.*{queue_id}.*verdict=")
        if delivery.status == "sent":
            lab.wait_for_removal(queue_id)
        lines = sorted(lab.log_of(queue_id).splitlines(), key=position)
        entry = lab.lmtp_entries() if by_lmtp else lab.entry()
        return Shown(entry.rstrip(), transport, lines, delivery.status == "sent", alive.messages())


def show(shown: Shown, dead: RefusedPort, alive: SmtpSink) -> None:
    heading("Postfix's master.cf: the entry of master.cf.example with the paths of this run")
    print(textwrap.indent(shown.entry, "  "))
    heading("transport table")
    print(f"  {shown.transport}")
    heading("mail log of the message")
    for line in shown.log:
        text = folded(line)
        print(coloured("32", text) if re.search("status=sent|verdict=sent", text) else text)
    heading("relays")
    print(f"  {dead.destination:20} {coloured('31', 'down')}   refuses connections")
    what = "received nothing"
    if shown.messages:
        subject = message_from_bytes(shown.messages[0].content)["Subject"]
        what = f"received {len(shown.messages)} message: \"{subject}\""
    print(f"  {alive.destination:20} {coloured('32', 'alive')}  {what}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, required=True)
    parser.add_argument("--lmtp", action="store_true")
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("only root may start a Postfix", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    dead, alive = RefusedPort(), SmtpSink()
    try:
        shown = deliver(arguments.binary, dead, alive, arguments.lmtp)
        show(shown, dead, alive)
    finally:
        alive.stop()
        dead.stop()
    worked = shown.sent and len(shown.messages) == 1
    print(coloured("1;32", "The second relay took the message.") if worked else coloured("1;31", "It did NOT work."))
    return 0 if worked else 1


if __name__ == "__main__":
    sys.exit(main())
