"""What replies mean: the table, the administrator's rules, and the commands that tell of both."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from support.case import each
from support.chain_case import ChainCase
from support.relays import LIMIT, binary_path

TIERS = '[chain.outbound]\ntiers = [["one"], ["two"]]\n'
REFUSALS = Path(__file__).resolve().parents[2] / "corpus" / "replies" / "refusals.txt"
THROTTLED = "454 Throttling failure: Daily message quota exceeded"


class Replies(ChainCase):
    def use(self, first: str, second: str = "", text: str = "") -> tuple:
        one, two = self.relay(first), self.relay(second)
        self.configure(text + TIERS, one=one, two=two)
        return one, two

    def test_quota_at_the_dot_goes_to_the_next_relay(self) -> None:
        one, two = self.use(f"on dot: reply {THROTTLED}")
        result = self.deliver("outbound")
        self.assertEqual(result.status, 0, result)
        self.assertIn(f"; tried 127.0.0.1: {THROTTLED}", result.text)
        self.assertEqual((len(one.accepted), len(two.accepted)), (0, 1))
        (line,) = self.logged("attempt=failed")
        self.assertIn("dsn=4.0.0, cause=quota, until=1h, attempt=failed (", line)
        self.assertIn(THROTTLED, line)

    @each({
        "outmail_quota": ("rcpt", "554 5.7.1 <r@example.net>: Recipient address rejected: You have exceeded your outMail quota"),
        "daily_limit": ("mail", "550 5.4.5 Daily user sending limit exceeded"),
        "not_owned": ("rcpt", "553 5.7.1 <s@example.org>: Sender address rejected: not owned by user x"),
        "sender_mailbox_full": ("dot", "554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException"),
        "relay_denied": ("rcpt", "554 5.7.1 <r@example.net>: Relay access denied"),
        "two_lines": ("mail", r"550-5.4.5 Daily user\r\n550 5.4.5 sending quota exceeded"),
    })
    def test_account_trouble_everywhere_defers(self, stage: str, reply: str) -> None:
        script = f"on {stage}: reply {reply.replace(';', chr(92) + ';')}"
        self.use(script, script)
        self.assert_deferred(self.deliver("outbound"), dots=2 if stage == "dot" else 0)

    @each({
        "user_unknown": ("550 5.1.1 <r@example.net>: Recipient address rejected: User unknown", "5.1.1"),
        "over_quota": ("552 5.2.2 <r@example.net>: Recipient address rejected: User over quota", "5.2.2"),
    })
    def test_the_recipients_own_goes_to_no_other(self, reply: str, dsn: str) -> None:
        _, two = self.use(f"on rcpt: reply {reply}")
        self.assert_bounced(self.deliver("outbound"), dsn)
        self.assert_untouched(two)

    def test_a_full_mailbox_is_full_behind_every_relay(self) -> None:
        _, two = self.use("on rcpt: reply 452 4.2.2 mailbox full")
        self.assert_deferred(self.deliver("outbound"), "4.2.2")
        self.assert_untouched(two)

    def test_spam_is_not_shopped_around(self) -> None:
        _, two = self.use("on dot: reply 550 5.7.1 Spam message rejected")
        self.assert_bounced(self.deliver("outbound"), "5.7.1", dots=1)
        self.assert_untouched(two)

    def test_spam_may_be(self) -> None:
        one, two = self.use("on dot: reply 550 5.7.1 Spam message rejected", "",
                            '[defaults]\non_content_reject = "next"\n')
        result = self.deliver("outbound")
        self.assertEqual(result.status, 0, result)
        self.assertEqual((len(one.accepted), len(two.accepted)), (0, 1))

    def test_spam_everywhere_is_refused(self) -> None:
        script = "on dot: reply 550 5.7.1 Spam message rejected"
        self.use(script, script, '[defaults]\non_content_reject = "next"\n')
        self.assert_bounced(self.deliver("outbound"), "5.7.1", dots=2)

    # -- the administrator's own rules --------------------------------------------------------

    RULE = '[defaults]\nreply = [{ stage = "rcpt", code = "554", match = "over your plan", means = "quota", until = "2h" }]\n'

    def test_own_rule(self) -> None:
        one, two = self.use("on rcpt: reply 554 5.7.1 this is OVER your plan", "", self.RULE)
        self.assert_sent(self.deliver("outbound"), by=two)
        (line,) = self.logged("attempt=failed")
        self.assertIn("dsn=4.7.1, cause=quota, until=2h, attempt=failed (", line)

    def test_own_rule_fits_only_what_it_says(self) -> None:
        script = "on rcpt: reply 550 5.7.1 this is over your plan"
        self.use(script, script, self.RULE)
        self.assert_bounced(self.deliver("outbound"), "5.7.1")

    def test_own_rule_says_it_is_the_recipients(self) -> None:
        _, two = self.use("on rcpt: reply 554 5.7.1 Relay access denied", "",
                          '[defaults]\nreply = [{ match = "relay access", means = "recipient" }]\n')
        self.assert_bounced(self.deliver("outbound"), "5.7.1")
        self.assert_untouched(two)

    @each({"broken": ("over (your", ), "endless": ("(a+)+[!?]", )})
    def test_expression_that_cannot_be_used_bounces_nothing(self, match: str) -> None:
        script = "on rcpt: reply 554 5.7.1 " + "a" * 1500
        self.use(script, script, f"[defaults]\nreply = [{{ match = '{match}', means = \"quota\" }}]\n")
        self.assert_deferred(self.deliver("outbound"), r"4\.3\.5")

    def test_check_tells_the_place_of_a_bad_expression(self) -> None:
        self.write('[defaults]\nreply = [\n  { match = "over (your", means = "quota" },\n]\n'
                   + TIERS + '[relay.one]\ndestination = "[a.example]"\n[relay.two]\ndestination = "[b.example]"\n')
        told = self.check()
        self.assertEqual(told.status, 2, told)
        self.assertRegex(told.lines[0], r':3:13: error: reply: match: "over \(your" is not a valid regular expression: .* at '
                                        r'character 11$')
        self.assertEqual(len(told.lines), 2, told)

    # -- classify and providers ---------------------------------------------------------------

    def classify(self, *words: str, stdin: bytes = b"") -> tuple[int, str]:
        if not self.config.exists():
            self.write("")
        done = subprocess.run([binary_path(), "classify", "--config", str(self.config), *words], input=stdin, capture_output=True, timeout=LIMIT)
        self.assertEqual(done.stderr, b"")
        return done.returncode, done.stdout.decode()

    def test_classify_names_the_rule(self) -> None:
        self.write(self.RULE + TIERS + '[relay.one]\ndestination = "[smtp.gmail.com]:587"\n'
                   '[relay.two]\ndestination = "[b.example]"\n')
        status, text = self.classify("--relay", "one", "--stage", "rcpt", "554 5.7.1 over your plan")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, rf"(?m)^  rule +{self.config}:2:10$")
        self.assertRegex(text, r"(?m)^  provider +gmail$")
        self.assertRegex(text, r"(?m)^  until +2h$")
        self.assertRegex(text, r"(?m)^  what next +next relay; defer")

    @each({
        "arguments": (("550-5.4.5 Daily user sending", "550 5.4.5 limit exceeded"), b""),
        "hyphen_missing": (("550 5.4.5 Daily user sending", "550 5.4.5 limit exceeded"), b""),
        "escaped": ((r"550-5.4.5 Daily user sending\n550 5.4.5 limit exceeded",), b""),
        "stdin": ((), b"550-5.4.5 Daily user sending\r\n550 5.4.5 limit exceeded\r\n"),
    })
    def test_classify_reads_several_lines(self, words: tuple, stdin: bytes) -> None:
        status, text = self.classify("--json", "--provider", "gmail", "--stage", "end_of_data", *words, stdin=stdin)
        self.assertEqual(status, 0, text)
        for part in ('"cause": "quota"', '"scope": "relay"', '"status": "4.4.5"', '"next_relay": true'):
            self.assertIn(part, text)

    def test_classify_takes_a_line_of_the_mail_log(self) -> None:
        line = ("Nov 29 00:31:43 mail postfix/smtp[71]: 4Xyz: to=<a@b.example>, relay=smtp.gmail.com[192.0.2.1]:587, "
                "dsn=5.4.5, status=bounced (host smtp.gmail.com[192.0.2.1] said: 550-5.4.5 Daily user sending 550 5.4.5 "
                "limit exceeded (in reply to RCPT TO command))")
        for words, stdin in (((line,), b""), ((), line.encode() + b"\n")):
            status, text = self.classify("--json", *words, stdin=stdin)
            self.assertEqual(status, 0, text)
            for part in ('"provider": "gmail"', '"stage": "rcpt"', '"cause": "quota"', '"next_relay": true'):
                self.assertIn(part, text)

    def test_classify_takes_our_own_line(self) -> None:
        relay = self.relay("on rcpt: reply 454 4.5.3 Throttling failure: Daily message quota exceeded")
        self.deliver(relay)
        (line,) = self.logged("attempt=failed")
        status, text = self.classify(line)
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"(?m)^  stage +rcpt$")
        self.assertRegex(text, r"(?m)^454 4\.5\.3 Throttling failure: Daily message quota exceeded$")

    def test_classify_gives_refusals_of_the_corpus_their_class(self) -> None:
        """A sample: all of them go through the same function in the unit tests."""
        lines = [line for line in REFUSALS.read_text().splitlines() if line and not line.startswith("#")]
        for line in lines[::15]:
            with self.subTest(line):
                stage, reply, meaning, _ = line.split(" | ")
                status, text = self.classify("--json", "--stage", stage, reply)
                self.assertEqual(status, 0, text)
                told = json.loads(text)
                found = f"{told['scope']} {told['class']} {'next' if told['next_relay'] else 'stop'}"
                self.assertEqual(found, meaning, told["rule"])

    def test_classify_says_what_follows_where_nobody_is_named(self) -> None:
        status, text = self.classify("--stage", "rcpt", "550 5.7.1 refused")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"(?m)^  speaks of +unknown$")
        self.assertRegex(text, r"(?m)^  what next +next relay; bounce when every relay refuses it so$")

    @each({
        "log_line": (("4Xyz: to=<a@b>, status=deferred (connect to r[192.0.2.1]:25: Connection refused)",), "no reply of a relay"),
        "bare_relay": (("--stage", "rcpt", "--relay", "localhost", "550 x"), "there is no relay localhost"),
        "stage": (("--stage", "rctp", "550 x"), "did you mean rcpt?"),
        "no_stage": (("550 x",), "write --stage"),
        "provider": (("--stage", "rcpt", "--provider", "gmial", "550 x"), "did you mean gmail?"),
        "relay": (("--stage", "rcpt", "--relay", "a b c", "550 x"), "there is no relay"),
        "no_reply": (("--stage", "rcpt", "hello"), "not an SMTP reply"),
        "success": (("--stage", "rcpt", "250 ok"), "250 is not a refusal"),
        "nothing": (("--stage", "rcpt"), "not an SMTP reply"),
    })
    def test_classify_says_what_is_wrong(self, words: tuple, expected: str) -> None:
        status, text = self.classify(*words)
        self.assertEqual(status, 2, text)
        self.assertIn(expected, text)

    def test_providers(self) -> None:
        told = self.tool("providers", "--json")
        names = [provider["name"] for provider in told.json["providers"]]
        for name in ("ses", "sendgrid", "mailgun", "m365", "gmail", "workspace-relay", "zoho", "brevo", "postmark"):
            self.assertIn(name, names)
        for provider in told.json["providers"]:
            self.assertEqual(self.tool("providers", provider["name"], "--json").json, provider)
            # Of these no reply is known that other servers would not say.
            if provider["name"] not in ("graph", "mailjet", "mandrill", "scaleway"):
                self.assertTrue(provider["replies"], provider)
        self.assertIn("10000 recipients/24h", self.tool("providers", "m365").text)
        self.assertEqual(self.tool("providers", "nobody").status, 2)

    def test_providers_with_an_https_interface(self) -> None:
        told = {provider["name"]: provider["https"] for provider in self.tool("providers", "--json").json["providers"]}
        self.assertEqual({name for name, https in told.items() if https}, {"gmail", "graph", "mailgun", "ses"})
        for name, https in told.items():
            self.assertTrue(not https or https["answers"], name)
        self.assertEqual((told["ses"]["needs"], told["ses"]["max_size"], told["ses"]["max_recipients"]), ("region", 31457280, 50))
        self.assertIn("https:email.REGION.amazonaws.com", self.tool("providers").text)
        text = self.tool("providers", "graph").text
        for words in ("only where the header names nobody but the recipients; no bounces", "ErrorSendAsDenied", "needs mailbox"):
            self.assertIn(words, text)

    @each({
        "words": (("--provider", "ses", "--http", "429", "TooManyRequestsException: Maximum sending rate exceeded."),
                  ("rate", "4.3.2", "soft", "429 TooManyRequestsException: Maximum sending rate exceeded.")),
        "body": (("--provider", "graph", "--http", "403", '{"error":{"code":"ErrorSendAsDenied","message":"no right"}}'),
                 ("sender-not-allowed", "4.7.1", "soft", "403 ErrorSendAsDenied: no right")),
        "size": (("--provider", "mailgun", "--http", "413", "<html>too big</html>"), ("size", "5.3.4", "hard", "413 <html>too big</html>")),
        "nobody's": (("--http", "503", ""), ("network", "4.3.0", "soft", "503")),
        "our_log": (("postfix/relaypipe[1]: 4X: to=<a@b>, relay=api.mailgun.net[192.0.2.1]:443, attempt=failed (host api.mailgun.net"
                     "[192.0.2.1]:443 said: 401 Forbidden (in reply to POST command))",), ("auth", "4.7.8", "soft", "401 Forbidden")),
    })
    def test_classify_an_answer_over_https(self, words: tuple, expected: tuple) -> None:
        status, text = self.classify("--json", *words)
        self.assertEqual(status, 0, text)
        told = json.loads(text)
        self.assertEqual(tuple(told[name] for name in ("cause", "status", "class", "reply")), expected, told)
        self.assertEqual(told["stage"], "request")

    def test_classify_asks_the_administrators_rules_for_answers_too(self) -> None:
        self.configure('[relay.one]\nprovider = "mailgun"\nreply = [{ code = "429", match = "enough", means = "quota", until = "24h" }]\n'
                       '[chain.outbound]\ntiers = [["one"]]\n', one=self.relay())
        status, text = self.classify("--relay", "one", "--http", "429", "That is enough")
        self.assertEqual(status, 0, text)
        self.assertRegex(text, r"(?m)^  until +1d$")
        self.assertRegex(text, r"(?m)^  rule +.*relaypipe.toml:")

    @each({
        "status": (("--http", "abc", "x"), "not a status of an answer"),
        "success": (("--http", "200", "x"), "200 is not a refusal"),
        "gateway": (("--http", "504", "x"), "it is unconfirmed"),
        "stage": (("--http", "429", "--stage", "rcpt", "x"), "leave --stage out"),
    })
    def test_classify_says_what_is_wrong_with_an_answer(self, words: tuple, expected: str) -> None:
        status, text = self.classify(*words)
        self.assertEqual(status, 2, text)
        self.assertIn(expected, text)


class DoubtfulAcceptance(ChainCase):
    """Providers that accept what they drop: the message is sent, and the log warns."""

    def delivered(self, provider: str, reply: str) -> list[str]:
        one = self.relay(f"on dot: reply {reply}")
        self.configure(f'[relay.one]\nprovider = "{provider}"\n[chain.outbound]\ntiers = [["one"]]\n', one=one)
        result = self.deliver("outbound", options=("--queue-id", "4Xyz12345z"))
        self.assertEqual(result.status, 0, result)
        return self.logged("accepted the message")

    @each({
        "cloudflare": ("cloudflare", "250 2.0.0 Ok", "without a Message-ID"),
        "oci": ("oci", "254 4.7.1 Suppression for user ocid1 to a@example.com", "for a recipient on its suppression list"),
    })
    def test_warned(self, provider: str, reply: str, words: str) -> None:
        line, = self.delivered(provider, reply)
        self.assertIn(f"4Xyz12345z: host 127.0.0.1[127.0.0.1]:{self.relays[0].port} accepted the message {words}", line)

    @each({
        "cloudflare": ("cloudflare", "250 2.0.0 Ok <jZTWt0@example.com>"),
        "oci": ("oci", "250 Ok"),
        "another": ("ses", "250 2.0.0 Ok"),
    })
    def test_ordinary(self, provider: str, reply: str) -> None:
        self.assertEqual(self.delivered(provider, reply), [])
