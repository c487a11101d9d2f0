"""The scripted relay itself: a test bench that cannot see a fault would make every other test worthless."""

from __future__ import annotations

import hashlib
import socket
import unittest

from support.case import RelayCase, each
from support.relays import BlackHole, Connection, RefusedPort, Relay, content_of
from support.scripted_relay.script import ScriptError, parse_bytes, parse_duration, parse_script


class Client:
    """The plainest SMTP client there is; it does what it is told, right or wrong."""

    def __init__(self, relay: Relay) -> None:
        self.socket = socket.create_connection((relay.host, relay.port), timeout=10)
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> bytes:
        lines = [self.file.readline()]
        while lines[-1][3:4] == b"-":
            lines.append(self.file.readline())
        return b"".join(lines)

    def say(self, line: bytes) -> bytes:
        self.send(line + b"\r\n")
        return self.reply()

    def start(self, to: bytes = b"b@example.net") -> None:
        self.reply()
        self.say(b"EHLO client.example")
        self.say(b"MAIL FROM:<a@example.org>")
        self.say(b"RCPT TO:<" + to + b">")
        assert self.say(b"DATA").startswith(b"354")


class ScriptTest(unittest.TestCase):
    def test_text_escapes(self) -> None:
        self.assertEqual(parse_bytes(r"a\r\n\0\x7f\\\;"), b"a\r\n\0\x7f\\;")
        self.assertEqual(parse_bytes(r"x${ab*3}${\0*2}y$"), b"xababab\0\0y$")

    def test_durations(self) -> None:
        self.assertEqual([parse_duration(t) for t in ("250ms", "2s", "1.5m")], [0.25, 2.0, 90.0])

    def test_offers(self) -> None:
        self.assertNotIn("PIPELINING", parse_script("offer -PIPELINING +X=1").offers)
        self.assertEqual(parse_script("offer SIZE=10").offers, {"SIZE": "10"})
        self.assertEqual(parse_script("offer none").offers, {})

    def test_rules_may_go_over_lines(self) -> None:
        rules = parse_script("on content after 10:\n    delay 1s\n    reset\n").rules
        self.assertEqual([a.verb for a in rules[0].actions], ["delay", "reset"])
        self.assertEqual(rules[0].after, 10)

    def test_first_matching_rule_wins(self) -> None:
        script = parse_script("on rcpt to bad@*: close\non rcpt connection 2-3 nth 2: reset")
        self.assertEqual(len(script.matching("rcpt", 1, 1, "a", ["bad@x"])), 1)
        self.assertEqual(script.matching("rcpt", 1, 2, "a", ["good@x"]), [])
        self.assertEqual(len(script.matching("rcpt", 3, 2, "a", ["good@x"])), 1)
        self.assertEqual(script.matching("rcpt", 4, 2, "a", ["good@x"]), [])

    def test_mistakes_are_errors(self) -> None:
        for text in ("on nowhere: close", "on mail close", "on mail: explode", "on mail:", "nonsense",
                     "on mail: delay 5", r"on mail: reply \q", "on mail to: close", "  close"):
            with self.subTest(text), self.assertRaises(ScriptError):
                parse_script(text)


