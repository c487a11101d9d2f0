"""Every fault of an HTTPS interface, at every place of it in the chain: text, exit status, who has the message."""

from __future__ import annotations

import faults as f
from contract import Kind, Meaning
from matrix_case import FAULTY, MatrixCase, shared
from score import Score
from support.https_api import KEY_ID, REGION, SECRET_KEY, Play, SmallApi
from support.wire import wire_form

LOST_BEFORE = Meaning(Kind.RELAY, r"4\.\d\.\d", ("{relay}",), ("lost connection|Cannot start TLS|connection ended|handshake",))
OPEN = Meaning(Kind.UNCONFIRMED, r"4\.4\.2", ("{relay} while sending end of data -- message may be sent more than once",),
               ("after end of data",))
LIMIT = {"data_done_timeout": "700ms", "starttls_timeout": "700ms"}


def said(status: int, words: str) -> Meaning:
    return Meaning(Kind.RELAY, r"4\.\d\.\d", (f"host {{relay}} said: {status} {words} (in reply to POST command)",), (words,))


def refusal(status: int, code: str, words: str) -> tuple[Play, Meaning]:
    body = f'{{"message": "{words}"}}'.encode()
    return Play(status=status, body=body, head=(f"x-amzn-ErrorType: {code}",)), said(status, f"{code}: {words}")


FAULTS = {
    "none": (Play(), Meaning(Kind.DELIVERED, says=("{relay}: 200 MessageId ",))),
    "closed_at_connect": (Play("connect", "close"), LOST_BEFORE), "closed_in_tls": (Play("tls", "close"), LOST_BEFORE),
    "silent_in_tls": (Play("tls", "hold"), Meaning(Kind.RELAY, r"4\.4\.2", ("conversation with {relay} timed out",),
                                                   ("timed out",))),
    "closed_after_an_octet": (Play(1, "close"), OPEN), "closed_after_body": (Play("body", "close"), OPEN),
    "reset_after_body": (Play("body", "reset"), OPEN), "closed_in_answer": (Play("answer", "close"), OPEN),
    "silent_after_body": (Play("body", "hold"), OPEN), "garbage": (Play(raw=b"nonsense\r\n\r\n"), OPEN),
    "no_id": (Play(status=200, body=b"{}"), OPEN), "too_fast": refusal(429, "TooManyRequestsException", "Slow down"),
    "quota": refusal(400, "LimitExceededException", "Daily message quota exceeded"),
    "paused": refusal(400, "SendingPausedException", "Sending is paused"),
    "key": refusal(403, "InvalidSignatureException", "The signature does not match"),
    "trouble": refusal(500, "InternalFailure", "Oops"),
}
CASES = {f"{name}__{position}": (name, position) for name in FAULTS for position in f.POSITIONS}


class Https(MatrixCase):
    def run_case(self, name: str, position: str) -> None:
        with Score(self, "https", name, position, False):
            play, meaning = FAULTS[name]
            self.interface(play)
            self.play(position, meaning)
            self.check_interface(name, position)

    def interface(self, play: Play) -> None:
        self.api = SmallApi(shared() / "relay.pem", plays=(play,), host=FAULTY, listen=FAULTY)
        self.addCleanup(self.api.stop)
        secret = self.directory / "secret"
        secret.write_text(SECRET_KEY + "\n")
        secret.chmod(0o600)
        self.sections["faulty"] = {"destination": self.api.destination, "provider": "ses", "region": REGION,
                                   "username": KEY_ID, "password_file": str(secret),
                                   "tls_ca_file": str(shared() / "ca.pem"), **LIMIT}
        self.faulty_name = self.api.name

    def host_of(self, which: str) -> str:
        return FAULTY if which == "faulty" else super().host_of(which)

    def check_interface(self, name: str, position: str) -> None:
        """The promises, asked of what happened."""
        taken = [m.content for m in self.api.messages] + [None for r in self.standing.values() for _ in r.accepted]
        if name not in ("garbage", "closed_in_answer", "closed_after_body", "reset_after_body", "silent_after_body"):
            self.assertEqual(self.result.status == 0, len(taken) == 1, f"{taken} have it: {self.result}")
        self.assertIn(self.result.status, (0, 75), "promise 2: a bounce for trouble of ours")
        for content in self.api.messages:
            self.assertEqual(content.content, wire_form(self.message), "promise 3: not the whole message")
        self.assertEqual(self.api.violations, [])
        if position == f.SPARE:
            self.assertEqual(self.api.requests, [])


def add_cases() -> None:
    for name, row in CASES.items():
        setattr(Https, f"test_{name}", lambda self, row=row: self.run_case(*row))


add_cases()
