"""AUTH: each mechanism at each server, what is refused, and over which connections an account may travel."""

from __future__ import annotations

from typing import Any

from support.case import each
from support.mail_servers import OTHER_PASSWORD, OTHER_USER, TEMPORARY_USER, USER
from tls_case import SMTPS, SUBMISSION, TlsCase

PORTS = {"starttls": SUBMISSION, "implicit": SMTPS}
# What the server offers and what of it is used.
SERVERS = {"plain.test": "PLAIN", "login.test": "LOGIN", "cram.test": "CRAM-MD5", "good.test": "CRAM-MD5",
           "exim.test": "PLAIN"}


class Auth(TlsCase):
    def at(self, host: str, port: int = SUBMISSION, **keys: Any) -> dict[str, Any]:
        return {"destination": f"[{host}]:{port}", **self.account(**keys)}

    @each({f"{host.partition('.')[0]}_{how}": (host, port) for host in SERVERS for how, port in PORTS.items()})
    def test_the_strongest_mechanism(self, host: str, port: int) -> None:
        if host == "exim.test":
            self.need_exim()
        taken = self.taken(self.send(self.at(host, port)), host, port)
        self.assertEqual((taken.mechanism, taken.user, taken.tls), (SERVERS[host], USER, "TLSv1.3"))

    def test_the_log_tells_cipher_mechanism_and_account(self) -> None:
        """As smtp(8) with smtp_tls_loglevel = 1, but in the line of the attempt."""
        self.assertEqual(self.send({**self.at("plain.test"), "tls": "verify"}).status, 0)
        (line,) = [line for line in self.syslog.stop() if "verdict=" in line]
        self.assertRegex(line, rf", tls=TLSv1\.3/TLS_\w+/verified, sasl_method=PLAIN, sasl_username={USER}, dsn=2\.0\.0, "
                               r"attempt=accepted, verdict=sent \(")

    @each({f"{host}_{name}": (f"{host}.test", name) for host, names in
           {"good": ("PLAIN", "LOGIN", "CRAM-MD5"), "exim": ("PLAIN", "LOGIN")}.items() for name in names})
    def test_auth_mechanisms_restricts(self, host: str, name: str) -> None:
        if host == "exim.test":
            self.need_exim()
        taken = self.taken(self.send(self.at(host, auth_mechanisms=[name.lower()])), host)
        self.assertEqual((taken.mechanism, taken.user), (name, USER))

    @each({name: (f"{name}.test",) for name in ("plain", "login", "cram")})
    def test_other_letters_in_names_and_passwords(self, host: str) -> None:
        self.password_file = self.secret_file("other", OTHER_PASSWORD)
        self.assertEqual(self.taken(self.send(self.at(host, user=OTHER_USER)), host).user, OTHER_USER)

    def test_no_mechanism_in_common(self) -> None:
        self.assert_passed_over(self.at("plain.test", auth_mechanisms=["LOGIN", "CRAM-MD5"]), "plain.test", dsn=r"4\.7\.\d")

    def test_mechanism_that_this_libcurl_lacks(self) -> None:
        """GSSAPI in a program with libcurl built in: it is said, and a mechanism named beside it is still used."""
        said = self.tool("--version").stdout.splitlines()[1]
        if "(built in)" not in said:
            self.skipTest(f"{said} has GSSAPI")
        self.assert_passed_over(self.at("good.test", auth_mechanisms=["GSSAPI"]), "auth_mechanisms", said, dsn=r"4\.\d\.\d")
        self.assertIn(f"auth_mechanisms: {said} has no GSSAPI", self.tool("check", "--config", str(self.config)).stdout)
        self.assertEqual(self.taken(self.send(self.at("good.test", auth_mechanisms=["GSSAPI", "PLAIN"])), "good.test").mechanism, "PLAIN")

    @each({f"{host.partition('.')[0]}": (host,) for host in SERVERS})
    def test_wrong_password(self, host: str) -> None:
        if host == "exim.test":
            self.need_exim()
        self.password_file = self.secret_file("wrong", "not the password\n")
        # Exim's reply has no enhanced status.
        self.assert_passed_over(self.at(host), host, "535", dsn=r"4\.0\.0" if host == "exim.test" else r"4\.7\.8")

    def test_unknown_user(self) -> None:
        self.assert_passed_over(self.at("good.test", user="nobody@accounts.test"), "535", dsn=r"4\.7\.8")

    @each({"PLAIN": ("PLAIN",), "LOGIN": ("LOGIN",)})
    def test_temporary_failure(self, mechanism: str) -> None:
        self.need_exim()
        self.assert_passed_over(self.at("exim.test", user=TEMPORARY_USER, auth_mechanisms=[mechanism]), "exim.test", "435")

    def test_the_relay_offers_no_auth(self) -> None:
        self.assert_passed_over(self.at("open.test"), "open.test", "AUTH", dsn=r"4\.7\.\d")

    def test_wrong_at_every_relay_defers(self) -> None:
        self.password_file = self.secret_file("wrong", "not the password\n")
        result = self.send(*(self.at(host) for host in ("plain.test", "cram.test", "login.test")))
        self.assert_deferred(result, r"4\.7\.8", words=("535", "plain.test", "cram.test", "login.test"))

    def test_each_relay_gets_its_own_account(self) -> None:
        self.password_file = self.secret_file("wrong", "not the password\n")
        first = self.at("plain.test")
        self.password_file = self.secret_file("other", OTHER_PASSWORD)
        result = self.send(first, self.at("cram.test", user=OTHER_USER))
        self.assertEqual(self.taken(result, "cram.test").user, OTHER_USER)

    def test_a_sender_that_is_another_accounts(self) -> None:
        """Postfix's reject_sender_login_mismatch: 553 5.7.1 to RCPT for an address this account does not own."""
        result = self.send(self.at("owners.test"), sender=USER)
        self.assertEqual(self.taken(result, "owners.test").user, USER)


