"""The scripted relay's STARTTLS, implicit TLS and AUTH, against clients that others wrote: curl, swaks and smtplib."""

from __future__ import annotations

import shutil
import smtplib
import socket
import ssl
import subprocess
from typing import Any

from support.case import MESSAGE, RECIPIENT, SENDER, RelayCase, each
from support.certificates import Authority
from support.relays import LIMIT, Relay, content_of
from support.scripted_relay.auth import Exchange
from support.wire import wire_form

ACCOUNT = "account user@example.org s3cret;x"
NETWORK = ["--max-time", "20", "--silent", "--show-error", "--crlf"]


class SecurityCase(RelayCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.directory)
        self.certificate = self.authority.certificate("127.0.0.1", "relay.test")
        self.trust = ssl.create_default_context(cafile=str(self.authority.file))

    def secured(self, script: str = "", word: str = "starttls") -> Relay:
        return self.relay(f"{word} {self.certificate}\n{script}")

    def curl(self, relay: Relay, *options: str, scheme: str = "smtp") -> subprocess.CompletedProcess[str]:
        message = self.directory / "message"
        message.write_bytes(MESSAGE)
        return subprocess.run(
            ["curl", *NETWORK, f"{scheme}://127.0.0.1:{relay.port}/client.example", "--mail-from", SENDER, "--mail-rcpt",
             RECIPIENT, "--upload-file", str(message), "--cacert", str(self.authority.file), *options],
            capture_output=True, text=True)

    def assert_taken(self, relay: Relay, **login: Any) -> None:
        (found,) = relay.connections
        self.assertTrue(found["tls"].startswith("TLSv1."), found)
        (transaction,) = relay.accepted
        self.assertEqual(content_of(transaction), wire_form(MESSAGE))
        if login:
            # What was said, word for word, is the tls suite's matter.
            shown = [{key: value for key, value in one.items() if key != "said"} for one in found["logins"]]
            self.assertEqual(shown, [{"encrypted": True, "accepted": True, "user": "user@example.org",
                                      "secret": "s3cret;x", **login}])


