"""Accounts: what check says about their files, and what a delivery does without them. AUTH itself is tested elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

from support.case import each
from support.chain_case import ChainCase

SECRET = "hunter2-never-seen"


class AccountCase(ChainCase):
    def file(self, name: str, text: str = SECRET + "\n", mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_text(text)
        path.chmod(mode)
        return path

    def relays_with(self, lines: str) -> None:
        self.write(f'[relay.one]\ndestination = "[mail.example.com]:587"\n{lines}\n[chain.outbound]\ntiers = [["one"]]\n')

    def problems(self, severity: str) -> list[str]:
        told = self.check()
        self.assertNotIn(SECRET, told.text)
        return [line for line in told.lines if f" {severity}: " in line]


class CheckFiles(AccountCase):
    def test_good(self) -> None:
        self.relays_with(f'username = "u"\npassword_file = "{self.file("s")}"')
        self.assertEqual(self.problems("error"), [])
        # Root cannot tell for the user that delivers, and says so; anybody else has nothing to say.
        self.assertEqual(len(self.problems("warning")), 1 if os.geteuid() == 0 else 0)

    @each({
        "missing": (None, 0o600, "cannot be opened: No such file or directory"),
        "empty": ("", 0o600, "is empty"),
        "lines": (f"{SECRET}\n{SECRET}\n", 0o600, "holds more than one line"),
        "readable": (f"{SECRET}\n", 0o644, "chmod o-rwx it"),
        "writable": (f"{SECRET}\n", 0o620, "chmod g-w it"),
        "large": (SECRET * 1000, 0o600, "is larger than 16384 octets"),
    })
    def test_password_file(self, text: str | None, mode: int, words: str) -> None:
        path = self.file("s", text, mode) if text is not None else self.directory / "s"
        self.relays_with(f'username = "u"\npassword_file = "{path}"')
        (line,) = self.problems("error")
        self.assertTrue(line.startswith(f"{self.config}:4:1: error: [relay.one] password_file: {path} "), line)
        self.assertIn(words, line)
        self.assertEqual(self.check().status, 2)

    def test_credential_without_its_directory(self) -> None:
        self.relays_with('username = "u"\npassword_file = "${CREDENTIALS_DIRECTORY}/s"')
        (line,) = self.problems("error")
        self.assertIn("CREDENTIALS_DIRECTORY is not set", line)

    def test_password_map(self) -> None:
        path = self.file("m", f"# map\n[mail.example.com]:587 u:{SECRET}\nbroken {SECRET}\n[mail.example.com]:587 u:{SECRET}\n")
        self.relays_with(f'password_map = "{path}"')
        self.assertEqual(self.problems("error"), [])
        lines = self.problems("warning")
        self.assertTrue(any(line.startswith(f'{path}:3:1: warning: there is no ":"') for line in lines), lines)
        self.assertTrue(any(line.startswith(f"{path}:4:1: warning: the key stands in line 2") for line in lines), lines)

    def test_missing_map_of_the_defaults(self) -> None:
        self.write(f'[defaults]\npassword_map = "{self.directory}/m"\n')
        (line,) = self.problems("error")
        self.assertIn("password_map: ", line)

    @each({
        "command": ('username = "u"\npassword_command = ["/nonexistent/pass"]', "password_command: /nonexistent/pass cannot be run"),
        "token_command": ('username = "u"\noauth2 = { token_command = ["/nonexistent/t"] }', "[relay.one.oauth2] token_command"),
        "token_file": ('username = "u"\noauth2 = { token_file = "/nonexistent" }', "[relay.one.oauth2] token_file: "),
        "ca_file": ('tls = "verify"\ntls_ca_file = "/nonexistent"', "tls_ca_file: /nonexistent cannot be read"),
        "ca_path": ('tls = "verify"\ntls_ca_path = "/nonexistent"', "tls_ca_path: /nonexistent cannot be read"),
        "certificate": ('tls_cert_file = "/nonexistent"', "tls_cert_file: /nonexistent cannot be read"),
        "key": ('tls_cert_file = "/etc/passwd"\ntls_key_file = "/nonexistent"', "tls_key_file: /nonexistent cannot be"),
        "key_alone": ('tls_key_file = "/nonexistent"', "there is no tls_cert_file"),
    })
    def test_other_files(self, lines: str, words: str) -> None:
        self.relays_with(lines)
        errors = self.problems("error")
        self.assertTrue(any(words in line for line in errors), errors)

    def test_authorities_that_are_not_needed(self) -> None:
        self.relays_with('tls_ca_file = "/nonexistent"')
        self.assertEqual(self.problems("error"), [])
        self.assertTrue(any("tls_ca_file" in line for line in self.problems("warning")))


class WithoutSecret(AccountCase):
    """A secret that cannot be had is its relay's trouble: the next leg, 4.3.5 where there is none, and nothing bounces."""

    SOURCES = {
        "missing": ('password_file = "{folder}/none"', "cannot be opened: No such file or directory"),
        "empty": ('password_file = "{folder}/empty"', "is empty"),
        "readable": ('password_file = "{folder}/open"', "may be read or written by everybody"),
        "failing": (f'password_command = ["/bin/sh", "-c", "echo {SECRET}; exit 7"]', "ended with exit status 7"),
        "hanging": ('password_command = ["/bin/sleep", "600"]\nsecret_timeout = "300ms"', "did not end in time"),
        "silent": ('password_command = ["/bin/true"]', "printed no secret"),
    }

    def account(self, source: str) -> str:
        self.file("empty", "")
        self.file("open", mode=0o644)
        return 'username = "u"\nallow_plaintext_auth = true\n' + source.replace("{folder}", str(self.directory))

    @each(SOURCES)
    def test_next_leg(self, source: str, words: str) -> None:
        one, two = self.relay(), self.relay()
        self.configure(f'[chain.outbound]\ntiers = [["one"], ["two"]]\n[relay.one]\n{self.account(source)}\n', one=one, two=two)
        result = self.deliver("outbound")
        self.assert_sent(result, by=two)
        self.assertIn("; tried ", result.text)
        self.assert_dialled(one, 0)
        self.assertFalse(self.logged(SECRET))

    @each(SOURCES)
    def test_nothing_else_left(self, source: str, words: str) -> None:
        one = self.relay()
        self.configure(f'[chain.outbound]\ntiers = [["one"]]\n[relay.one]\n{self.account(source)}\n', one=one)
        result = self.deliver("outbound")
        self.assert_deferred(result, r"4\.3\.5", words=("no credentials for ", words))
        self.assertNotIn(SECRET, result.text)
        self.assert_dialled(one, 0)

    def map_option(self, key: str) -> tuple[str, str]:
        """For those who have only a transport map."""
        self.write("")
        return "-o", f'password_map={self.file("m", f"{key} {SECRET}{chr(10)}")}'

    def test_broken_line_of_the_map_for_this_relay(self) -> None:
        relay = self.relay()
        option = self.map_option(relay.destination)
        self.assert_deferred(self.deliver(relay, options=option), r"4\.3\.5", words=(" m:1: there is no",))
        self.assert_dialled(relay, 0)

    def test_broken_line_of_the_map_for_another_relay(self) -> None:
        relay = self.relay()
        option = self.map_option("[mail.example.com]:587")
        self.assert_sent(self.deliver(relay, options=option), by=relay)
