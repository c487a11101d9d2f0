"""A message by Amazon SES's interface: what is sent, and with what."""

from __future__ import annotations

import json
import time
from email.utils import formatdate

from https_case import KEY_ID, MESSAGE, RECIPIENT, SECRET_KEY, SENDER, SESSION_TOKEN, HttpsCase, Play, each, plain_form

KEY_FILE = f"AWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={SECRET_KEY}"
DOTS = b"From: a@example.org\nTo: b@example.net\n\n.\n..two\n.three\nlast line without end"
EIGHT_BIT = b"From: a@example.org\nSubject: caf\xc3\xa9\n\nna\xefve\n\0\n"


class Ses(HttpsCase):
    def test_a_message(self) -> None:
        api = self.api()
        request = self.assert_taken(self.send(api), api, "200 MessageId 0102-1")
        self.assertEqual(request.recipients, [RECIPIENT])
        self.assertEqual(request.content, plain_form(MESSAGE))
        self.assertEqual(json.loads(request.body)["FeedbackForwardingEmailAddress"], SENDER)
        (line,) = self.log("verdict=")
        self.assertIn(f"relay={api.name}", line)
        self.assertRegex(line, r"tls=TLSv1\.3/\w+/verified, dsn=2\.0\.0, attempt=accepted, verdict=sent \(.*200 MessageId 0102-1\)")

    @each({"dots": (DOTS,), "eight_bit": (EIGHT_BIT,), "no_body": (b"Subject: x\n",), "empty": (b"",),
           **{f"of_{n}_octets": (b"x" * n + b"\n",) for n in (1, 2, 3, 70000)}})
    def test_every_octet(self, message: bytes) -> None:
        """The message arrives as it would by SMTP: with CRLF, and not dot-stuffed."""
        api = self.api()
        request = self.assert_taken(self.send(api, message=message, line_length_limit="0"), api)
        self.assertEqual(request.content, plain_form(message, 0))

    def test_no_bcc_leaves(self) -> None:
        api = self.api()
        message = b"From: a@b.example\nBcc: secret@c.example,\n other@c.example\nSubject: x\nResent-Bcc: q@c.example\n\nx\n"
        request = self.assert_taken(self.send(api, message=message), api)
        self.assertEqual(request.content, b"From: a@b.example\r\nSubject: x\r\n\r\nx\r\n")

    def test_bounces(self) -> None:
        api = self.api()
        request = self.assert_taken(self.send(api, sender=""), api)
        self.assertNotIn("FeedbackForwardingEmailAddress", json.loads(request.body))

    @each({"file": ({"password_file": KEY_FILE}, ""),
           "file_with_token": ({"password_file": f"# from the role\nexport {KEY_FILE}\nAWS_SESSION_TOKEN='{SESSION_TOKEN}'"},
                               SESSION_TOKEN),
           "profile": ({"password_file": f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET_KEY}"}, ""),
           "command": ({"password_command": json.dumps({"Version": 1, "AccessKeyId": KEY_ID, "SecretAccessKey": SECRET_KEY,
                                                        "SessionToken": SESSION_TOKEN}, indent=2)}, SESSION_TOKEN)})
    def test_access_keys(self, source: dict[str, str], token: str) -> None:
        api = self.api(session_token=token)
        keys: dict[str, object] = {"username": None, "password_file": None}
        for key, text in source.items():
            file = self.secret("key", text)
            keys[key] = file if key == "password_file" else ["/bin/cat", file]
        self.assert_taken(self.send(api, more=keys), api)

    def test_the_providers_own_host_is_the_default(self) -> None:
        self.configure_chain({"destination": "https:", "provider": "ses", "region": "eu-west-1", "username": KEY_ID,
                              "password_file": self.secret("key", SECRET_KEY)})
        plan = self.plan("--nexthop", "out", "--config", str(self.config), "--explain")
        self.assertIn("https:email.eu-west-1.amazonaws.com", plan.text)
        self.assertIn("by HTTPS, the interface of ses", plan.text)
        told = self.plan("--nexthop", "out", "--json").json["legs"][0]
        self.assertEqual((told["host"], told["port"]), ("email.eu-west-1.amazonaws.com", 443))
        self.assertEqual((told["protocol"], told["provider"]), ("https", "ses"))

    def test_plan_and_status_tell_it_from_smtp(self) -> None:
        self.configure_chain(self.api(), self.relay())
        legs = self.plan("--nexthop", "out", "--json").json["legs"]
        relays = self.command("status", "--json").json["relays"]
        for found in (legs, relays):
            self.assertEqual([(one["protocol"], one["provider"]) for one in found], [("https", "ses"), ("smtp", None)])

    @each({"behind": (600, "behind"), "ahead": (-600, "ahead of")})
    def test_probe_with_a_clock_that_is_wrong(self, seconds: int, words: str) -> None:
        """The signature is refused for it; also where it is taken for the moment it is worth a warning."""
        date = ("Date: " + formatdate(time.time() + seconds, usegmt=True),)
        refusal = b'{"message": "Signature expired: 20150830T123600Z is now earlier than 20150830T130000Z"}'
        refused = Play(status=403, body=refusal, head=("x-amzn-ErrorType: InvalidSignatureException", *date))
        for play, status in ((Play(head=date), "warning"), (refused, "failed")):
            self.configure_chain(self.api("ses", play))
            address, = self.command("probe", "r0", "--json").json["relays"][0]["addresses"]
            self.assertEqual(address["status"], status, address)
            self.assertIn(f"the clock of this machine is 10 minutes {words} that of the interface", address["warnings"][0])

    def test_probe_with_a_clock_that_is_right(self) -> None:
        self.configure_chain(self.api("ses", Play(head=("Date: " + formatdate(time.time() + 60, usegmt=True),))))
        address, = self.command("probe", "r0", "--json").json["relays"][0]["addresses"]
        self.assertEqual((address["status"], address["warnings"]), ("ok", []))

    def test_probe(self) -> None:
        api = self.api()
        self.configure_chain(api)
        told = self.command("probe", "r0")
        self.assertEqual(told.status, 0, told.text)
        self.assertIn("credentials works", told.text)
        self.assertIn("account: 200; 1 of 50 messages sent in 24 hours", told.text)
        self.assertEqual([request.method for request in api.requests], ["GET"])

    def test_a_probe_learns_nothing_of_the_credentials_from_trouble(self) -> None:
        for status in (400, 503):
            api = self.api("ses", Play(status=status, body=b'{"message": "not now"}'))
            self.configure_chain(api)
            told = self.command("probe", "r0")
            self.assertNotIn("credentials were refused", told.text)
            self.assertIn(f"{status} not now", told.text)
            self.assertIn("1 would fail", told.text)

    def test_probe_with_a_wrong_key(self) -> None:
        api = self.api()
        self.configure_chain(api, password_file=self.secret("wrong", "wrongSecret"))
        told = self.command("probe", "r0", "--json")
        self.assertEqual(told.status, 1, told.text)
        address = told.json["relays"][0]["addresses"][0]
        self.assertEqual((address["auth"], address["dsn"]), ("failed", "4.7.8"))
        self.assertEqual(api.violations, ["the signature is wrong"])
        api.violations.clear()