class ClientsTest(SecurityCase):
    def test_curl_starttls(self) -> None:
        relay = self.secured()
        done = self.curl(relay, "--ssl-reqd")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(relay.connections[0].verbs[:3], ["EHLO", "STARTTLS", "EHLO"])
        self.assert_taken(relay)

    def test_curl_implicit(self) -> None:
        relay = self.secured(word="smtps")
        done = self.curl(relay, scheme="smtps")
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(relay.connections[0].verbs[0], "EHLO")
        self.assert_taken(relay)

    @each({"plain": ("PLAIN",), "login": ("LOGIN",)})
    def test_curl_auth(self, mechanism: str) -> None:
        for options in ((), ("--sasl-ir",)):
            relay = self.secured(f"auth {mechanism}\n{ACCOUNT}")
            done = self.curl(relay, "--ssl-reqd", "--user", "user@example.org:s3cret;x", *options)
            self.assertEqual(done.returncode, 0, done)
            self.assert_taken(relay, mechanism=mechanism)

    def test_curl_cram_md5(self) -> None:
        relay = self.secured(f"auth CRAM-MD5\n{ACCOUNT}")
        self.assertEqual(self.curl(relay, "--ssl-reqd", "--user", "user@example.org:s3cret;x").returncode, 0)
        self.assertTrue(relay.connections[0]["logins"][0]["accepted"])

    @each({"xoauth2": ("XOAUTH2",), "oauthbearer": ("OAUTHBEARER",)})
    def test_curl_bearer(self, mechanism: str) -> None:
        relay = self.secured(f"auth {mechanism}\naccount user@example.org token.1")
        done = self.curl(relay, "--ssl-reqd", "--user", "user@example.org", "--oauth2-bearer", "token.1")
        self.assertEqual(done.returncode, 0, done)
        self.assert_taken(relay, mechanism=mechanism, secret="token.1")
        relay = self.secured(f"auth {mechanism}\naccount user@example.org token.1")
        done = self.curl(relay, "--ssl-reqd", "--user", "user@example.org", "--oauth2-bearer", "expired")
        self.assertEqual(done.returncode, 67, done)
        (found,) = relay.connections[0]["logins"]
        self.assertEqual((found["secret"], found["accepted"]), ("expired", False))

    def test_curl_wrong_password(self) -> None:
        relay = self.secured(f"auth PLAIN\n{ACCOUNT}")
        self.assertEqual(self.curl(relay, "--ssl-reqd", "--user", "user@example.org:wrong").returncode, 67)
        self.assertEqual((relay.transactions, relay.connections[0]["logins"][0]["accepted"]), ([], False))

    @each({"plain": ("PLAIN",), "login": ("LOGIN",)})
    def test_swaks(self, mechanism: str) -> None:
        if not shutil.which("swaks"):
            self.skipTest("no swaks on this machine")
        relay = self.secured(f"auth {mechanism}\n{ACCOUNT}")
        done = subprocess.run(
            ["swaks", "--server", "127.0.0.1", "--port", str(relay.port), "--tls", "--tls-verify", "--tls-ca-path",
             str(self.authority.file), "--auth", mechanism, "--auth-user", "user@example.org", "--auth-password",
             "s3cret;x", "--from", SENDER, "--to", RECIPIENT, "--timeout", "20s", "--data", "-"],
            input=MESSAGE.decode(), capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        (found,) = relay.connections[0]["logins"]
        self.assertEqual((found["user"], found["secret"], found["accepted"]), ("user@example.org", "s3cret;x", True))
        self.assertEqual(len(relay.accepted), 1)    # swaks edits the message, so its octets are not compared


class ServerTest(SecurityCase):
    def client(self, relay: Relay) -> smtplib.SMTP:
        found = smtplib.SMTP("127.0.0.1", relay.port, local_hostname="client.example", timeout=LIMIT)
        self.addCleanup(found.close)
        return found

    def test_auth_is_offered_inside_tls_only(self) -> None:
        client = self.client(self.secured("auth PLAIN LOGIN"))
        client.ehlo()
        self.assertEqual((client.has_extn("starttls"), client.has_extn("auth")), (True, False))
        client.starttls(context=self.trust)
        client.ehlo()
        self.assertEqual((client.has_extn("starttls"), client.esmtp_features["auth"].split()), (False, ["PLAIN", "LOGIN"]))
        self.assertEqual(client.mail(SENDER)[0], 530)
        client.login("user@example.org", "anything")
        self.assertEqual(client.mail(SENDER)[0], 250)
        self.assertEqual(client.docmd("STARTTLS")[0], 503)

    def test_mail_before_the_second_ehlo_is_an_offence(self) -> None:
        relay = self.secured()
        self.lawless_relays.add(relay)
        client = self.client(relay)
        client.starttls(context=self.trust)
        self.assertEqual(client.docmd("MAIL FROM:<a@example.org>")[0], 501)
        client.close()
        self.assertIn("MAIL out of order", relay.violations)

    def test_a_mechanism_that_was_not_offered_is_an_offence(self) -> None:
        relay = self.relay("auth LOGIN")
        self.lawless_relays.add(relay)
        client = self.client(relay)
        client.ehlo()
        self.assertEqual(client.docmd("AUTH PLAIN AGEAYg==")[0], 504)
        client.close()
        self.assertEqual(relay.violations, ["AUTH not offered: PLAIN"])

    def test_server_name_is_noted(self) -> None:
        relay = self.secured(word="smtps")
        with socket.create_connection(("127.0.0.1", relay.port), timeout=LIMIT) as plain:
            with self.trust.wrap_socket(plain, server_hostname="relay.test") as secure:
                self.assertTrue(secure.recv(100).startswith(b"220"))
                secure.sendall(b"QUIT\r\n")
                self.assertTrue(secure.recv(100).startswith(b"221"))
        self.assertEqual(relay.connections[0]["server_name"], "relay.test")

    @each({
        "alert": (r"send \x15\x03\x03\x00\x02\x02\x28 ; close", ssl.SSLError),
        "text": (r"reply 454 4.7.0 TLS not available ; close", ssl.SSLError),
        "garbage": ("garbage 500 ; close", ssl.SSLError),
        "closed": ("close", OSError),
        "reset": ("reset", ConnectionResetError),
        "cut_close": ("cut 100 ; close", OSError),
        "cut_reset": ("cut 100 ; reset", ConnectionResetError),
        "silent": ("silent", TimeoutError),
        "cut_silent": ("cut 100 ; silent", TimeoutError),
        "drip": ("drip 300ms ; default", TimeoutError),
        "flood": (r"flood \x16\x03\x03\x00\x04\x00\x00\x00\x00", ssl.SSLError),
    })
    def test_faults_of_the_handshake(self, actions: str, error: type[Exception]) -> None:
        relay = self.secured(f"on tls: {actions}", word="smtps")
        with socket.create_connection(("127.0.0.1", relay.port), timeout=LIMIT) as plain:
            plain.settimeout(1)
            with self.assertRaises(error):
                self.trust.wrap_socket(plain, server_hostname="127.0.0.1").close()
        self.assertEqual([c["tls"] for c in relay.connections], [None])
        self.assertEqual(relay.connections[0]["commands"], [])

    @each({"reset": ("default ; reset",), "close": ("default ; close",)})
    def test_faults_after_the_handshake(self, actions: str) -> None:
        relay = self.secured(f"on tls: {actions}", word="smtps")
        with socket.create_connection(("127.0.0.1", relay.port), timeout=LIMIT) as plain:
            try:
                with self.trust.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    self.assertEqual(secure.recv(100), b"")
            except ConnectionResetError:
                self.assertIn("reset", actions)
        self.assertNotEqual(relay.connections[0]["tls"], None)

    def test_a_drip_inside_tls(self) -> None:
        relay = self.secured("drip 1ms", word="smtps")
        done = self.curl(relay, scheme="smtps")
        self.assertEqual(done.returncode, 0, done)
        self.assert_taken(relay)

    def test_an_untrusting_client_is_noticed(self) -> None:
        relay = self.secured()
        client = self.client(relay)
        with self.assertRaises(ssl.SSLCertVerificationError):
            client.starttls(context=ssl.create_default_context())
        client.close()
        self.assertTrue(relay.connections[0]["ended"].startswith(("TLS", "peer")), relay.connections[0]["ended"])


class ExchangeTest(RelayCase):
    def test_giving_up_and_nonsense(self) -> None:
        for line in ("*", "no base64"):
            exchange = Exchange("PLAIN", True, None)
            exchange.response(line)
            self.assertEqual((exchange.challenge(), exchange.cancelled), (None, True))

    def test_empty_initial_response_is_an_answer(self) -> None:
        exchange = Exchange("PLAIN", True, ("a", "b"))
        exchange.response("=")
        self.assertEqual((exchange.challenge(), exchange.login.accepted), (None, False))
