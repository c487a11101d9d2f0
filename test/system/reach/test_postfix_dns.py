"""A real Postfix and a real DNS server: relays by MX from transport_maps, and the backup MX of the Postfix documentation.

All in a network namespace with a resolv.conf of its own, so that port 53 and port 25 are what they are outside.
"""

from __future__ import annotations

import re
import smtplib
from typing import Any

from reach_case import WorldCase
from support import networks
from support.case import MESSAGE, each
from support.dns import Dnsmasq
from support.postfix import EXAMPLE_TRANSPORT, PostfixLab
from support.relays import Relay, binary_path

PRIMARY, SECOND, BACKUP, OUTER = "198.51.100.1", "198.51.100.2", networks.OWN, "198.51.100.9"
NAMES = f"""
    local=/example.net/
    local=/example.com/
    host-record=mx1.example.net,{PRIMARY}
    host-record=mx2.example.net,{SECOND}
    host-record=primary.example.net,{PRIMARY}
    host-record=backup.example.net,{BACKUP}
    host-record=outer.example.net,{OUTER}
    dns-rr=null.test,15,000000
"""


class PostfixDns(WorldCase):
    def setUp(self) -> None:
        super().setUp()
        networks.replace_file("/etc/resolv.conf", self.directory, "nameserver 127.0.0.1\n")
        self.port = 25

    def world(self, transport: str, *mx: str, arguments: str = "", **parameters: str) -> PostfixLab:
        """MX records as `example.net mx1 10`, and a running Postfix with this transport table."""
        records = [f"mx-host={m.split()[0]},{m.split()[1]}.example.net,{m.split()[2]}" for m in mx]
        self.addCleanup(Dnsmasq(self.directory, "\n".join([NAMES, *records]), port=53).stop)
        self.lab: PostfixLab = self.enterContext(
            PostfixLab(binary_path(), transport, parameters=parameters, arguments=arguments))
        return self.lab

    def delivery(self, recipient: str, count: int = 1) -> Any:
        """Sends a message and returns what Postfix logged for it."""
        self.queue_id = self.lab.submit(MESSAGE, recipient)
        return self.lab.wait_for_delivery(self.queue_id, count)

    def assert_sent(self, delivery: Any, by: Relay, host: str) -> None:    # type: ignore[override]
        self.assertEqual((delivery.daemon, delivery.status, delivery.dsn), ("pipe", "sent", "2.0.0"), delivery)
        self.assertIn(f"{host}[{by.host}]:{by.port}: 250 ", delivery.text)
        self.lab.wait_for_queue(self.queue_id, "")
        self.assertEqual(len(by.accepted), 1)

    def assert_waits(self, delivery: Any, dsn: str, words: str) -> None:
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", dsn), delivery)
        self.assertIn(words, delivery.text)
        self.lab.wait_for_queue(self.queue_id, "deferred")


class Names(PostfixDns):
    def test_domain_in_the_table_is_found_by_mx(self) -> None:
        self.world("example.com relaypipe:example.net\n", "example.net mx1 10", "example.net mx2 20")
        best, _ = self.host(PRIMARY), self.host(SECOND)
        self.assert_sent(self.delivery("user@example.com"), best, "mx1.example.net")

    def test_next_mx_when_the_best_is_down(self) -> None:
        self.world("example.com relaypipe:example.net\n", "example.net mx1 10", "example.net mx2 20")
        second = self.host(SECOND)
        delivery = self.delivery("user@example.com")
        self.assert_sent(delivery, second, "mx2.example.net")
        self.assertIn("; tried mx1.example.net: ", delivery.text)

    def test_name_in_brackets_and_port(self) -> None:
        self.world("example.com relaypipe:[typo.example.net]:2525,[mx2.example.net]:2525\n")
        second = self.host(SECOND, port=2525)
        self.assert_sent(self.delivery("user@example.com"), second, "mx2.example.net")

    def test_recipients_own_domain(self) -> None:
        """`relaypipe:` without a nexthop: Postfix fills in the domain of the recipient."""
        self.world("* relaypipe:\n", "example.com mx1 10")
        best = self.host(PRIMARY)
        self.assert_sent(self.delivery("user@example.com"), best, "mx1.example.net")

    @each({"null_mx": ("null.test", "5.1.10", "does not accept mail (nullMX)"),
           "no_such_domain": ("typo.test", "5.1.2", "Host or domain name not found")})
    def test_recipients_own_domain_takes_no_mail(self, domain: str, dsn: str, words: str) -> None:
        self.world("* relaypipe:\n")
        delivery = self.delivery(f"user@{domain}")
        self.assertEqual((delivery.status, delivery.dsn), ("bounced", dsn), delivery)
        self.assertIn(words, delivery.text)

    @each({"null_mx": ("null.test",), "typo": ("typo.test",), "typo_in_brackets": ("[typo.test]:587",)})
    def test_configured_relay_of_that_kind_never_bounces(self, relay: str) -> None:
        self.world(f"example.com relaypipe:{relay}\n")
        delivery = self.delivery("user@example.com")
        self.assertEqual(delivery.status, "deferred", delivery)
        self.assertTrue(delivery.dsn.startswith("4."), delivery)

    def test_first_name_unknown_and_first_address_dead(self) -> None:
        """The promise in one test: DNS is wrong, then a black hole, then the relay has it."""
        self.world(f"example.com relaypipe:[typo.example.net],[{networks.NOWHERE[0]}]:25,example.net\n", "example.net mx2 10")
        good = self.host(SECOND)
        self.assert_sent(self.delivery("user@example.com"), good, "mx2.example.net")


