"""Relays that say the right things in another form: what they are told, and whether it goes through TLS."""

from __future__ import annotations

import base64
from typing import Any

from support.case import each
from support.mail_servers import PASSWORD, USER
from support.relays import Connection, Relay
from tls_case import TlsCase

NAME = "odd.test"
UNSAFE = "unsafe.test"    # Exim at its second address
IN_CLEAR = ["EHLO", "MAIL"]
BY_STARTTLS = ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def answer(*lines: str, name: str = NAME) -> str:
    """The reply to EHLO with these lines, octet by octet."""
    words = [name, *lines]
    marks = ["-"] * (len(words) - 1) + [" "]
    # A blank at the end of a directive would be lost.
    return "\\r\\n".join(f"250{mark}{word[:-1]}\\x20" if word.endswith(" ") else f"250{mark}{word}"
                           for mark, word in zip(marks, words))


def prompts(*texts: bytes, encoded: bool = True) -> str:
    """What AUTH LOGIN asks, one by one, whatever the client says to it."""
    asked = [base64.b64encode(text).decode() if encoded else text.decode() for text in texts]
    rules = [f"on response nth {number}: reply 334 {text}\n" for number, text in enumerate(asked[1:], 1)]
    return f"on auth: reply 334 {asked[0]}\n" + "".join(rules)


class OddCase(TlsCase):
    def odd(self, *offers: str, script: str = "") -> tuple[Relay, dict[str, Any]]:
        """A relay that offers this before TLS, and its section."""
        return self.local(f"on ehlo nth 1: reply {answer(*offers)}\n{script}")

    def login(self, *offers: str, script: str = "", **keys: Any) -> tuple[Relay, dict[str, Any]]:
        relay, section = self.odd(*offers, script=f"auth PLAIN LOGIN\n{script}")
        return relay, {**section, "tls": "none", "allow_plaintext_auth": "local.test", **self.account(**keys)}

    def accept(self, relay: Relay, section: dict[str, Any]) -> Connection:
        """The message was sent to it; the last connection, with what was said."""
        result = self.send(section)
        self.assertEqual(result.status, 0, f"{result} {self.syslog.lines}")
        self.assertEqual(len(relay.accepted), 1)
        return relay.connections[-1]


class Login(OddCase):
    """AUTH LOGIN has no initial response: the user name answers the first challenge, the password the second."""

    @each({"usual": ("",), "deaf_to_an_initial_response": (prompts(b"Username:", b"Password:"),),
           "user_name_nul": (prompts(b"User Name\0", b"Password\0"),), "no_words": (prompts(b"", b""),),
           "other_words": (prompts(b"Benutzer", b"Kennwort"),),
           "not_in_base64": (prompts(b"Username:", b"Password:", encoded=False),),
           "base64_in_small_letters": (prompts(b"vxnlcm5hbwu6", b"ugfzc3dvcmq6", encoded=False),),
           "accepted_with_250": ("on response nth 2: reply 250 fine",),
           "accepted_with_two_lines": ("on response nth 2: reply 235-all\\r\\n235 fine",)})
    def test_user_name_first(self, script: str) -> None:
        relay, section = self.login("AUTH LOGIN", script=script)
        connection = self.accept(relay, section)
        self.assertEqual((connection.lines[1], connection["logins"][0]["said"]), ("AUTH LOGIN", [USER, PASSWORD]))

    @each({"password_first": ((b"Password:", b"Username:"), "before the user name"),
           "user_name_twice": ((b"Username:", b"Username:", b"Password:"), "user name twice"),
           "user_name_twice_in_other_words": ((b"User Name\0", b"login name?"), "user name twice")})
    def test_a_relay_that_asks_amiss_never_sees_the_password(self, asked: tuple[bytes, ...], word: str) -> None:
        relay, section = self.login("AUTH LOGIN", script=prompts(*asked))
        self.assert_passed_over(section, "AUTH LOGIN", word)
        logins = [login for connection in relay.connections for login in connection["logins"]]
        self.assertTrue(logins)
        self.assertEqual([said for login in logins for said in login["said"] if PASSWORD in said], [])

    @each({"PLAIN": ("PLAIN",), "LOGIN_PLAIN": ("LOGIN PLAIN",)})
    def test_plain_keeps_its_initial_response(self, offered: str) -> None:
        self.assertRegex(self.accept(*self.login(f"AUTH {offered}")).lines[1], r"^AUTH PLAIN \S+$")


