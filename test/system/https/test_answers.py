"""Every answer of test/corpus/answers, said by an interface to the real program: whose fault it is, and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from https_case import RECIPIENT, SENDER, HttpsCase, Play, SmallApi, each

ANSWERS = Path(__file__).resolve().parents[2] / "corpus" / "answers" / "answers.txt"
TO_ONE = f"From: {SENDER}\nTo: {RECIPIENT}\nSubject: x\n\nx\n".encode()


Row = tuple[str, Play, str, str]


def rows() -> dict[str, Row]:
    """Provider, the answer, what it means, and where it is written."""
    found = {}
    for number, line in enumerate(ANSWERS.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        provider, first, body, meaning, _ = line.split(" | ")
        status, word = first.split(" ", 1)
        head = () if word == "-" else (f"x-amzn-ErrorType: {word}",)
        found[f"{provider}_line_{number}"] = (provider, Play(status=int(status), body=body.encode(), head=head), meaning, line)
    return found


def of_token(provider: str, meaning: str) -> bool:
    """Whether the answer may be about an access token that is too old: then one new one is fetched, and the request is
    repeated once. What is said to the second request counts."""
    return " auth" in meaning and provider in ("graph", "gmail")


class Answers(HttpsCase):
    def api_of(self, provider: str, *plays: Play) -> tuple[SmallApi, dict[str, Any]]:
        """An interface, and a relay that uses it; a token is new each time it is fetched."""
        api = self.api(provider, *plays)
        if provider not in ("graph", "gmail"):
            return api, self.keys_of(api)
        script, count = self.directory / "token.sh", self.directory / "count"
        script.write_text(f"#!/bin/sh\necho x >> {count}\necho token-$(wc -l < {count})\n")
        script.chmod(0o755)
        keys = self.keys_of(api, oauth2={"token_command": [str(script)]})
        api.tokens = {"token-1", "token-2"}
        return api, keys

    @staticmethod
    def tokens_of(api: SmallApi) -> list[str]:
        return [request.head["authorization"].removeprefix("Bearer ") for request in api.requests]

    @each(rows())
    def test_an_answer_of_the_corpus(self, provider: str, play: Play, meaning: str, line: str) -> None:
        scope, severity, following, dsn, cause = meaning.split(" ")[:5]
        repeated = of_token(provider, meaning)
        (api, keys), second = self.api_of(provider, *[play] * (2 if repeated else 1)), self.relay()
        result = self.send(keys, second, message=TO_ONE)
        self.assertEqual(api.messages, [], line)
        self.assertEqual(len(api.requests), 2 if repeated else 1, line)
        if repeated:
            self.assertEqual(self.tokens_of(api), ["token-1", "token-2"])
        if following == "next":
            self.assert_next(result, f"; tried localhost: {play.status}", by=second)
        else:
            self.assertTrue(result.text.startswith(f"{dsn} host {api.name} said: {play.status}"), f"{line}\n{result}")
            self.assert_untouched(second)
        (attempt,) = self.log("attempt=", api.name)
        self.assertIn(f"dsn={dsn}", attempt, line)
        self.assertIn("attempt=refused" if following == "stop" else "attempt=failed", attempt, line)
        if scope.startswith("relay") and cause != "unknown":
            self.assertIn(f"cause={cause}", attempt, line)

    @each({name: row for name, row in rows().items() if of_token(row[0], row[2])})
    def test_a_newer_token_is_taken(self, provider: str, play: Play, meaning: str, line: str) -> None:
        """The answer to the old one is no trouble of the relay, and the log has nothing of it."""
        (api, keys), second = self.api_of(provider, play), self.relay()
        self.assert_taken(self.send(keys, second, message=TO_ONE), api)
        self.assertEqual(self.tokens_of(api), ["token-1", "token-2"], line)
        self.assert_untouched(second)
        (attempt,) = self.log("attempt=", api.name)
        self.assertIn("attempt=accepted", attempt, line)
