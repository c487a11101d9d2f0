"""What differs between the providers: the form of the request, and whom it goes to."""

from __future__ import annotations

from https_case import MESSAGE, RECIPIENT, SENDER, HttpsCase, Play, each, plain_form

OTHER = "other@example.net"
THIRD = "third@example.net"
TO_ONE = f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: x\n\nx\n".encode()
TO_TWO = f"From: {SENDER}\nTo: Somebody <{RECIPIENT}>,\n {OTHER}\nSubject: x\n\nx\n".encode()
BY_HEADER = ("graph", "gmail")


class Mailgun(HttpsCase):
    def test_a_message(self) -> None:
        api = self.api("mailgun")
        request = self.assert_taken(self.send(api, to=(RECIPIENT, OTHER)), api, "200 id <1@mg.example.com>")
        self.assertEqual((request.recipients, request.content), ([RECIPIENT, OTHER], plain_form(MESSAGE)))

    def test_a_wrong_key(self) -> None:
        api, second = self.api("mailgun"), self.relay()
        keys = self.keys_of(api, password_file=self.secret("wrong", "key-wrong"))
        self.assert_next(self.send(keys, second), "401", by=second)

    def test_a_time_that_is_named(self) -> None:
        """`try again after` a date decides how long the relay cools down."""
        api, second = self.api("mailgun", Play(status=429, body=b'{"message": "Domain mg.example.com: request limit exceeded, '
                                               b'try again after Fri, 01 Jan 2100 00:00:00 GMT"}')), self.relay()
        self.assert_next(self.send(api, second), "429", by=second)
        self.assertEqual(len(self.log("attempt=failed", "cause=")), 1)


class ByTheHeader(HttpsCase):
    @each({kind: (kind,) for kind in BY_HEADER})
    def test_the_same_recipients(self, kind: str) -> None:
        api = self.api(kind)
        request = self.assert_taken(self.send(api, message=TO_TWO, to=(OTHER, RECIPIENT)), api)
        self.assertEqual((sorted(request.recipients), request.content), ([OTHER, RECIPIENT], plain_form(TO_TWO)))

    @each({kind: (kind,) for kind in BY_HEADER})
    def test_more_in_the_envelope(self, kind: str) -> None:
        api = self.api(kind)
        message = TO_ONE.replace(b"Subject", b"Bcc: nobody@example.net\nSubject")
        request = self.assert_taken(self.send(api, message=message, to=(RECIPIENT, OTHER, THIRD)), api)
        self.assertEqual(sorted(request.recipients), sorted((RECIPIENT, OTHER, THIRD)))
        self.assertNotIn(b"nobody", request.content)

    @each({kind: (kind,) for kind in BY_HEADER})
    def test_more_in_the_header(self, kind: str) -> None:
        """The interface would write to somebody who is not meant: another relay, or the message waits."""
        api, second = self.api(kind), self.relay()
        self.assert_next(self.send(api, second, message=TO_TWO), f"its header names {OTHER}", by=second)
        alone = self.send(api, message=TO_TWO)
        self.assertEqual(alone.status, 75, alone)
        self.assertIn("recipient_limit", alone.text)
        self.assertEqual(api.requests, [])
        self.assertEqual(len(self.log("attempt=skipped")), 2)

    @each({kind: (kind,) for kind in BY_HEADER})
    def test_bounces_are_never_offered(self, kind: str) -> None:
        api, second = self.api(kind), self.relay()
        result = self.send(api, second, sender="")
        self.assertEqual(result.status, 0, result)
        self.assertEqual(api.connections, 0)
        plan = self.plan("--nexthop", "out", sender="<>")
        self.assertIn("sends only as somebody", plan.text)

    def test_only_202_is_success_at_graph(self) -> None:
        api = self.api("graph", Play(status=200, body=b""))
        self.assertEqual(self.send(api, message=TO_ONE).status, 75)

    @each({kind: (kind,) for kind in BY_HEADER})
    def test_a_token_is_fetched_anew_once(self, kind: str) -> None:
        """The file has a newer one by then, or the relay is left with the next one."""
        api, second = self.api(kind), self.relay()
        keys = self.keys_of(api)
        api.tokens = {"another"}
        result = self.send(keys, second, message=TO_ONE)
        self.assert_next(result, "there is no newer one", by=second)
        self.assertEqual((api.unauthorized, len(api.messages)), (1, 0))

    def test_a_command_gives_a_newer_token(self) -> None:
        api = self.api("gmail")
        count = self.directory / "count"
        script = self.directory / "token.sh"
        script.write_text(f"#!/bin/sh\necho x >> {count}\necho token-$(wc -l < {count})\n")
        script.chmod(0o755)
        api.tokens = {"token-2"}
        keys = self.keys_of(api, oauth2={"token_command": [str(script)]})
        api.tokens = {"token-2"}
        self.assert_taken(self.send(keys, message=TO_ONE), api)
        self.assertEqual((api.unauthorized, api.connections), (1, 2))
