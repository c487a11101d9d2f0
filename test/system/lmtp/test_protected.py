"""Kept sessions with TLS and AUTH: opened once, and nobody's but those of the same account and protection."""

from __future__ import annotations

from lmtp_case import LmtpCase
from support.case import each
from support.certificates import Authority
from support.lmtp_program import LmtpProgram
from support.relays import Relay


class ProtectedTest(LmtpCase):
    def setUp(self) -> None:
        super().setUp()
        authority = Authority(self.directory)
        self.trusted = authority.file
        self.certificate = authority.certificate("127.0.0.1", "relay.test")

    def secured(self, word: str = "starttls", script: str = "auth PLAIN") -> Relay:
        return self.relay(f"{word} {self.certificate}\n{script}")

    def begin(self, relay: Relay, keys: str, prefix: str = "") -> LmtpProgram:
        """The program with a configuration file in which the relay has these keys."""
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{prefix}{relay.destination}"\n{keys}\n'
                          f'tls_ca_file = "{self.trusted}"\n[chain.outbound]\ntiers = [["one"]]\n')
        config.chmod(0o644)
        return self.lmtp("outbound", options=("--config", str(config)))

    def file(self, name: str, text: str) -> str:
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    @each({"starttls": ("starttls", ""), "implicit": ("smtps", "smtps:")})
    def test_opened_once(self, word: str, prefix: str) -> None:
        relay = self.secured(word)
        secret = self.file("secret", "s3cret\n")
        program = self.begin(relay, f'username = "u"\npassword_file = "{secret}"', prefix)
        for _ in range(5):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        (session,) = relay.connections
        self.assertTrue(session["tls"].startswith("TLSv1."), session["tls"])
        self.assertEqual([(login["user"], login["encrypted"]) for login in session["logins"]], [("u", True)])
        self.assertEqual((len(relay.accepted), session["quit"]), (5, True))
        self.assertEqual(sum("verdict=sent" in line for line in self.syslog.stop()), 5)

    def test_the_account_of_the_sender(self) -> None:
        """Messages of one sender never leave in a session of another one's account."""
        relay = self.secured()
        accounts = self.file("accounts", "a@example.org a:one\nb@example.org b:two\n")
        program = self.begin(relay, f'password_map = "{accounts}"\nsender_dependent = true')
        for sender in ("a", "b", "a", "b", "a"):
            self.assert_sent(self.send(program, sender=f"{sender}@example.org"), by=relay)
        self.assert_ends_well(program)
        self.assertEqual(len(relay.connections), 2)
        for session in relay.connections:
            (login,) = session["logins"]
            senders = {transaction["mail_from"] for transaction in session["transactions"]}
            self.assertEqual(senders, {f"{login['user']}@example.org"})

    def test_one_account_for_all_senders(self) -> None:
        relay = self.secured()
        accounts = self.file("accounts", f"{relay.destination} u:one\n")
        program = self.begin(relay, f'password_map = "{accounts}"')
        for sender in ("a", "b", "a"):
            self.assert_sent(self.send(program, sender=f"{sender}@example.org"), by=relay)
        self.assert_ends_well(program)
        (session,) = relay.connections
        self.assertEqual([login["user"] for login in session["logins"]], ["u"])

    def test_a_changed_map(self) -> None:
        """A new password in the map is used for the next message."""
        relay = self.secured()
        accounts = self.file("accounts", f"{relay.destination} u:old\n")
        program = self.begin(relay, f'password_map = "{accounts}"')
        self.assert_sent(self.send(program), by=relay)
        self.file("accounts", f"{relay.destination} u:another\n")
        self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        used = [login["secret"] for session in relay.connections for login in session["logins"]]
        self.assertEqual(used, ["old", "another"])

    @each({"closed": ("close",), "421": ("reply 421 4.4.2 idle ; close",), "reset": ("reset",)})
    def test_one_that_the_relay_ended(self, end: str) -> None:
        """Inside TLS, with close_notify or without."""
        relay = self.secured(script=f"on dot: default ; {end}")
        program = self.begin(relay, 'tls = "verify"')
        for _ in range(3):
            self.assert_sent(self.send(program), by=relay)
        self.assert_ends_well(program)
        self.assertEqual((relay.dots, len(relay.connections)), (3, 3))
        self.assertEqual(self.failures(), [])
