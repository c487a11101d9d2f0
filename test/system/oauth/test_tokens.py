"""Access tokens in deliveries: fetched, kept, renewed, replaced."""

from __future__ import annotations

import stat
import time

from oauth_case import CLIENT_SECRET, FIRST, USER, BearerRelay, OauthCase
from support.case import MESSAGE, each
from support.lmtp_program import LmtpProgram
from support.relays import binary_path
from support.runs import Delivery, Surroundings


class Tokens(OauthCase):
    @each({"starttls": ("starttls",), "implicit": ("implicit",)})
    def test_first_token(self, kind: str) -> None:
        relay = self.serve(BearerRelay(self.certificates, kind))
        self.write(self.account(relay))
        self.sent()
        token, = self.endpoint.access_tokens
        self.assertEqual([(user, bearer, good) for _, user, bearer, good in relay.auth], [(USER, token, True)])
        self.assertEqual(len(relay.messages), 1)
        form, = self.endpoint.token_requests
        self.assertEqual(form, {"grant_type": "refresh_token", "refresh_token": FIRST, "scope": "mail",
                                "client_id": "confidential", "client_secret": CLIENT_SECRET})

    @each({"xoauth2": ("XOAUTH2",), "oauthbearer": ("OAUTHBEARER",)})
    def test_mechanism(self, name: str) -> None:
        self.write(self.account(more=f'auth_mechanisms = ["{name}"]'))
        self.sent()
        self.assertEqual([entry[0] for entry in self.bearer.auth], [name])

    def test_client_credentials(self) -> None:
        self.write(self.account(grant="client_credentials", refresh_token_file=None))
        self.sent()
        form, = self.endpoint.token_requests
        self.assertEqual(form["grant_type"], "client_credentials")

    def test_public_client(self) -> None:
        self.secret("refresh", FIRST + "-public")
        self.write(self.account(client_id="public", client_secret_file=None))
        self.sent()
        self.assertNotIn("client_secret", self.endpoint.token_requests[0])

    def test_kept_and_used_again(self) -> None:
        for _ in range(3):
            self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 1)
        self.assertEqual(stat.S_IMODE(self.record_file.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.record_file.parent.stat().st_mode), 0o700)
        self.assertEqual(sorted(p.name for p in self.record_file.parent.iterdir()), ["one.lock", "one.token"])

    def test_renewed_ten_minutes_before_its_end(self) -> None:
        self.sent()
        self.age(3600 - 13 * 60)
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 1)
        self.age(3 * 60)
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.assertEqual([entry[2] for entry in self.bearer.auth][2], self.endpoint.access_tokens[1])

    def test_short_life_is_halved(self) -> None:
        self.endpoint.set(lifetime=100)
        self.sent()
        self.age(40)
        self.sent()
        self.age(11)
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)

    def test_many_processes_renew_once(self) -> None:
        self.endpoint.set(delay=0.5)
        self.at_once(20)
        self.assertEqual(len(self.endpoint.token_requests), 1)
        # And with rotation, where a second request would end the account.
        self.endpoint.set(rotate=True)
        self.age(4000)
        self.at_once(20)
        self.assertEqual(len(self.endpoint.token_requests), 2)

    def at_once(self, count: int) -> None:
        running = [Delivery(self.argv("outbound"), Surroundings(self.queue)) for _ in range(count)]
        for delivery in running:
            delivery.feed(MESSAGE)
            delivery.end_input()
        for delivery in running:
            result = self.finish(delivery)
            self.printed.append(result.text)
            self.assertEqual(result.status, 0, result)

    def test_rotation_is_kept(self) -> None:
        self.endpoint.set(rotate=True)
        for _ in range(3):
            self.sent()
            self.age(4000)
        sent = [form["refresh_token"] for form in self.endpoint.token_requests]
        self.assertEqual(len(set(sent)), 3, "a refresh token was used twice")
        self.assertEqual(sent[0], FIRST)

    def test_a_new_refresh_token_of_the_administrator_wins(self) -> None:
        self.endpoint.set(rotate=True)
        self.sent()
        self.age(4000)
        self.secret("refresh", "refresh-by-hand-and-wrong")
        self.secrets.add("refresh-by-hand-and-wrong")
        self.deferred("invalid_grant")
        self.secret("refresh", FIRST)
        self.sent()
        self.assertNotEqual(self.endpoint.token_requests[-1]["refresh_token"], FIRST)

    def test_rotation_that_nobody_waits_for_is_kept(self) -> None:
        """The race is won by the other relay while the endpoint takes its time; the new refresh token is not lost."""
        self.endpoint.set(rotate=True, delay=1.5)
        quick = self.relay()
        text = self.account().replace('tiers = [["one"]]', f'tiers = [["one"], ["{quick.destination}"]]')
        self.write(text)
        result = self.sent(patience="100ms", state="no")    # or the slow one would rest
        self.assertIn(quick.name, result.text)
        self.endpoint.set(delay=0)
        self.assertNotEqual(self.record["refresh_token"], "")
        self.write(self.account())
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 1)

    def test_rotation_that_nobody_waits_for_is_kept_by_lmtp(self) -> None:
        """The same where the connection ends right after the message."""
        self.endpoint.set(rotate=True, delay=1.5)
        quick = self.relay()
        self.write(self.account().replace('tiers = [["one"]]', f'tiers = [["one"], ["{quick.destination}"]]'))
        pairs = {**self.settings, "patience": "100ms", "state": "no"}
        program = LmtpProgram([str(binary_path()), "lmtp", "--config", str(self.config),
                               *(word for name, value in pairs.items() for word in ("-o", f"{name}={value}")),
                               "--nexthop", "outbound"], self.queue)
        self.addCleanup(program.stop)
        program.hello()
        (reply,) = program.message("rcpt@example.net", content=MESSAGE, queue_id="4Q1")
        self.assertIn(quick.name, reply)
        self.assertEqual(program.end(), 0)
        self.assertNotEqual(self.record["refresh_token"], "")
        self.endpoint.set(delay=0)
        self.write(self.account())
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 1)

    def test_refused_token_is_replaced_and_delivered(self) -> None:
        self.sent()
        self.rewrite(access_token="revoked-token")
        self.secrets.add("revoked-token")
        self.bearer.tell(accept=["access-"])
        self.sent()
        self.assertEqual([entry[2] for entry in self.bearer.auth][1:], ["revoked-token", self.endpoint.access_tokens[1]])
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)

    def test_refused_twice_goes_to_the_next_relay(self) -> None:
        self.bearer.tell(accept=[])
        other = self.relay()
        self.write(self.account().replace('tiers = [["one"]]', f'tiers = [["one"], ["{other.destination}"]]'))
        self.assertIn(other.name, self.sent().text)
        self.assertEqual(len(self.endpoint.token_requests), 2)
        # The next message does not begin it all again.
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)

    def test_refused_twice_defers(self) -> None:
        self.bearer.tell(accept=[])
        self.deferred("535")

    def test_unused_for_months(self) -> None:
        self.sent()
        self.age(90 * 86400)
        self.sent()

    def test_clock_that_goes_back(self) -> None:
        """What is kept is from a time to come: it is renewed, and no delivery minds."""
        self.sent()
        self.age(-86400)
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.assertLess(abs(int(self.record["obtained"]) - time.time()), 100)
