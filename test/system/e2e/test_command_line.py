"""Usage and configuration errors defer with 4.3.5, because exit 64 or 78 would make Postfix bounce the mail."""

from __future__ import annotations

import re
import subprocess

from support.case import MESSAGE, RECIPIENT, SENDER, DeliveryCase, each
from support.relays import binary_path
from support.runs import Result, Surroundings, run

BAD_NEXTHOPS = {
    "no_closing_bracket": ("[mail.example.com:587",),
    "empty_brackets": ("[]:25",),
    "port_0": ("[192.0.2.1]:0",),
    "port_65536": ("[192.0.2.1]:65536",),
    "port_word": ("[192.0.2.1]:nosuchservice",),
    "port_missing": ("[192.0.2.1]:",),
    "bare_ipv6": ("2001:db8::1",),
    "bad_ipv6": ("[ipv6:2001:db8::zz]:25",),
    "unknown_prefix": ("http:[192.0.2.1]:25",),
    "text_behind_bracket": ("[192.0.2.1]x",),
    "space_in_brackets": ("[mail example]:25",),
    "newline_inside": ("[mail.example\n.com]:25",),
    "control_character": ("[mail\x1b.example.com]:25",),
}


class CommandLineCase(DeliveryCase):
    def bare(self, *arguments: str, message: bytes = MESSAGE, separate_stderr: bool = False) -> Result:
        return run([str(binary_path()), *arguments], message,
                   Surroundings(self.queue, separate_stderr=separate_stderr))


class NexthopTest(CommandLineCase):
    @each({f"{name}_{place}": (bad, place) for name, (bad,) in BAD_NEXTHOPS.items() for place in (1, 2, 3)})
    def test_bad_destination(self, bad: str, place: int) -> None:
        """Even behind a good relay: the list is wrong as a whole, and the text says where."""
        relay = self.relay()
        hops: list[object] = [relay, relay, relay]
        hops[place - 1] = bad
        if " " in bad or "\n" in bad:
            self.assert_deferred(self.deliver(*hops), r"4\.3\.5")    # separators: the count of elements changes
        else:
            self.assert_deferred(self.deliver(*hops), r"4\.3\.5", words=(f"destination {place} of 3",))
        self.assert_untouched(relay)

    @each({"empty": ("",), "comma": (",",), "blanks": (" , ,, ",)})
    def test_empty_list(self, nexthop: str) -> None:
        self.assert_deferred(self.deliver(nexthop), r"4\.3\.5")

    @each({
        "seed": ("smtp:{a}, smtp:{b}",), "blank": ("{a} {b}",), "comma": ("{a},{b}",), "both": (" {a} ,, {b} , ",),
        "tab": ("{a}\t{b}",), "upper_case_prefix": ("SMTP:{a},{b}",),
    })
    def test_list_forms(self, form: str) -> None:
        first, second = self.relay("greeting-421"), self.relay()
        nexthop = form.format(a=first.destination, b=second.destination)
        self.assert_sent(self.deliver(nexthop), by=second)

    @each({"plain": ("127.0.0.1:{port}",), "brackets": ("[127.0.0.1]:{port}",), "smtp": ("smtp:[127.0.0.1]:{port}",)})
    def test_destination_forms(self, form: str) -> None:
        relay = self.relay()
        self.assert_sent(self.deliver(form.format(port=relay.port)), by=relay)

    @each({"tag": ("[ipv6:::1]:{port}",), "no_tag": ("[::1]:{port}",), "upper": ("[IPv6:::1]:{port}",)})
    def test_ipv6_forms(self, form: str) -> None:
        relay = self.relay(listen="::1")
        self.assertEqual(self.deliver(form.format(port=relay.port)).status, 0)