class ServerTest(RelayCase):
    def only(self, relay: Relay) -> Connection:
        self.assertEqual(len(relay.connections), 1)
        return relay.connections[0]

    def test_a_delivery_is_recorded(self) -> None:
        relay = self.relay()
        with Client(relay) as client:
            client.start()
            self.assertEqual(client.say(b"Subject: x\r\n\r\n..dot\r\n."), b"250 2.0.0 Ok: queued as 1-1\r\n")
            client.say(b"QUIT")
        found = self.only(relay)
        self.assertEqual(found["ehlo"], "client.example")
        self.assertTrue(found["quit"])
        transaction = found["transactions"][0]
        self.assertEqual(transaction["recipients"], ["b@example.net"])
        self.assertTrue(transaction["dot"] and transaction["accepted"])
        self.assertEqual(content_of(transaction), b"Subject: x\r\n\r\n..dot\r\n")

    def test_empty_content(self) -> None:
        relay = self.relay()
        with Client(relay) as client:
            client.start()
            client.say(b".")
        self.assertEqual(content_of(relay.accepted[0]), b"")

    def test_segments_are_counted(self) -> None:
        relay = self.relay()
        group = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
        with Client(relay) as client:
            client.reply()
            client.say(b"EHLO c")
            client.send(group)
            self.assertEqual([client.reply()[:3] for _ in range(3)], [b"250", b"250", b"354"])
        found = self.only(relay)
        self.assertEqual(found.reads_of("MAIL", "RCPT", "DATA"), [2, 2, 2])
        self.assertEqual(found["reads"][1], len(group))

    def test_octet_by_octet(self) -> None:
        relay = self.relay("drip 1ms")
        with Client(relay) as client:
            self.assertTrue(client.reply().startswith(b"220 "))
            client.say(b"EHLO c")
            for octet in b"MAIL FROM:<a@example.org>\r\n":
                client.send(bytes([octet]))
            self.assertEqual(client.reply(), b"250 2.1.0 Ok\r\n")
            client.say(b"RCPT TO:<b@example.net>")
            client.say(b"DATA")
            for octet in b"x\r\n..\r\n.\r\n":
                client.send(bytes([octet]))
            self.assertTrue(client.reply().startswith(b"250"))
        self.assertEqual(content_of(relay.accepted[0]), b"x\r\n..\r\n")

    def test_batched_replies_come_together(self) -> None:
        relay = self.relay("batch on")
        with Client(relay) as client:
            client.reply()
            client.say(b"EHLO c")
            client.send(b"MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
            self.assertEqual(client.socket.recv(4096).count(b"\r\n"), 3)

    def test_a_forgetful_one_hears_the_first_command(self) -> None:
        relay = self.relay("forgetful on")
        with Client(relay) as client:
            client.reply()
            client.say(b"EHLO c")
            client.send(b"MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
            self.assertEqual(client.reply(), b"250 2.1.0 Ok\r\n")
            self.assertTrue(client.say(b"RCPT TO:<c@example.net>").startswith(b"250"))
        self.assertEqual([c["line"] for c in relay.connections[0]["commands"]],
                         ["EHLO c", "MAIL FROM:<>", "RCPT TO:<c@example.net>"])

    def test_recipient_rules(self) -> None:
        relay = self.relay("on rcpt to bad@*: reply 550 5.1.1 no such user")
        with Client(relay) as client:
            client.start()
            client.say(b".")
            client.say(b"MAIL FROM:<>")
            self.assertEqual(client.say(b"RCPT TO:<bad@example.net>"), b"550 5.1.1 no such user\r\n")
            self.assertTrue(client.say(b"DATA").startswith(b"554"))
        self.assertEqual(relay.transactions[1]["refused"], ["bad@example.net"])

    @each({
        "lf_command": (b"EHLO c\n", "bare LF in command"),
        "cr_command": (b"EHLO c\rd\r\n", "bare CR in command"),
        "nul_command": (b"EHLO \0\r\n", "NUL in command"),
        "param": (b"EHLO c\r\nMAIL FROM:<> RET=FULL\r\n", "parameter not offered: RET=FULL"),
        "order": (b"MAIL FROM:<>\r\n", "MAIL out of order"),
        "path": (b"EHLO c\r\nMAIL FROM:<a b@x.org>\r\n", "bad reverse-path"),
        "path_injection": (b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<a@x> NOTIFY=NEVER\r\n", "bad RCPT"),
        "non_ascii": ("EHLO c\r\nMAIL FROM:<ü@x.org>\r\n".encode(), "non-ASCII in MAIL"),
        "content_lf": (b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\na\n.\nb\r\n.\r\n", "bare LF in content: 2"),
        "content_cr": (b"EHLO c\r\nMAIL FROM:<>\r\nRCPT TO:<b@x>\r\nDATA\r\na\rb\r\n.\r\n", "bare CR in content: 1"),
    })
    def test_violations(self, sent: bytes, expected: str) -> None:
        relay = self.relay()
        self.lawless_relays.add(relay)
        with Client(relay) as client:
            client.reply()
            for part in sent.split(b"DATA\r\n"):
                client.send(part + (b"DATA\r\n" if part + b"DATA\r\n" in sent else b""))
                client.reply()
            client.say(b"NOOP")
        self.assertTrue(any(v.startswith(expected) for v in relay.violations), relay.violations)

    def test_input_before_a_reply_is_noticed(self) -> None:
        relay = self.relay("offer -PIPELINING")
        self.lawless_relays.add(relay)
        with Client(relay) as client:
            client.reply()
            client.say(b"EHLO c")
            client.send(b"MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nDATA\r\nearly\r\n")
            for _ in range(3):
                client.reply()
        self.assertEqual(relay.violations, [f"input before the reply to {s}" for s in ("mail", "rcpt", "data")])

    def test_large_content_goes_to_a_file(self) -> None:
        relay = self.relay()
        line = b"x" * 997 + b"\r\n"
        with Client(relay) as client:
            client.start()
            for _ in range(40):
                client.send(line * 100)
            self.assertTrue(client.say(b".").startswith(b"250"))
        found = relay.accepted[0]
        self.assertEqual(found["content"]["sha256"], hashlib.sha256(line * 4000).hexdigest())
        self.assertEqual(content_of(found), line * 4000)
        self.assertEqual(found["content"]["longest_line"], 997)

    def test_reset_in_the_content(self) -> None:
        relay = self.relay("on content after 1000: reset")
        with Client(relay) as client:
            client.start()
            client.send(b"x" * 1000)
            with self.assertRaises(ConnectionResetError):
                client.socket.recv(100)
        found = relay.transactions[0]
        self.assertEqual((found["dot"], found["content"]["length"]), (False, 1000))
        self.assertEqual(self.only(relay)["ended"], "reset by rule")

    @each({
        "greeting_close": ("on greeting: close", b""),
        "greeting_text": (r"on greeting: reply 554-no\r\n554 really", b"554-no\r\n554 really\r\n"),
        "overlong": ("on greeting: reply 220 ${x*70000}", b"220 " + b"x" * 70000 + b"\r\n"),
        "nul": (r"on greeting: send 2\020 \xff\r\n ; close", b"2\x0020 \xff\r\n"),
        "half": ("on greeting: send 22 ; close", b"22"),
    })
    def test_raw_replies(self, script: str, expected: bytes) -> None:
        with Client(self.relay(script)) as client:
            got = b""
            while len(got) < len(expected) and (data := client.socket.recv(65536)):
                got += data
            self.assertEqual(got, expected)

    def test_loss_before_and_after_the_reply_to_the_dot(self) -> None:
        for script, reply, accepted in (("on dot: close", b"", 0), ("on dot: default ; close", b"250", 1)):
            with self.subTest(script):
                relay = self.relay(script)
                with Client(relay) as client:
                    client.start()
                    self.assertEqual(client.say(b".")[:3], reply)
                    self.assertEqual(client.file.read(), b"")
                self.assertEqual((relay.dots, len(relay.accepted)), (1, accepted))

    def test_an_incomplete_reply_to_the_dot_is_no_acceptance(self) -> None:
        relay = self.relay(r"on dot: send 250-almost\r\n ; close")
        with Client(relay) as client:
            client.start()
            client.say(b".")
        self.assertEqual((relay.dots, relay.accepted), (1, []))

    def test_silent_still_hears_the_dot(self) -> None:
        relay = self.relay("on content after 10: silent")
        with Client(relay) as client:
            client.start()
            client.send(b"0123456789\r\n.\r\n")
            relay.wait_for("dot")
        self.assertEqual((relay.dots, relay.accepted), (1, []))

    def test_deaf_lets_the_client_block(self) -> None:
        relay = self.relay("on content: deaf")
        with Client(relay) as client:
            client.start()
            client.socket.settimeout(0.5)
            with self.assertRaises(TimeoutError):
                client.send(b"x" * 50_000_000)
        self.assertEqual(relay.dots, 0)

    def test_flood_ends_with_the_client(self) -> None:
        relay = self.relay("on greeting: flood 220-more")
        with Client(relay) as client:
            self.assertEqual(len(client.file.read(1_000_000)), 1_000_000)
        self.assertGreaterEqual(self.only(relay)["octets_sent"], 1_000_000)

    def test_hold_waits_for_the_test(self) -> None:
        relay = self.relay("on greeting: hold ; default")
        with Client(relay) as client:
            relay.wait_for("greeting")
            relay.release()
            self.assertTrue(client.reply().startswith(b"220"))

    def test_connections_may_differ(self) -> None:
        relay = self.relay("on greeting connection 1: reply 421 later ; close\non greeting connection 2-: default")
        for code in (b"421", b"220", b"220"):
            with Client(relay) as client:
                self.assertEqual(client.reply()[:3], code)
        self.assertEqual(len(relay.connections), 3)

    def test_ipv6_and_dead_addresses(self) -> None:
        with Client(self.relay(listen="::1")) as client:
            self.assertTrue(client.reply().startswith(b"220"))
        refused, hole = self.dead(RefusedPort), self.dead(BlackHole)
        with self.assertRaises(ConnectionRefusedError):
            socket.create_connection((refused.host, refused.port), timeout=5)
        with self.assertRaises(TimeoutError):
            socket.create_connection((hole.host, hole.port), timeout=0.5)
