"""Relays that say the right things in another form: what they are told, and whether it goes through TLS."""

from __future__ import annotations

import base64
import os
import ssl
from typing import Any

from odd_relay import OddRelay, Words
from support.case import each
from support.mail_servers import PASSWORD, USER
from tls_case import TlsCase
from world import PLACE


def plain(text: str) -> str:
    """What a line of base64 holds; the line itself where it is none."""
    try:
        return base64.b64decode(text, validate=True).decode("utf-8", "replace")
    except ValueError:
        return text


class OddCase(TlsCase):
    def odd(self, **words: Any) -> OddRelay:
        if words.pop("with_tls", False):
            words["certificate"] = self.pki / "local.pem"
        relay = OddRelay(Words(**words))
        self.enterContext(relay)
        return relay

    def to(self, relay: OddRelay, **keys: Any) -> dict[str, Any]:
        return {"destination": f"[local.test]:{relay.port}", **keys}

    def clear_account(self, relay: OddRelay, **keys: Any) -> dict[str, Any]:
        return self.to(relay, tls="none", allow_plaintext_auth="local.test", **self.account(**keys))


class Login(OddCase):
    """AUTH LOGIN has no initial response: the user name answers the first challenge, the password the second."""

    @each({name: (words,) for name, words in {
        "deaf_to_an_initial_response": {"takes_initial_response": False}, "usual": {},
        "user_name_nul": {"prompts": (b"User Name\0", b"Password\0")}, "no_words": {"prompts": (b"", b"")},
        "other_words": {"prompts": (b"Benutzer", b"Kennwort")},
        "not_in_base64": {"prompts": (b"Username:", b"Password:"), "raw_prompts": True},
        "base64_in_small_letters": {"prompts": (b"vxnlcm5hbwu6", b"ugfzc3dvcmq6"), "raw_prompts": True},
        "accepted_with_250": {"auth": "250 fine"}, "accepted_with_two_lines": {"auth": "235-all\r\n235 fine"}}.items()})
    def test_user_name_first(self, words: dict[str, Any]) -> None:
        relay = self.odd(offers=("AUTH LOGIN",), **words)
        result = self.send(self.clear_account(relay))
        self.assertEqual(result.status, 0, result)
        (talk,) = relay.talks
        self.assertEqual([plain(line) for line in talk.clear[1:4]], ["AUTH LOGIN", USER, PASSWORD])

    @each({"password_first": ((b"Password:", b"Username:"), "before the user name"),
           "user_name_twice": ((b"Username:", b"Username:", b"Password:"), "user name twice"),
           "user_name_twice_in_other_words": ((b"User Name\0", b"login name?"), "user name twice")})
    def test_a_relay_that_asks_amiss_never_sees_the_password(self, prompts: tuple[bytes, ...], word: str) -> None:
        relay = self.odd(offers=("AUTH LOGIN",), prompts=prompts, takes_initial_response=False)
        self.assert_passed_over(self.clear_account(relay), "AUTH LOGIN", word)
        said = [plain(line) for talk in relay.talks for line in talk.clear]
        self.assertEqual([line for line in said if PASSWORD in line], [])

    @each({"PLAIN": ("PLAIN",), "LOGIN_PLAIN": ("LOGIN PLAIN",)})
    def test_plain_keeps_its_initial_response(self, offered: str) -> None:
        relay = self.odd(offers=(f"AUTH {offered}",))
        self.assertEqual(self.send(self.clear_account(relay)).status, 0)
        self.assertRegex(relay.talks[0].clear[1], r"^AUTH PLAIN \S+$")