class Protection(TlsCase):
    """An account only goes where the certificate was verified."""

    def local_account(self, script: str, **keys: Any) -> tuple[Any, dict[str, Any]]:
        relay, section = self.local(script)
        return relay, {**section, **self.account(**keys)}

    def assert_never_said(self, relay: Any) -> None:
        self.assertEqual([login for connection in relay.connections for login in connection["logins"]], [])
        self.assertNotIn("AUTH", [verb for connection in relay.connections for verb in connection.verbs])

    def assert_logged_in(self, relay: Any, result: Any, encrypted: bool) -> None:
        self.assertEqual(result.status, 0, result)
        (connection,) = relay.connections
        (login,) = connection["logins"]
        self.assertEqual((login["user"], login["encrypted"], login["accepted"]), (USER, encrypted, True))

    def test_verified_by_itself(self) -> None:
        """Nothing is said about tls: with an account it is verify."""
        relay, section = self.local_account("auth PLAIN\nstarttls $PEM")
        self.assert_logged_in(relay, self.send(section), True)

    @each({"expired": ("expired.test", "expired"), "wrongname": ("wrongname.test", "wrong name"),
           "otherca": ("otherca.test", "unknown authority"), "old": ("old.test", "no common TLS version")})
    def test_bad_certificates(self, host: str, word: str) -> None:
        self.assert_passed_over({"destination": f"[{host}]:587", **self.account()}, host, word, dsn=r"4\.7\.5")

    def test_stripped_starttls(self) -> None:
        """The relay offers AUTH, but somebody between took STARTTLS out of the reply to EHLO."""
        relay, section = self.local_account("auth PLAIN LOGIN")
        self.assert_passed_over(section, "TLS is required, but was not offered", short="does not offer TLS",
                                dsn=r"4\.7\.4")
        self.assert_never_said(relay)

    def test_stripped_by_a_refusal(self) -> None:
        relay, section = self.local_account("auth PLAIN\nstarttls $PEM\non starttls: reply 454 4.7.0 not today")
        self.assert_passed_over(section, "454", dsn=r"4\.7\.\d")
        self.assert_never_said(relay)

    @each({level: (level,) for level in ("none", "may", "encrypt")})
    def test_a_level_that_does_not_protect_is_an_error(self, level: str) -> None:
        relay, section = self.local_account("auth PLAIN", tls=level)
        result = self.send(section)
        self.assert_deferred(result, r"4\.3\.5", words=("[relay.relay1]", "tls"))
        self.assertEqual(relay.connections, [])

    @each({"none": ("none",), "may": ("may",)})
    def test_allowed_to_loopback(self, level: str) -> None:
        relay, section = self.local_account("auth PLAIN", tls=level, allow_plaintext_auth=True)
        section["destination"] = f"[127.0.0.1]:{relay.port}"
        self.assert_logged_in(relay, self.send(section), False)

    def test_allowed_to_a_host_by_name(self) -> None:
        relay, section = self.local_account("auth PLAIN", tls="none", allow_plaintext_auth="local.test")
        self.assert_logged_in(relay, self.send(section), False)

    def test_allowed_to_another_host_only(self) -> None:
        relay, section = self.local_account("auth PLAIN", tls="none", allow_plaintext_auth="other.test")
        self.assertEqual(self.send(section).status, 75)
        self.assert_never_said(relay)

    def test_where_tls_is_there_it_is_used(self) -> None:
        relay, section = self.local_account("auth PLAIN\nstarttls $PEM", tls="may", allow_plaintext_auth="local.test")
        self.assert_logged_in(relay, self.send(section), True)

    def test_auth_is_gone_after_starttls(self) -> None:
        relay, section = self.local_account("starttls $PEM")
        self.assert_passed_over(section, "AUTH", dsn=r"4\.7\.\d")
        self.assertEqual(relay.transactions, [])

    @each({"before_235": ("on auth: close",), "silence": ("on auth: silent",), "no_sense": ("on auth: send huh\\r\\n",),
           "454": ("on auth: reply 454 4.7.0 Temporary authentication failure",),
           "421": ("on auth: reply 421 4.3.2 closing ; close",), "530": ("on auth: reply 530 5.7.0 not so",),
           "534": ("on auth: reply 534 5.7.9 too weak",)})
    def test_trouble_in_the_middle(self, rule: str) -> None:
        relay, section = self.local_account(f"auth PLAIN\nstarttls $PEM\n{rule}", auth_timeout="1s")
        self.assert_passed_over(section, "local.test")
        self.assertEqual(relay.transactions, [])
