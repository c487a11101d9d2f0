"""The base class of the tests with a real Postfix."""

from __future__ import annotations

from typing import Any

from support.case import RelayCase
from support.lmtp_lab import LmtpLab
from support.machine import wait_until
from support.mail_log import Delivery
from support.relays import binary_path

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"
# After the death of a daemon master(8) and qmgr(8) would wait a minute before they try again. On a busy machine a healthy
# relay must not look dead, nor an idle session end between two messages.
NO_PENALTY = {"service_throttle_time": "1s", "transport_retry_time": "1s", "message_size_limit": "0"}
PATIENT = ("-o", "patience=20s")


class LabCase(RelayCase):
    def setUp(self) -> None:
        super().setUp()
        self.labs: list[LmtpLab] = []

    def lab(self, *hops: Any, options: tuple[str, ...] = (), nexthop: str = "", program: Any = None,
            maxproc: int = 20, **parameters: str) -> LmtpLab:
        """A running Postfix. Hops are relays or dead addresses; keyword arguments are lines of main.cf."""
        destinations = nexthop or ",".join(hop.destination for hop in hops)
        found = LmtpLab(program or binary_path(), destinations, options=(*PATIENT, *options),
                        parameters={**NO_PENALTY, **parameters}, maxproc=maxproc)
        self.labs.append(found)
        return self.enterContext(found)

    def results(self, lab: LmtpLab, queue_id: str, count: int) -> dict[str, Delivery]:
        """The first result of each of so many recipients."""
        lab.wait_for_delivery(queue_id, count)
        found: dict[str, Delivery] = {}
        for each in lab.deliveries(queue_id):
            found.setdefault(each.recipient, each)
        self.assertEqual(len(found), count, found)
        return found

    def flush_until_gone(self, lab: LmtpLab, queue_id: str) -> None:
        """Attempts until Postfix is done with the message."""

        def gone() -> bool:
            if f"{queue_id}: removed" in lab.log():
                return True
            if lab.queued(queue_id) == "deferred":
                lab.flush()
            return False

        wait_until(gone, f"the delivery of {queue_id}")

    def assert_result(self, delivery: Delivery, daemon: str, status: str, dsn: str, text: str = "") -> None:
        self.assertEqual((delivery.daemon, delivery.status, delivery.dsn), (daemon, status, dsn), delivery)
        self.assertIn(text, delivery.text)

    def given(self, relay: Any) -> list[str]:
        return [recipient for transaction in relay.accepted for recipient in transaction["recipients"]]

    def describe_failure(self) -> str:
        """What the reader of a failed test wants to see; called before the labs are gone."""
        found = [lab for lab in self.labs if lab.log_file.exists()]
        return "\n".join("\n".join(lab.log().splitlines()[-60:]) + f"\n{lab.process_tree()}" for lab in found)