class Announced(OddCase):
    """EHLO is read once, by one reader: what the relay offers in another form is used as well."""

    @each({"small_letters": ("starttls",), "mixed": ("StartTls",), "blank_behind": ("STARTTLS ",), "as_usual": ("STARTTLS",)})
    def test_starttls_is_seen(self, keyword: str) -> None:
        relay = self.odd(offers=("PIPELINING", keyword), offers_in_tls=("PIPELINING",), with_tls=True)
        result = self.send(self.to(relay, tls="may"))
        self.assertEqual(result.status, 0, result)
        (talk,) = relay.talks
        self.assertEqual([line.split(" ")[0] for line in talk.clear], ["EHLO", "STARTTLS"])
        self.assertTrue(talk.accepted)

    def test_starttls_may_be_answered_by_another_2yz(self) -> None:
        relay = self.odd(offers=("STARTTLS",), offers_in_tls=(), starttls="250 go ahead", with_tls=True)
        self.assertEqual(self.send(self.to(relay, tls="may")).status, 0)
        self.assertEqual([line.split(" ")[0] for line in relay.talks[0].clear], ["EHLO", "STARTTLS"])

    @each({"refused": ({"starttls": "454 4.7.0 not today"}, {}, "STARTTLS was refused (454 4.7.0 not today)"),
           "discarded": ({}, {"discard_ehlo_keywords": ["starttls"]}, "discard_ehlo_keywords names starttls"),
           "broken": ({"starttls": "220 go ahead"}, {}, "the TLS handshake failed")})
    def test_clear_text_has_its_reason_in_the_log(self, words: dict[str, str], keys: dict[str, Any], reason: str) -> None:
        """The last one says 220 and then no TLS."""
        relay = self.odd(offers=("STARTTLS",), **words)
        result = self.send(self.to(relay, tls="may", **keys))
        self.assertEqual(result.status, 0, result)
        self.assertTrue(relay.talks[-1].accepted)
        said = [line for line in self.syslog.stop() if "the message goes in clear text" in line]
        self.assertEqual([line.rpartition("clear text: ")[2] for line in said], [reason])

    def test_the_greeting_line_is_no_keyword(self) -> None:
        relay = self.odd(name="STARTTLS.example", offers=("PIPELINING",))
        self.assertEqual(self.send(self.to(relay, tls="may")).status, 0)
        self.assertNotIn("STARTTLS", relay.talks[0].clear)

    @each({"may": ("may",), "encrypt": ("encrypt",)})
    def test_discarded(self, level: str) -> None:
        relay = self.odd(offers=("PIPELINING", "starttls"), with_tls=True)
        keys = self.to(relay, tls=level, discard_ehlo_keywords=["starttls", "pipelining"])
        if level == "may":
            self.assertEqual(self.send(keys).status, 0)
            (talk,) = relay.talks
            self.assertNotIn("STARTTLS", talk.clear)
            self.assertEqual(talk.clear[1].split(":")[0], "MAIL FROM")
        else:
            self.assert_passed_over(keys, "TLS is required", short="does not offer TLS")
            self.assertFalse(any(talk.accepted for talk in relay.talks))

    @each({"old_form": ("AUTH=PLAIN",), "old_form_of_two": ("AUTH=LOGIN PLAIN",), "small_letters": ("auth plain login",),
           "both": ("AUTH=LOGIN", "AUTH PLAIN")})
    def test_auth_is_seen(self, *offers: str) -> None:
        relay = self.odd(offers=offers)
        self.assertEqual(self.send(self.clear_account(relay)).status, 0)
        self.assertRegex(relay.talks[0].clear[1], r"^AUTH PLAIN \S+$")

    @each({"250": ("250 fine",), "200": ("200 fine",), "two_lines": ("250-fine\r\n250 really",)})
    def test_auth_may_be_answered_by_another_2yz(self, reply: str) -> None:
        relay = self.odd(offers=("AUTH PLAIN",), auth=reply)
        self.assertEqual(self.send(self.clear_account(relay)).status, 0)
        self.assertTrue(relay.talks[0].accepted)

    def test_auth_is_discarded(self) -> None:
        relay = self.odd(offers=("AUTH PLAIN",))
        self.assert_passed_over(self.clear_account(relay, discard_ehlo_keywords=["auth"]), "AUTH is not offered")
        self.assertEqual([line for talk in relay.talks for line in talk.clear if line.startswith("AUTH")], [])


def short_dh(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("DHE-RSA-AES128-SHA256:DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0")
    context.load_dh_params(os.path.join(os.environ[PLACE], "pki", "dh1024.pem"))


def no_certificate(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")


class Weak(OddCase):
    """Where nobody is proved, weak TLS is better than none: as smtp(8) has it. With verify it is refused by its name."""

    def weak(self, prepare: Any) -> OddRelay:
        return self.odd(offers=("STARTTLS",), offers_in_tls=(), prepare=prepare, certificate=self.pki / "rsa.pem")

    @each({f"{name}_{level}": (prepare, level) for level in ("may", "encrypt")
           for name, prepare in (("short_dh", short_dh), ("no_certificate", no_certificate))})
    def test_taken(self, prepare: Any, level: str) -> None:
        relay = self.weak(prepare)
        result = self.send(self.to(relay, tls=level))
        self.assertEqual(result.status, 0, f"{result} {self.syslog.lines}")
        (talk,) = relay.talks
        self.assertTrue(talk.tls)

    def test_refused_by_its_name(self) -> None:
        relay = self.weak(short_dh)
        self.assert_passed_over(self.to(relay, tls="verify"), "dh key too small", dsn=r"4\.7\.5")


class Address(OddCase):
    def relay_with(self, certificate: str, host: str) -> tuple[OddRelay, dict[str, Any]]:
        relay = self.odd(offers=("STARTTLS",), offers_in_tls=(), certificate=self.pki / certificate)
        return relay, {"destination": f"[{host}]:{relay.port}", "tls": "verify"}

    def test_an_address_is_proved_by_an_alternative_name(self) -> None:
        _relay, section = self.relay_with("address.pem", "127.0.0.1")
        self.assertEqual(self.send(section).status, 0)

    def test_the_common_name_is_no_address(self) -> None:
        relay, section = self.relay_with("address-as-name.pem", "127.0.0.1")
        self.assert_passed_over(section, "wrong name", "subject alternative name", dsn=r"4\.7\.5")
        self.assertFalse(any(talk.tls for talk in relay.talks))

    def test_a_name_may_still_be_the_common_name(self) -> None:
        _relay, section = self.relay_with("name-alone.pem", "local.test")
        self.assertEqual(self.send(section).status, 0)
