"""The base class of the Postfix tests."""

from __future__ import annotations

import os
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any, Mapping

from support.mail_log import Delivery
from support.postfix import REPOSITORY, PostfixLab, example_transport
from support.relays import RefusedPort, Relay
from support.smtp_sink import SmtpSink

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"
FIRST, SECOND = "[mail1.example.com]:587", "[mail2.example.com]:587"


class PostfixCase(unittest.TestCase):
    """Postfix, relays and files that vanish at the end of the test, whatever happened in it."""

    def setUp(self) -> None:
        self.binary = Path(os.environ.get("RELAYPIPE") or REPOSITORY / "build" / "relaypipe").absolute()
        self.directory = Path(tempfile.mkdtemp(prefix="relaypipe-test-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.labs: list[PostfixLab] = []
        self._journals = 0

    def sink(self, *options: str) -> SmtpSink:
        found = SmtpSink(*options)
        self.addCleanup(found.stop)
        return found

    def scripted(self, dialogue: str = "") -> Relay:
        """A relay that plays the given dialogue; support/scripted_relay/server.py tells the words."""
        self._journals += 1
        found = Relay(dialogue, self.directory / f"journal-{self._journals}")
        self.addCleanup(found.stop)
        return found

    def refusing(self) -> RefusedPort:
        """A relay that is down: connections are refused."""
        found = RefusedPort()
        self.addCleanup(found.stop)
        return found

    def script(self, text: str) -> Path:
        """A shell script in the place of relaypipe."""
        path = self.directory / "script"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def postfix(
        self,
        *relays: Any,
        transport: str | None = None,
        program: Path | None = None,
        parameters: Mapping[str, str] | None = None,
        entry_edits: Mapping[str, str] | None = None,
        arguments: str = "",
    ) -> PostfixLab:
        """A running Postfix in which transport.example sends example.com to these relays, in this order."""
        first, second = [relay.destination for relay in (*relays, *relays)][:2] if relays else (FIRST, SECOND)
        both = f"{FIRST},{SECOND}"
        nexthop = first if len(relays) == 1 else f"{first},{second}"
        lab = PostfixLab(
            program or self.binary,
            transport or example_transport({both: nexthop}),
            parameters=parameters,
            entry_edits=entry_edits,
            arguments=arguments,
        )
        self.labs.append(lab)
        return self.enterContext(lab)

    def assert_delivery(self, delivery: Delivery, status: str, dsn: str, text: str = "") -> None:
        self.assertEqual((delivery.status, delivery.dsn), (status, dsn), delivery)
        self.assertIn(text, delivery.text)

    def describe_failure(self) -> str:
        """What the reader of a failed test wants to see; called before the labs are gone."""
        found = [lab for lab in self.labs if lab.log_file.exists()]
        return "\n".join("\n".join(lab.log().splitlines()[-60:]) + f"\n{lab.process_tree()}" for lab in found)