class Announced(OddCase):
    """EHLO is read once, by one reader: what the relay offers in another form is used as well."""

    @each({"small_letters": ("starttls",), "mixed": ("StartTls",), "blank_behind": ("STARTTLS ",), "as_usual": ("STARTTLS",)})
    def test_starttls_is_seen(self, keyword: str) -> None:
        relay, section = self.odd("PIPELINING", keyword, script="starttls $PEM")
        self.assertEqual(self.accept(relay, {**section, "tls": "may"}).verbs[:4], BY_STARTTLS)

    def test_starttls_may_be_answered_by_another_2yz(self) -> None:
        relay, section = self.odd("STARTTLS", script="starttls $PEM\non starttls: reply 250 go ahead")
        self.assertEqual(self.accept(relay, {**section, "tls": "may"}).verbs[:4], BY_STARTTLS)

    @each({"refused": ("reply 454 4.7.0 not today", {}, "STARTTLS was refused (454 4.7.0 not today)"),
           "discarded": ("default", {"discard_ehlo_keywords": ["starttls"]}, "discard_ehlo_keywords names starttls"),
           "broken": ("reply 220 go ahead", {}, "the TLS handshake failed")})
    def test_clear_text_has_its_reason_in_the_log(self, starttls: str, keys: dict[str, Any], reason: str) -> None:
        """The last one says 220 and then no TLS."""
        relay, section = self.odd("STARTTLS", script=f"on starttls: {starttls}")
        self.lawless_relays.add(relay)    # it takes the client's TLS for commands
        self.assertIsNone(self.accept(relay, {**section, "tls": "may", **keys})["tls"])
        said = [line for line in self.syslog.stop() if "the message goes in clear text" in line]
        self.assertEqual([line.rpartition("clear text: ")[2] for line in said], [reason])

    def test_the_greeting_line_is_no_keyword(self) -> None:
        relay, section = self.local(f"on ehlo: reply {answer('PIPELINING', name='STARTTLS.example')}")
        self.assertEqual(self.accept(relay, {**section, "tls": "may"}).verbs[:2], IN_CLEAR)

    @each({"may": ("may",), "encrypt": ("encrypt",)})
    def test_discarded(self, level: str) -> None:
        relay, section = self.odd("PIPELINING", "starttls", script="starttls $PEM")
        section |= {"tls": level, "discard_ehlo_keywords": ["starttls", "pipelining"]}
        if level == "may":
            self.assertEqual(self.accept(relay, section).verbs[:2], IN_CLEAR)
        else:
            self.assert_passed_over(section, "TLS is required", short="does not offer TLS")
            self.assertEqual(relay.accepted, [])

    @each({"old_form": ("AUTH=PLAIN",), "old_form_of_two": ("AUTH=LOGIN PLAIN",), "small_letters": ("auth plain login",),
           "both": ("AUTH=LOGIN", "AUTH PLAIN")})
    def test_auth_is_seen(self, *offers: str) -> None:
        self.assertRegex(self.accept(*self.login(*offers)).lines[1], r"^AUTH PLAIN \S+$")

    @each({"250": ("250 fine",), "200": ("200 fine",), "two_lines": ("250-fine\\r\\n250 really",)})
    def test_auth_may_be_answered_by_another_2yz(self, reply: str) -> None:
        self.accept(*self.login("AUTH PLAIN", script=f"on auth: reply {reply}"))

    def test_auth_is_discarded(self) -> None:
        relay, section = self.login("AUTH PLAIN", discard_ehlo_keywords=["auth"])
        self.assert_passed_over(section, "AUTH is not offered")
        self.assertEqual([login for connection in relay.connections for login in connection["logins"]], [])


SHORT_DH = "ciphers DHE-RSA-AES128-SHA256:DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0\ndh $PKI/dh1024.pem"
NO_CERTIFICATE = "ciphers aNULL:@SECLEVEL=0"


class Weak(OddCase):
    """Where nobody is proved, weak TLS is better than none: as smtp(8) has it. With verify it is refused by its name."""

    def weak(self, script: str, level: str) -> tuple[Relay, dict[str, Any]]:
        relay, section = self.local(f"starttls $PKI/rsa.pem\n{script}".replace("$PKI", str(self.pki)))
        return relay, {**section, "tls": level}

    @each({f"{name}_{level}": (script, level) for level in ("may", "encrypt")
           for name, script in (("short_dh", SHORT_DH), ("no_certificate", NO_CERTIFICATE))})
    def test_taken(self, script: str, level: str) -> None:
        self.assertIsNotNone(self.accept(*self.weak(script, level))["tls"])

    @each({level: (level,) for level in ("may", "encrypt")})
    def test_without_secure_renegotiation(self, level: str) -> None:
        self.need_exim()
        taken = self.taken(self.send(self.unsafe(level)), UNSAFE)
        self.assertEqual(taken.tls, "TLSv1.2")

    def test_without_secure_renegotiation_it_is_not_proved(self) -> None:
        self.need_exim()
        self.assert_passed_over(self.unsafe("verify"), "unsafe legacy renegotiation disabled", dsn=r"4\.7\.5")

    def unsafe(self, level: str) -> dict[str, Any]:
        return {"destination": f"[{UNSAFE}]:587", "tls": level}

    def test_refused_by_its_name(self) -> None:
        _relay, section = self.weak(SHORT_DH, "verify")
        self.assert_passed_over(section, "dh key too small", dsn=r"4\.7\.5")


class Address(OddCase):
    def relay_with(self, certificate: str, host: str) -> tuple[Relay, dict[str, Any]]:
        relay = self.relay(f"starttls {self.pki / certificate}")
        return relay, {"destination": f"[{host}]:{relay.port}", "tls": "verify"}

    def test_an_address_is_proved_by_an_alternative_name(self) -> None:
        self.accept(*self.relay_with("address.pem", "127.0.0.1"))

    def test_the_common_name_is_no_address(self) -> None:
        relay, section = self.relay_with("address-as-name.pem", "127.0.0.1")
        self.assert_passed_over(section, "wrong name", "subject alternative name", dsn=r"4\.7\.5")
        self.assertEqual(relay.transactions, [])

    def test_a_name_may_still_be_the_common_name(self) -> None:
        self.accept(*self.relay_with("name-alone.pem", "local.test"))