class UsageTest(CommandLineCase):
    def usage_rows(self, port: int) -> dict[str, list[str]]:
        hop, tail = ["--nexthop", f"[127.0.0.1]:{port}"], ["-f", SENDER, "--", RECIPIENT]
        return {
            "nothing": [],
            "no_command": ["sttaus"],
            "no_nexthop": tail,
            "no_recipient": [*hop, "-f", SENDER],
            "no_recipient_after_dashes": [*hop, "-f", SENDER, "--"],
            "no_sender": [*hop, "--", RECIPIENT],
            "sender_without_value": [*hop, "-f"],
            "unknown_option": [*hop, "--nonsense", *tail],
            "unknown_short_option": [*hop, "-Z", *tail],
            "unknown_setting": [*hop, "-o", "nonsense=1", *tail],
            "setting_without_value": [*hop, "-o", "patience", *tail],
            "bad_duration": [*hop, "-o", "patience=soon", *tail],
            "negative_duration": [*hop, "-o", "patience=-2s", *tail],
            "bad_deadline": [*hop, "--deadline", "later", *tail],
            "bad_tls": [*hop, "-o", "tls=perhaps", *tail],
            "bad_number": [*hop, "-o", "line_length_limit=wide", *tail],
            "missing_config": ["--config", "/nonexistent/relaypipe.toml", *hop, *tail],
            "size_word": [*hop, "--size", "big", *tail],
            "help_with_delivery": ["--help", *hop, *tail],
            "version_with_delivery": ["--version", *hop, *tail],
            "help_after_delivery": [*hop, "-f", SENDER, "--help", "--", RECIPIENT],
        }

    def test_usage_errors_defer(self) -> None:
        """Exit 0 would lose the mail, 64 or 1 would bounce it; that holds for --help in a delivery too."""
        relay = self.relay()
        for name, arguments in self.usage_rows(relay.port).items():
            with self.subTest(name):
                result = self.bare(*arguments)
                self.check_contract(result)
                self.assertEqual(result.status, 75, result)
                self.assertRegex(result.text, r"^4\.3\.5 \S", result)
        self.assertEqual(relay.dots, 0)

    def test_the_text_names_the_wrong_option(self) -> None:
        relay = self.relay()
        rows = self.usage_rows(relay.port)
        for name, word in {"unknown_option": "nonsense", "unknown_setting": "nonsense", "bad_duration": "patience",
                           "bad_tls": "tls", "no_nexthop": "nexthop", "no_sender": "-f"}.items():
            with self.subTest(name):
                self.assertIn(word, self.bare(*rows[name]).text)

    @each({"help": ("--help",), "version": ("--version",)})
    def test_help_and_version_alone(self, option: str) -> None:
        result = self.bare(option, message=b"")
        self.assertEqual(result.status, 0, result)
        self.assertIn("relaypipe", result.text)

    # -- help -----------------------------------------------------------------------------------

    def person(self, *words: str) -> tuple[int, str]:
        """What somebody sees who hands over no message."""
        done = subprocess.run([str(binary_path()), *words], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=60)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout

    @each({"nothing": ((), 75), "help": (("help",), 0), "option": (("--help",), 0)})
    def test_help_lists_the_commands(self, words: tuple[str, ...], status: int) -> None:
        found, text = self.person(*words)
        self.assertEqual(found, status)
        self.assertRegex(text, r"(?m)^  relaypipe status +how the relays are")

    def test_every_command_has_help(self) -> None:
        commands = re.findall(r"(?m)^  relaypipe (\w+) ", self.person("help")[1])
        self.assertGreater(len(commands), 12)
        for command in set(commands) - {"help"}:
            with self.subTest(command):
                status, text = self.person(command, "--help")
                self.assertEqual((status, self.person("help", command)), (0, (0, text)))
                self.assertRegex(text, r"Exit status|exit status")
                self.assertIn("--help", text)

    @each({"near": ("sttaus", "did you mean status?"), "far": ("frobnicate", "there is no command frobnicate; `relay"),
           "of_help": ("help clasify", "did you mean classify?")})
    def test_a_command_that_there_is_not(self, line: str, expected: str) -> None:
        status, text = self.person(*line.split())
        self.assertEqual(status, 2 if line.startswith("help") else 75)
        self.assertIn(expected, text)
        self.assertEqual(text.count("\n"), 1)

    def test_help_names_the_options(self) -> None:
        text = self.bare("--help", message=b"").text
        for option in ("--nexthop", "--queue-id", "--size", "--deadline", "-f", "-o"):
            self.assertIn(option, text)

    def test_no_stdin_at_all(self) -> None:
        """A closed descriptor 0 must not become the socket of a relay."""
        relay = self.relay()
        result = run(["/bin/sh", "-c", 'exec "$@" <&-', "sh", *self.argv(relay)], b"", Surroundings(self.queue))
        self.check_contract(result)
        self.assertEqual(result.status, 75, result)
        self.assertEqual(relay.dots, 0)

    def test_no_stdout_at_all(self) -> None:
        """Nobody can be told, so nothing may be committed; above all no relay gets the text as its input."""
        relay = self.relay()
        run(["/bin/sh", "-c", 'exec "$@" >&- 2>&-', "sh", *self.argv(relay)], MESSAGE, Surroundings(self.queue))
        self.assertEqual(relay.violations, [])
        self.assertLessEqual(relay.dots, len(relay.accepted))

    def test_recipients_after_the_dashes_only(self) -> None:
        relay = self.relay()
        transaction = self.assert_sent(self.deliver(relay, to=("-f", "x@example.net")[1:]), by=relay)
        self.assertEqual(transaction["recipients"], ["x@example.net"])

    def test_all_options_of_the_master_cf_entry(self) -> None:
        relay = self.relay()
        options = ("--queue-id", "4Xyz12345z", "--client-address", "192.0.2.9", "--client-name", "client.example.net",
                   "--client-helo", "helo.example.net", "--client-port", "49152", "--client-protocol", "ESMTP",
                   "--sasl-username", "user@example.org", "--deadline", "15m")
        self.assert_sent(self.deliver(relay, options=options), by=relay)

    def test_empty_client_options_of_local_mail(self) -> None:
        """Postfix passes empty arguments where there was no client."""
        relay = self.relay()
        options = ("--client-address", "", "--client-name", "", "--client-helo", "", "--client-port", "",
                   "--client-protocol", "", "--sasl-username", "")
        self.assert_sent(self.deliver(relay, options=options), by=relay)


class VerboseTest(CommandLineCase):
    def test_verbose_shows_the_dialogue_on_stderr(self) -> None:
        relay = self.relay()
        result = self.deliver(relay, options=("-v",), around=Surroundings(self.queue, separate_stderr=True))
        self.assert_sent(result, by=relay)
        shown = result.stderr.decode("utf-8")
        for part in ("220 relay.test", "EHLO client.example", f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RECIPIENT}>",
                     "354 ", "queued as"):
            self.assertIn(part, shown)

    def test_verbose_says_nothing_under_pipe(self) -> None:
        """There stdout and stderr are one pipe, and the D.S.N must stay at its start."""
        relay = self.relay()
        self.assert_sent(self.deliver(relay, options=("-v",)), by=relay)
        refusing = self.relay("on rcpt: reply 550 5.1.1 no such user")
        result = self.deliver(refusing, options=("-v",))
        self.assertTrue(result.text.startswith("5.1.1 "), result)

    def test_no_word_on_stderr_without_verbose(self) -> None:
        for script in ("", "on rcpt: reply 550 5.1.1 no", "greeting-554", "close-at-connect"):
            with self.subTest(script):
                result = self.deliver(self.relay(script), around=Surroundings(self.queue, separate_stderr=True))
                self.assertEqual(result.stderr, b"")
