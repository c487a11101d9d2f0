"""The base class of the tests with a real Postfix."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Mapping

from support.case import RelayCase
from support.machine import processes, wait_until
from support.mail_log import Delivery
from support.postfix import PostfixLab
from support.relays import binary_path

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"
# After the death of a daemon master(8) and qmgr(8) would wait a minute before they try again. On a busy machine a healthy
# relay must not look dead, nor an idle session end between two messages.
NO_PENALTY = {"service_throttle_time": "1s", "transport_retry_time": "1s", "message_size_limit": "0",
              "address_verify_map": ""}
PATIENT = ("-o", "patience=20s")


SERVICE = "relaypipe-lmtp"


class LmtpLab(PostfixLab):
    """A Postfix with both front ends: example.com by LMTP, pipe.example by pipe(8), to the same relays."""

    def __init__(self, program: Path, destinations: str, arguments: str, parameters: Mapping[str, str]) -> None:
        super().__init__(program, f"example.com lmtp:unix:private/{SERVICE}\npipe.example relaypipe:{destinations}\n",
                         lmtp={SERVICE: destinations}, arguments=arguments, parameters=parameters)

    def programs(self) -> list[int]:
        """The processes of `relaypipe lmtp` that run for this Postfix; those whose spawn(8) died too."""
        return [pid for pid, _, _ in processes() if self._is_program(pid)]

    def _is_program(self, pid: int) -> bool:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except OSError:    # it ended meanwhile
            return False
        return b"lmtp" in words[1:2] and f"state_directory={self.state}".encode() in words

    def pids_in_log(self) -> set[str]:
        """Of all `relaypipe lmtp` that have logged a verdict."""
        return set(re.findall(r"relaypipe\[(\d+)\]: \w+: to=<[^>]*@example\.com>.*verdict=", self.log()))


class LabCase(RelayCase):
    def setUp(self) -> None:
        super().setUp()
        self.labs: list[LmtpLab] = []

    def lab(self, *hops: Any, options: tuple[str, ...] = (), nexthop: str = "", **parameters: str) -> LmtpLab:
        """A running Postfix. Hops are relays or dead addresses; keyword arguments are lines of main.cf."""
        destinations = nexthop or ",".join(hop.destination for hop in hops)
        found = LmtpLab(binary_path(), destinations, " ".join((*PATIENT, *options)), {**NO_PENALTY, **parameters})
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
