"""Interfaces that misbehave at every stage: before the body the next relay gets the message, from then on it is unconfirmed."""

from __future__ import annotations

from https_case import MESSAGE, HttpsCase, Play, each
from support.certificates import Authority
from support.relays import RefusedPort

BEFORE = {"at_connect": Play("connect", "close"), "reset_at_connect": Play("connect", "reset"),
          "in_the_handshake": Play("tls", "close")}
# A relay that closes having read the head alone does so before the body begins or after: it may be either.
AFTER = {"after_an_octet": Play(1, "close"), "in_the_body": Play(100000, "close"), "after_the_body": Play("body", "close"),
         "reset_after_the_body": Play("body", "reset"), "in_the_answer": Play("answer", "close"),
         "garbage": Play(raw=b"220 this is no HTTP\r\n\r\n"), "half_a_head": Play(raw=b"HTTP/1.1 200 OK\r\nContent-"),
         "no_length_and_lost": Play(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"),
         "huge": Play(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n" + b"x" * 102400),
         "huge_head": Play(raw=b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 13000 + b"\r\n"),
         "no_id": Play(status=200, body=b"{}"), "not_json": Play(status=200, body=b"<html>"),
         "another_success": Play(status=202, body=b'{"MessageId": "x"}'), "gateway": Play(status=504)}
REFUSALS = {"too_fast": (Play(status=429, body=b'{"message": "Maximum sending rate exceeded."}',
                              head=("x-amzn-ErrorType: TooManyRequestsException",)),
                         "429 TooManyRequestsException: Maximum sending rate exceeded."),
            "redirect": (Play(status=307, head=("Location: https://elsewhere.example/",)), "307"),
            "unavailable": (Play(status=503, body=b"<html>no</html>"), "503"),
            "internal": (Play(status=500, body=b'{"message": "internal"}'), "500 internal"),
            "before_the_body": (Play("head", "answer", status=429, body=b'{"message": "early"}'), "429 early"),
            "suspended": (Play(status=400, body=b'{"message": "Account paused"}', head=("x-amzn-ErrorType: AccountSuspendedException:http://x",)),
                          "400 AccountSuspendedException: Account paused")}
BIG = b"Subject: x\n\n" + b"0123456789abcdef\n" * 60000    # more than a socket holds


class Faults(HttpsCase):
    @each({name: (play,) for name, play in BEFORE.items()})
    def test_before_the_body(self, play: Play) -> None:
        api, second = self.api("ses", play), self.relay()
        self.assert_next(self.send(api, second), "; tried localhost: ", by=second)
        self.assertEqual(api.messages, [])

    def test_nobody_listens(self) -> None:
        dead, second = self.dead(RefusedPort), self.relay()
        keys = {**self.keys_of(self.api()), "destination": f"https:{dead.destination}"}
        self.assert_next(self.send(keys, second), "Connection refused", by=second)

    @each({"untrusted": ("other", ()), "another_name": ("", ("elsewhere.example",))})
    def test_certificates(self, authority: str, names: tuple[str, ...]) -> None:
        signer = Authority(self.directory / "other") if authority else self.authority
        api, second = self.api(pem=signer.certificate(*(names or ("localhost",)))), self.relay()
        self.assert_next(self.send(api, second), "; tried localhost: ", by=second)
        self.assertEqual(api.requests, [])

    @each({name: (play,) for name, play in AFTER.items()})
    def test_from_the_body_on(self, play: Play) -> None:
        """Nobody knows whether it was taken: it waits, no other relay gets it, and the next attempts go there alone."""
        message = BIG if play.at == 100000 else MESSAGE
        api, second = self.api("ses", play), self.relay()
        result = self.send(api, second, message=message, queue_id="4Q1")
        self.assertEqual(result.status, 75, f"{result}\n{self.syslog.lines}")
        self.assertIn("message may be sent more than once", result.text)
        again = self.send(message=message, queue_id="4Q1")
        self.assertEqual(again.status, 0, f"{again}\n{self.syslog.lines}")
        self.assertTrue(again.text.startswith(f"{api.name}: 200 "), again)
        self.assert_untouched(second)
        self.assertEqual(len(self.log("attempt=unconfirmed")), 1)

    @each(REFUSALS)
    def test_refusals(self, play: Play, words: str) -> None:
        """Trouble of the relay, whatever the status: the next one gets the message, and it waits without another."""
        api, second = self.api("ses", play, play), self.relay()
        self.assert_next(self.send(api, second), f"; tried localhost: {words}", by=second)
        alone = self.send(api, state="no")
        self.assertEqual(alone.status, 75, alone)
        self.assertIn(f"host {api.name} said: {words}", alone.text)
        self.assertIn("(in reply to POST command)", alone.text)
        self.assertEqual(api.messages, [])

    def test_a_slow_answer(self) -> None:
        api = self.api("ses", Play(drip=True))
        self.assert_taken(self.send(api), api)

    @each({"head": ("head",), "body": ("body",)})
    def test_silence(self, at: str) -> None:
        """The answer has its own limit, after which the message is unconfirmed."""
        api, second = self.api("ses", Play(at, "hold")), self.relay()
        result = self.send(api, second, data_done_timeout="700ms")
        self.assertEqual(result.status, 75, result)
        self.assertIn("no answer (timed out)", result.text)
        self.assert_untouched(second)

    def test_a_silent_handshake(self) -> None:
        api, second = self.api("ses", Play("tls", "hold")), self.relay()
        self.assert_next(self.send(api, second, patience="300ms"), by=second)

    def test_too_big(self) -> None:
        """31 MiB are more than the interface takes; what is larger than all relays take is refused for good."""
        api, second = self.api(), self.relay()
        big = b"Subject: x\n\n" + b"0123456789abcdef" * 64 * 31 * 1024
        self.assert_next(self.send(api, second, message=big, line_length_limit="0"), by=second)
        self.assertEqual(api.requests, [])

    def test_the_parent_dies(self) -> None:
        """The parent is gone before the last octet: nothing is committed."""
        api = self.api("ses", Play(100000, "hold"))
        self.configure_chain(api)
        delivery = self.start("out")
        delivery.feed(BIG)
        delivery.end_input()
        api.wait_for("body+100000")
        delivery.close_output()
        result = delivery.wait()
        self.assertNotEqual(result.status, 0)
        self.assertEqual(api.messages, [])