class BackupMx(PostfixDns):
    """Postfix's STANDARD_CONFIGURATION_README, "backup MX", with relaypipe in the place of relay."""

    MX = ("example.net primary 10", "example.net backup 20", "example.net mx2 30")

    def example(self, transport: str, mx: tuple[str, ...] = MX, **arguments: str) -> None:
        """main.cf as transport.example tells; strangers send mail, nobody is in mynetworks."""
        found = dict(re.findall(r"^#   (relay_domains|relay_recipient_maps|smtpd_relay_restrictions) = (.+)$",
                                EXAMPLE_TRANSPORT.read_text(), re.MULTILINE))
        self.assertEqual(found.pop("relay_recipient_maps"), "texthash:/etc/postfix/relay_recipients")
        self.assertEqual(len(found), 2)
        recipients = self.directory / "relay_recipients"
        recipients.write_text("user@example.net x\n")
        self.world(transport, *mx, mynetworks="", relay_recipient_maps=f"texthash:{recipients}", **found, **arguments)

    def mail(self, recipient: str = "user@example.net") -> Any:
        self.queue_id = self.lab.submit_smtp(MESSAGE, recipient)
        return self.lab.wait_for_delivery(self.queue_id)

    @staticmethod
    def line_of_the_example() -> str:
        pattern = re.compile(r"^#(example\.net\s+relaypipe:\[primary\.example\.net\].*)$", re.MULTILINE)
        found = pattern.search(EXAMPLE_TRANSPORT.read_text())
        assert found, "the line of the backup MX is not in transport.example"
        return found[1] + "\n"

    def test_primary_by_address(self) -> None:
        self.example(self.line_of_the_example())
        primary = self.host(PRIMARY)
        self.assert_sent(self.mail(), primary, "primary.example.net")

    def test_second_way_in(self) -> None:
        self.example(self.line_of_the_example())
        other_port = self.host(PRIMARY, port=2525)
        self.assert_sent(self.mail(), other_port, "primary.example.net")

    def test_primary_down_then_up(self) -> None:
        """What a backup MX is for: the mail waits, and goes when the primary is back and has had its rest."""
        self.example(self.line_of_the_example(), arguments="-o cool_down=1s -o cool_down_max=1s")
        self.assert_waits(self.mail(), "4.4.1", "Connection refused")
        primary = self.host(PRIMARY)
        for attempt in range(2, 60):
            self.lab.wait_for_queue(self.queue_id, "deferred")
            self.lab.flush()
            if self.lab.wait_for_delivery(self.queue_id, attempt).status == "sent":
                break
        self.assert_sent(self.lab.deliveries(self.queue_id)[-1], primary, "primary.example.net")

    @each({"unknown_recipient": ("nobody@example.net", "User unknown"),
           "other_domain": ("user@example.com", "Relay access denied")})
    def test_what_a_stranger_may_not_send(self, recipient: str, words: str) -> None:
        self.example(self.line_of_the_example())
        with self.assertRaisesRegex(smtplib.SMTPRecipientsRefused, words):
            self.lab.submit_smtp(MESSAGE, recipient)

    def test_by_mx(self) -> None:
        """The nexthop is the domain itself; this machine is one of its MX hosts and knows it."""
        self.example("example.net relaypipe:example.net\n", self.MX)
        primary, mine, worse = self.host(PRIMARY), self.host(BACKUP), self.host(SECOND)
        self.assert_sent(self.mail(), primary, "primary.example.net")
        for relay in (mine, worse):
            self.assert_dialled(relay, 0)

    @each({"example": ("example.net relaypipe:example.net\n",), "no_nexthop": ("example.net relaypipe:\n",)})
    def test_by_mx_with_the_primary_down(self, transport: str) -> None:
        """Neither to ourselves nor to those behind us."""
        self.example(transport, self.MX)
        mine, worse = self.host(BACKUP), self.host(SECOND)
        self.assert_waits(self.mail(), "4.4.1", f"primary.example.net[{PRIMARY}]:25: Connection refused")
        for relay in (mine, worse):
            self.assert_dialled(relay, 0)

    def test_by_mx_behind_a_nat(self) -> None:
        """The record holds the outer address; proxy_addresses is what Postfix calls proxy_interfaces."""
        mx = ("example.net primary 10", "example.net outer 20", "example.net mx2 30")
        self.example("example.net relaypipe:example.net\n", mx, arguments=f"-o proxy_addresses={OUTER}")
        mine, worse = self.host(OUTER), self.host(SECOND)
        self.assert_waits(self.mail(), "4.4.1", f"primary.example.net[{PRIMARY}]:25: Connection refused")
        for relay in (mine, worse):
            self.assert_dialled(relay, 0)

    def test_by_mx_when_this_machine_is_the_best(self) -> None:
        """Postfix would bounce it (5.4.6); a fault of the configuration must not."""
        self.example("example.net relaypipe:example.net,[mx2.example.net]\n", ("example.net backup 10", "example.net mx2 20"))
        mine, other = self.host(BACKUP), self.host(SECOND)
        self.assert_waits(self.mail(), "4.4.6", "mail for example.net loops back to myself")
        for relay in (mine, other):
            self.assert_dialled(relay, 0)

    def test_by_mx_without_a_primary(self) -> None:
        self.example("example.net relaypipe:example.net,[mx2.example.net]\n", ("example.net gone 10", "example.net backup 20"))
        mine, other = self.host(BACKUP), self.host(SECOND)
        self.assert_waits(self.mail(), "4.4.4", "unable to find primary relay for example.net")
        for relay in (mine, other):
            self.assert_dialled(relay, 0)
