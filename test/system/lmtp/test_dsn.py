"""DSN (RFC 3461): announced where every relay is known to offer it, and handed on to a relay that does."""

from __future__ import annotations

from lmtp_case import LmtpCase
from support.case import each
from support.relays import Relay

GOOD, LATER = "good@example.net", "later@example.net"
WITH, WITHOUT = "offer +DSN", ""


class DsnTest(LmtpCase):
    MAIL, RCPT = "RET=HDRS ENVID=QQ314159", "NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;rcpt@example.net"

    def dsn_lines(self, offer: str) -> list[str]:
        relay = self.relay(offer)
        program = self.lmtp(relay)
        self.assert_sent(self.send(program, GOOD, mail=self.MAIL, rcpt=self.RCPT), by=relay)
        self.assert_ends_well(program)
        return [line for line in relay.connections[0].lines if line.startswith(("MAIL", "RCPT"))]

    def test_handed_on(self) -> None:
        mail, rcpt = self.dsn_lines("offer +DSN")
        self.assertTrue(mail.endswith(f" {self.MAIL}"), mail)
        self.assertEqual(rcpt, f"RCPT TO:<{GOOD}> {self.RCPT}")

    def test_not_to_one_that_does_not_offer_it(self) -> None:
        mail, rcpt = self.dsn_lines("")
        self.assertNotIn("RET", mail)
        self.assertEqual(rcpt, f"RCPT TO:<{GOOD}>")

    def test_each_recipient_has_its_own(self) -> None:
        first, second = self.relay("offer +DSN\non rcpt to later@*: reply 451 4.3.0 not now"), self.relay("offer +DSN")
        program = self.lmtp(first, second)
        program.say("MAIL FROM:<a@example.org> ENVID=one", f"RCPT TO:<{GOOD}> NOTIFY=NEVER",
                    f"RCPT TO:<{LATER}> NOTIFY=DELAY", "DATA")
        self.assert_codes(program.replies(4), "250 ", "250 ", "250 ", "354 ")
        program.send(b"Subject: x\r\n\r\nx\r\n.\r\n")
        self.assert_codes(program.replies(2), f"250 2.0.0 {first.name}", f"250 2.0.0 {second.name}")
        self.assertIn(f"RCPT TO:<{GOOD}> NOTIFY=NEVER", first.connections[0].lines)
        self.assertIn(f"RCPT TO:<{LATER}> NOTIFY=DELAY", second.connections[0].lines)


class AnnouncedTest(LmtpCase):
    """What a relay offered in its last session; Postfix asks once in each connection."""

    def announces(self, *relays: Relay) -> bool:
        return "250-DSN" in self.greeted(*relays).hello()

    def know(self, *relays: Relay) -> None:
        for relay in relays:
            self.assert_sent(self.send(self.lmtp(relay)), by=relay)

    @each({"one": ((WITH,), True), "none": ((WITHOUT,), False), "all": ((WITH, WITH), True),
           "some": ((WITH, WITHOUT), False)})
    def test_when_they_are_known(self, offers: tuple[str, ...], expected: bool) -> None:
        relays = [self.relay(offer) for offer in offers]
        self.assertFalse(self.announces(*relays))
        self.know(*relays)
        self.assertEqual(self.announces(*relays), expected)

    def test_one_is_not_known(self) -> None:
        known, other = self.relay(WITH), self.relay(WITH)
        self.know(known)
        self.assertFalse(self.announces(known, other))

    def test_not_without_state(self) -> None:
        relay = self.relay(WITH)
        self.know(relay)
        self.settings["state"] = "no"
        self.assertFalse(self.announces(relay))
