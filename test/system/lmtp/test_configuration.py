"""The configuration is read again when its files have changed, between two messages of one process."""

from __future__ import annotations

import os
import time

from lmtp_case import LmtpCase
from support.case import each
from support.lmtp_program import LmtpProgram
from support.relays import Relay

BROKEN = {"syntax": ("[relay.one\n",), "unknown_key": ("[chain.outbound]\ntierz = []\n",), "empty": ("",),
          "no_such_relay": ('[chain.outbound]\ntiers = [["two"]]\n',)}


class ConfigurationTest(LmtpCase):
    def setUp(self) -> None:
        super().setUp()
        self.config = self.directory / "relaypipe.toml"
        # A time of the past: two versions within one tick of the clock differ by their sizes or numbers alone.
        self.past = time.time() - 1000

    def write(self, text: str) -> None:
        """As an editor or a package does it: a new file over the old one."""
        new = self.directory / "new.toml"
        new.write_text(text)
        new.chmod(0o644)
        os.utime(new, (self.past, self.past))
        new.rename(self.config)

    def write_in_place(self, text: str) -> None:
        self.config.write_text(text)
        self.config.chmod(0o644)

    def chain(self, relay: Relay, more: str = "") -> str:
        return f'[relay.one]\ndestination = "{relay.destination}"\n{more}[chain.outbound]\ntiers = [["one"]]\n'

    def start(self) -> LmtpProgram:    # type: ignore[override]
        return self.lmtp("outbound", options=("--config", str(self.config)))

    def test_another_relay(self) -> None:
        old, new = self.relay(), self.relay()
        self.write(self.chain(old))
        program = self.start()
        self.assert_sent(self.send(program), by=old)
        self.write(self.chain(new))
        self.assert_sent(self.send(program), by=new)
        old.wait_for("quit")    # its session is not kept for nobody
        self.assert_ends_well(program)
        self.assertEqual((len(old.accepted), len(new.accepted)), (1, 1))

    def test_written_in_place(self) -> None:
        old, new = self.relay(), self.relay()
        self.write(self.chain(old))
        program = self.start()
        self.assert_sent(self.send(program), by=old)
        self.write_in_place(self.chain(new))
        self.assert_sent(self.send(program), by=new)

    def test_a_setting(self) -> None:
        relay = self.relay()
        self.write(self.chain(relay))
        program = self.start()
        self.assert_sent(self.send(program), by=relay)
        self.write(self.chain(relay, "session_messages = 1\n"))
        for _ in range(2):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        self.assertEqual([len(each["transactions"]) for each in relay.connections], [1, 1, 1])

    def test_touched_alone(self) -> None:
        """The same text again is the same configuration; sessions may go, messages may not."""
        relay = self.relay()
        self.write(self.chain(relay))
        program = self.start()
        for _ in range(3):
            self.assert_sent(self.send(program), by=relay)
            self.write(self.chain(relay))

    def test_nothing_changed(self) -> None:
        relay = self.relay()
        self.write(self.chain(relay))
        program = self.start()
        for _ in range(3):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.connections), 1)

    @each(BROKEN)
    def test_broken_and_put_right(self, text: str) -> None:
        relay = self.relay()
        self.write(self.chain(relay))
        program = self.start()
        self.assert_sent(self.send(program), by=relay)
        self.write(text)
        to = ("a@example.net", "b@example.net")
        for _ in range(2):
            self.assert_codes(self.send(program, *to), "451 4.3.5 ", "451 4.3.5 ")
        self.assert_codes(program.probe("a@example.net"), "451 4.3.5 ")
        self.write(self.chain(relay))
        self.assert_sent(self.send(program, *to), by=relay)
        self.assert_ends_well(program)
        self.assertTrue(any("4.3.5" in line for line in self.syslog.stop()))

    @each(BROKEN)
    def test_broken_from_the_start(self, text: str) -> None:
        relay = self.relay()
        self.write(text)
        program = self.start()
        self.assert_codes(self.send(program), "451 4.3.5 ")
        self.write(self.chain(relay))
        self.assert_sent(self.send(program), by=relay)

    def test_removed_and_there_again(self) -> None:
        relay = self.relay()
        self.write(self.chain(relay))
        program = self.start()
        self.assert_sent(self.send(program), by=relay)
        self.config.unlink()
        self.assert_codes(self.send(program), "451 4.3.5 ")
        self.write(self.chain(relay))
        self.assert_sent(self.send(program), by=relay)

    def test_changed_while_a_message_comes(self) -> None:
        """It goes where the configuration led when it began."""
        old, new = self.relay(), self.relay()
        self.write(self.chain(old))
        program = self.start()
        program.begin("a@example.net", queue_id="4QSLOW")
        program.send(b"Subject: slow\r\n\r\nHello.\r\n")
        old.wait_for("ehlo")
        self.write(self.chain(new))
        program.send(b".\r\n")
        self.assert_sent([program.reply()], by=old)
        self.assert_sent(self.send(program), by=new)

    def test_recipients_of_two_chains(self) -> None:
        one, two = self.relay(), self.relay("on rcpt to bad@*: reply 550 5.1.1 no such user")
        self.write(f'[relay.one]\ndestination = "{one.destination}"\n[relay.two]\ndestination = "{two.destination}"\n'
                   '[chain.outbound]\ntiers = [["one"]]\nby_recipient = { "@two.example" = "other" }\n'
                   '[chain.other]\ntiers = [["two"]]\n')
        replies = self.send(self.start(), "a@one.example", "bad@two.example", "b@one.example", "c@two.example")
        self.assert_codes(replies, f"250 2.0.0 {one.name}", "550 5.1.1 ", f"250 2.0.0 {one.name}", f"250 2.0.0 {two.name}")
        self.assertEqual((self.given(one), self.given(two)), (["a@one.example", "b@one.example"], ["c@two.example"]))

    def test_a_password_file(self) -> None:
        """A new password is used for the next session, and one that was opened with the old one is not taken."""
        relay = self.relay("auth PLAIN")
        secret = self.directory / "secret"
        secret.write_text("old\n")
        secret.chmod(0o600)
        self.write(self.chain(relay, f'username = "u"\npassword_file = "{secret}"\n'
                                     'allow_plaintext_auth = "127.0.0.1"\ntls = "none"\n'))
        program = self.start()
        for _ in range(2):
            self.assert_sent(self.send(program), by=relay)
        secret.write_text("another\n")
        self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        used = [login["secret"] for session in relay.connections for login in session["logins"]]
        self.assertEqual(used, ["old", "another"])


class CommandLineTest(LmtpCase):
    @each({"unknown_setting": (("-o", "no_such_setting=1"),), "unknown_option": (("--no-such-option",),),
           "bad_value": (("-o", "session_messages=none"),)})
    def test_a_mistake_defers(self, options: tuple[str, ...]) -> None:
        """It greets and answers: Postfix would throttle a service that does not."""
        program = self.lmtp(self.relay(), options=options)
        self.assert_codes(self.send(program, "a@example.net", "b@example.net"), "451 4.3.5 ", "451 4.3.5 ")
        self.assert_codes(program.probe("a@example.net"), "451 4.3.5 ")
        self.assert_ends_well(program)

    @each({"bracket": ("[127.0.0.1",), "service": ("[127.0.0.1]:noservice",), "empty": ("",)})
    def test_a_bad_nexthop_defers(self, nexthop: str) -> None:
        program = self.lmtp(nexthop)
        self.assert_codes(self.send(program), "451 4.3.5 ")
        self.assert_ends_well(program)
