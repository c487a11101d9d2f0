"""A dead first relay costs the first message a moment and the later ones nothing, as under pipe(8)."""

from __future__ import annotations

import subprocess

from lmtp_case import LmtpCase
from support.case import MESSAGE, each
from support.chain_case import DOWN
from support.machine import wait_until
from support.relays import BlackHole, RefusedPort, binary_path

MESSAGES = 5
FOREVER = {"cool_down": "1h", "cool_down_max": "1h"}


class DeadFirst(LmtpCase):
    @each({"refuses": (RefusedPort, {}), "black_hole": (BlackHole, {"patience": "300ms"})})
    def test_one_attempt_in_all(self, kind: type, settings: dict[str, str]) -> None:
        first, second = self.dead(kind), self.relay()
        program = self.lmtp(first, second, **FOREVER, **settings)
        for _ in range(MESSAGES):
            self.assert_sent(self.send(program), by=second)
        self.assert_ends_well(program)
        self.assertEqual(len(self.sessions(second)), 1)
        tried = [line for line in self.syslog.stop() if f":{first.port}" in line and "attempt=" in line]
        self.assertEqual(len(tried), 1, tried)

    @each({"greeting": ("on greeting: silent",), "ehlo": ("on ehlo: silent",)})
    def test_silent(self, rule: str) -> None:
        first, second = self.relay(rule), self.relay()
        program = self.lmtp(first, second, **FOREVER, patience="300ms")
        for _ in range(MESSAGES):
            self.assert_sent(self.send(program), by=second)
        self.assert_ends_well(program)
        self.assertEqual(len(first.connections), 1)

    def test_front_ends_share_what_they_know(self) -> None:
        """What a delivery under pipe(8) has found out is known here, and the other way round."""
        first, second = self.relay(DOWN), self.relay()
        self.assertEqual(self.deliver(first, second, **FOREVER).status, 0)
        program = self.lmtp(first, second, **FOREVER)
        self.assert_sent(self.send(program), by=second)
        self.assertEqual(self.deliver(first, second, message=MESSAGE, **FOREVER).status, 0)
        self.assertEqual((len(first.connections), len(second.accepted)), (1, 3))

    def test_another_process_knows(self) -> None:
        first, second = self.relay(DOWN), self.relay()
        programs = [self.lmtp(first, second, **FOREVER) for _ in range(3)]
        for program in programs:
            self.assert_sent(self.send(program), by=second)
        self.assertEqual(len(first.connections), 1)

    def test_it_comes_back(self) -> None:
        """Messages go on to the second meanwhile; the first has its place again when it answers."""
        first, second = self.relay("on greeting connection 1: reply 421 4.3.2 closing ; close"), self.relay()
        program = self.lmtp(first, second, cool_down="1s", cool_down_max="1s")
        self.assert_sent(self.send(program), by=second)
        wait_until(lambda: first.name in self.send(program)[0], "a message through the first relay")
        self.assert_sent(self.send(program), by=first)
        self.assertEqual(len(self.sessions(first)), 1)

    def test_all_down(self) -> None:
        first, second = self.dead(RefusedPort), self.dead(RefusedPort)
        program = self.lmtp(first, second, **FOREVER)
        to = ("a@example.net", "b@example.net")
        self.assert_codes(self.send(program, *to), *["451 4.4.1 "] * 2)
        self.assert_codes(self.send(program, *to), *["451 4."] * 2)
        self.assert_ends_well(program)

    @each({"quota": ("454 4.7.0 Throttling failure: Daily message quota exceeded.", 1),
           "listed": ("554 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org", 2)})
    def test_trouble_of_the_relay_at_rcpt(self, said: str, asked: int) -> None:
        """A refusal that names neither recipient nor message bounces nobody; the next relay has them all."""
        first, second = self.relay(f"on rcpt: reply {said}"), self.relay()
        program = self.lmtp(first, second)
        for _ in range(2):
            self.assert_sent(self.send(program, "a@example.net", "b@example.net"), by=second)
        self.assertEqual((len(first.transactions), first.dots), (asked, 0))

    def test_suspended_by_hand(self) -> None:
        """The session that is kept with it is not used, and again after it was resumed."""
        first, second = self.relay(), self.relay()
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{first.destination}"\n'
                          f'[relay.two]\ndestination = "{second.destination}"\n'
                          '[chain.outbound]\ntiers = [["one"], ["two"]]\n')
        options = ("--config", str(config))

        def tool(command: str) -> None:
            done = subprocess.run([binary_path(), command, "one", *options, "-o", f"state_directory={self.state}"],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done)

        program = self.lmtp("outbound", options=options)
        self.assert_sent(self.send(program), by=first)
        tool("suspend")
        for _ in range(2):
            self.assert_sent(self.send(program), by=second)
        tool("resume")
        self.assert_sent(self.send(program), by=first)

    def test_a_refusal_is_about_its_recipient_alone(self) -> None:
        """Fifty unknown recipients do not make a relay one that is down."""
        relay = self.relay("on rcpt to bad*: reply 550 5.1.1 no such user")
        program = self.lmtp(relay)
        bad = [f"bad{n}@example.net" for n in range(50)]
        self.assert_codes(self.send(program, *bad), *["550 5.1.1 "] * 50)
        self.assert_sent(self.send(program), by=relay)

    def test_the_deadline(self) -> None:
        first = self.relay("on greeting: silent")
        program = self.lmtp(first, options=("--deadline", "1s"))
        self.assert_codes(self.send(program, "a@example.net", "b@example.net"), "451 4.4.", "451 4.4.")
        # The connection goes on.
        self.assert_codes(self.send(program), "451 4.4.")
        self.assert_ends_well(program)
