"""The base class of the tests that hold the other end of the program's socket themselves."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from support.case import MESSAGE, DeliveryCase, Hop
from support.lmtp_program import LmtpProgram
from support.relays import LIMIT, Connection, Relay, binary_path
from support.runs import environment


class LmtpCase(DeliveryCase):
    def setUp(self) -> None:
        super().setUp()
        # A busy machine must not make a healthy relay look dead: a second one would be tried beside it, and might win.
        self.settings["patience"] = "20s"
        self.messages = 0

    def lmtp_argv(self, *hops: Hop, options: tuple[str, ...] = (), **settings: str) -> list[str]:
        nexthop = ",".join(hop if isinstance(hop, str) else hop.destination for hop in hops)
        pairs = [word for name, value in {**self.settings, **settings}.items() for word in ("-o", f"{name}={value}")]
        return [str(binary_path()), "lmtp", *options, *pairs, "--nexthop", nexthop]

    def lmtp(self, *hops: Hop, **arguments: Any) -> LmtpProgram:
        """The program, after LHLO. Keyword arguments become -o name=value."""
        found = self.greeted(*hops, **arguments)
        found.hello()
        return found

    def greeted(self, *hops: Hop, **arguments: Any) -> LmtpProgram:
        """The program as it starts."""
        found = LmtpProgram(self.lmtp_argv(*hops, **arguments), self.queue)
        self.addCleanup(found.stop)
        return found

    def send(self, program: LmtpProgram, *recipients: str, content: bytes = MESSAGE, **arguments: str) -> list[str]:
        """A message with a queue id of its own; the codes and texts of its replies."""
        self.messages += 1
        arguments.setdefault("queue_id", f"4Q{self.messages}")
        return program.message(*(recipients or ("rcpt@example.net",)), content=content, **arguments)

    def status(self) -> dict[str, Any]:
        """`relaypipe status --json`."""
        pairs = [word for name, value in self.settings.items() for word in ("-o", f"{name}={value}")]
        done = subprocess.run([str(binary_path()), "status", "--json", *pairs], capture_output=True, text=True, timeout=LIMIT,
                              env=environment())
        self.assertEqual((done.returncode, done.stderr), (0, ""), done)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    # -- what came of it ----------------------------------------------------------------------

    def assert_codes(self, replies: list[str], *starts: str) -> None:
        """Each reply begins as said: `250`, `451 4.7.1`."""
        self.assertEqual(len(replies), len(starts), replies)
        for reply, start in zip(replies, starts):
            self.assertTrue(reply.startswith(start), replies)

    def assert_sent(self, replies: list[str], by: Relay) -> None:    # type: ignore[override]
        """All recipients, by that relay's reply to the dot."""
        for reply in replies:
            self.assertTrue(reply.startswith(f"250 2.0.0 {by.name}: 250 "), replies)

    def assert_ends_well(self, program: LmtpProgram) -> None:
        self.assertEqual(program.end(), 0)

    def failures(self) -> list[str]:
        """The log lines of attempts that failed. Ends the log."""
        return [line for line in self.syslog.stop() if "attempt=failed" in line]

    @staticmethod
    def given(relay: Relay) -> list[str]:
        """For whom the relay has accepted a message, each as often as it did."""
        return [recipient for transaction in relay.accepted for recipient in transaction["recipients"]]

    @staticmethod
    def sessions(relay: Relay) -> list[Connection]:
        """Those in which a message was offered."""
        return [each for each in relay.connections if each["transactions"]]
