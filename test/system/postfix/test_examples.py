"""The two example files as an administrator would paste them."""

from __future__ import annotations

import re

from postfix_case import MESSAGE, PostfixCase
from support.postfix import EXAMPLE_ENTRY, EXAMPLE_TRANSPORT, example_parameters, example_transport


class Examples(PostfixCase):
    def test_postfix_has_nothing_to_say_about_them(self) -> None:
        lab = self.postfix(self.sink())
        self.assertIn("relaypipe", lab.command("postconf", "-M", "relaypipe/unix"))
        lab.command("postfix", "check")
        self.assertEqual(example_parameters()["relaypipe_destination_recipient_limit"], "1")
        warnings = [line for line in lab.log().splitlines() if "warning" in line]
        self.assertEqual(warnings, [])

    def test_every_line_of_the_table_is_found(self) -> None:
        lab = self.postfix(self.sink())
        lines = EXAMPLE_TRANSPORT.read_text().splitlines()
        entries = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
        self.assertGreater(len(entries), 2)
        lab.write_config("table", EXAMPLE_TRANSPORT.read_text())
        for domain, destination in entries:
            found = lab.command("postmap", "-q", domain, f"texthash:{lab.config}/table")
            self.assertEqual(found.strip(), destination)

    def test_names_in_prose_are_those_of_the_entry(self) -> None:
        text = EXAMPLE_ENTRY.read_text()
        self.assertEqual(set(re.findall(r"^#\s+(\w+?)_destination_recipient_limit", text, re.MULTILINE)), {"relaypipe"})
        self.assertRegex(text, r"(?m)^relaypipe unix ")

    def test_client_data_reach_the_program(self) -> None:
        """Every macro of the entry, for mail by SMTP and for local mail, where the client data are empty."""
        lab = self.postfix(program=self.script("cat >/dev/null; printf '<%s>' \"$@\"; exit 75"))
        by_smtp = lab.wait_for_delivery(lab.submit_smtp(MESSAGE, "user@example.com", helo="hello.example")).text
        self.assertIn("<--client-address><127.0.0.1><--client-name><unknown><--client-helo><hello.example>", by_smtp)
        self.assertRegex(by_smtp, r"<--client-port><\d+><--client-protocol><ESMTP><--sasl-username><>")
        local = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com", sender="")).text
        self.assertIn("<--client-address><><--client-name><><--client-helo><><--client-port><>", local)
        self.assertRegex(local, r"<-f><><--><user@example\.com>")


class BackupMx(PostfixCase):
    def test_relay_domains_through_relaypipe(self) -> None:
        """The secondary MX takes mail for its relay_domains from strangers, and no other; a dead relay is passed."""
        first, second = self.refusing(), self.sink()
        line = "#example.net     relaypipe:[primary.example.net]:25,[primary.example.net]:2525"
        parameters = dict(re.findall(r"^#   (relay_domains|smtpd_relay_restrictions) = (.+)$",
                                     EXAMPLE_TRANSPORT.read_text(), re.MULTILINE))
        self.assertEqual(len(parameters), 2)
        transport = example_transport({line: f"example.net relaypipe:{first.destination},{second.destination}"})
        lab = self.postfix(transport=transport, parameters={**parameters, "mynetworks": ""})
        queue_id = lab.submit_smtp(MESSAGE, "user@example.net")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0", second.name)
        with self.assertRaisesRegex(Exception, "Relay access denied"):
            lab.submit_smtp(MESSAGE, "user@elsewhere.example")


