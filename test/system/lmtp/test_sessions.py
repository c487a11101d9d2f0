"""Sessions to relays are kept between messages; what a relay does with an idle one costs no failure and no other relay."""

from __future__ import annotations

import signal

from lmtp_case import LmtpCase
from support.case import each
from support.chain_case import DOWN
from support.lmtp_program import LmtpProgram
from support.machine import wait_until
from support.relays import Relay

MESSAGES = 6
REFUSED = "reply 550 5.1.1 no such user"


class SessionCase(LmtpCase):
    def send_many(self, program: LmtpProgram, by: Relay, count: int = MESSAGES) -> None:
        for _ in range(count):
            self.assert_sent(self.send(program), by=by)

    def counts(self, relay: Relay) -> list[int]:
        """How many messages each session carried."""
        return [len(session["transactions"]) for session in relay.connections]

    def accepted_by(self, relay: Relay) -> int:
        """How many messages it accepted, as all processes know it."""
        told = self.status()["relays"]
        return sum(each["accepted_ever"] for each in told if each["relay"] == relay.destination)

    def assert_quit(self, relay: Relay) -> None:
        self.assertEqual([s["quit"] for s in relay.connections], [True] * len(relay.connections), relay.connections)


class KeptTest(SessionCase):
    @each({"pipelined": ("",), "lock_step": ("offer -PIPELINING",)})
    def test_one_session_carries_many(self, offer: str) -> None:
        relay = self.relay(offer)
        program = self.lmtp(relay)
        self.send_many(program, relay, 50)
        self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [50])
        self.assert_quit(relay)
        self.assertEqual(relay.connections[0].verbs.count("EHLO"), 1)

    def test_session_messages(self) -> None:
        """QUIT is said with the last message, not when the next one comes."""
        relay = self.relay()
        program = self.lmtp(relay, session_messages="3")
        self.send_many(program, relay, 3)
        relay.wait_for("quit")
        self.send_many(program, relay, 4)
        self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [3, 3, 1])
        self.assert_quit(relay)

    def test_a_session_for_each_message(self) -> None:
        relay = self.relay()
        self.send_many(self.lmtp(relay, session_messages="1"), relay, 3)
        self.assertEqual(self.counts(relay), [1, 1, 1])
        self.assert_quit(relay)

    @each({"idle": ({"session_idle": "200ms"},), "age": ({"session_idle": "60s", "session_age": "200ms"},)})
    def test_its_time_comes(self, settings: dict[str, str]) -> None:
        """Nobody writes or reads meanwhile: the program notices by itself."""
        relay = self.relay()
        program = self.lmtp(relay, **settings)
        self.send_many(program, relay, 1)
        relay.wait_for("quit")
        relay.wait_for("end")
        self.send_many(program, relay, 1)
        self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [1, 1])
        self.assert_quit(relay)

    @each({"eof": ("hang_up",), "sigterm": ("terminate",)})
    def test_the_end_of_the_process_is_quit(self, how: str) -> None:
        relay = self.relay()
        program = self.lmtp(relay, session_idle="60s")
        self.send_many(program, relay, 2)
        program.hang_up() if how == "hang_up" else program.signal(signal.SIGTERM)
        self.assertEqual(program.wait(), 0)
        self.assertEqual(self.counts(relay), [2])
        self.assert_quit(relay)

    @each({"goes_on": ("",), "eof": ("hang_up",), "sigterm": ("terminate",)})
    def test_what_was_accepted_is_counted(self, how: str) -> None:
        """Of a relay that is well not with each message, but soon, and all of it when the process ends."""
        relay = self.relay()
        program = self.lmtp(relay, session_idle="60s")
        self.send_many(program, relay, 7)
        if how == "hang_up":
            program.hang_up()
        if how == "terminate":
            program.signal(signal.SIGTERM)
        if how:
            self.assertEqual(program.wait(), 0)
            self.assertEqual(self.accepted_by(relay), 7)
        else:
            wait_until(lambda: self.accepted_by(relay) == 7, "seven messages to be counted")

    @each({"rcpt": (f"on rcpt to bad@*: {REFUSED}",), "data": (f"on data nth 1: {REFUSED}",),
           "dot": (f"on dot nth 1: {REFUSED}",), "mail": (f"on mail nth 1: {REFUSED}",),
           "slow_rcpt": (f"on mail nth 1: {REFUSED}\non rcpt nth 1: delay 300ms ; default",),
           "slow_data": (f"on rcpt to bad@*: {REFUSED}\non data nth 1: delay 300ms ; default",),
           "lock_step": (f"offer -PIPELINING\non rcpt to bad@*: {REFUSED}",),
           "slow_rset": (f"on rset: delay 300ms ; default\non rcpt to bad@*: {REFUSED}",)})
    def test_a_refusal_does_not_end_it(self, dialogue: str) -> None:
        relay = self.relay(dialogue)
        program = self.lmtp(relay)
        self.assert_codes(self.send(program, "bad@example.net"), "550 5.1.1 ")
        self.send_many(program, relay, 2)
        self.assert_ends_well(program)
        self.assertEqual(len(self.sessions(relay)), 1)
        self.assert_quit(relay)

    @each({"one": (1,), "several": (3,)})
    def test_late_replies_are_nobody_elses(self, recipients: int) -> None:
        """The refusal of MAIL is known before the replies to what was sent behind it, which are those of its message."""
        relay = self.relay("on mail nth 1: reply 550 5.1.8 bad sender\n"
                           "on rcpt nth 1: delay 300ms ; reply 550 5.5.1 need MAIL")
        program = self.lmtp(relay)
        to = [f"user{n}@example.net" for n in range(recipients)]
        self.assert_codes(self.send(program, *to), *["550 5.1.8 "] * recipients)
        self.assert_sent(self.send(program, *to), by=relay)

    def test_late_replies_after_the_deadline(self) -> None:
        """A session in which a message was broken off is no one else's; the relay would take it for out of order."""
        relay = self.relay("on mail connection 1: delay 2s ; default")
        program = self.lmtp(relay, options=("--deadline", "1s"))
        to = ("a@example.net", "b@example.net")
        self.assert_codes(self.send(program, *to), "451 4.4.", "451 4.4.")
        wait_until(lambda: self.send(program, *to)[0].startswith("250 "), "a delivery")


class LostTest(SessionCase):
    """Ends of an idle session. A second relay is there, and no message may need it."""

    def deliver_through(self, relay: Relay, messages: int = MESSAGES) -> list[int]:
        """Nothing is a failure: no line in the log, and the relay keeps its place. The counts of its sessions."""
        second = self.relay()
        program = self.lmtp(relay, second, session_idle="60s")
        self.send_many(program, relay, messages)
        self.assert_ends_well(program)
        self.assertEqual((relay.dots, second.connections), (messages, []))
        self.assertEqual(self.failures(), [])
        return self.counts(relay)

    @each({"closed": ("close",), "reset": ("reset",), "closed_later": ("delay 20ms ; close",),
           "421": ("reply 421 4.4.2 idle ; close",), "421_later": ("delay 20ms ; reply 421 4.4.2 idle ; close",)})
    def test_ended_after_each_message(self, end: str) -> None:
        self.assertEqual(self.deliver_through(self.relay(f"on dot: default ; {end}")), [1] * MESSAGES)

    @each({"421": ("reply 421 4.3.2 closing ; close",), "closed": ("close",), "reset": ("reset",),
           "452": ("reply 452 4.5.3 too many messages in this session",)})
    def test_ended_at_the_next_mail(self, end: str) -> None:
        """The MAIL that was not answered counts for nobody: each session has one of them, but for the last."""
        counts = self.deliver_through(self.relay(f"on mail nth 2: {end}"))
        self.assertEqual(counts, [2] * (MESSAGES - 1) + [1])

    def test_a_limit_of_messages(self) -> None:
        """The relay has enough of the session and goes on refusing in it: nobody waits, and no other relay is needed."""
        rules = "".join(f"on mail nth {n}: reply 452 4.5.3 too many messages in this session\n" for n in range(3, 20))
        self.assertEqual(self.deliver_through(self.relay(rules)), [3, 3, 2])

    def test_ended_at_the_next_mail_in_lock_step(self) -> None:
        self.deliver_through(self.relay("offer -PIPELINING\non mail nth 2: reply 421 4.3.2 closing ; close"))

    def test_ended_at_rset(self) -> None:
        """After a refusal the session is reset for the next message."""
        relay = self.relay(f"on rcpt to bad@*: {REFUSED}\non rset: close")
        program = self.lmtp(relay, self.relay())
        for _ in range(3):
            self.assert_codes(self.send(program, "bad@example.net"), "550 5.1.1 ")
            self.send_many(program, relay, 1)
        self.assertEqual(len(relay.accepted), 3)

    def test_ended_at_rset_while_the_next_message_waits_for_it(self) -> None:
        relay = self.relay(f"on rcpt to bad@*: {REFUSED}\non rset: delay 300ms ; close")
        program = self.lmtp(relay, self.relay())
        self.assert_codes(self.send(program, "bad@example.net"), "550 5.1.1 ")
        self.send_many(program, relay, 2)
        self.assertEqual(len(relay.accepted), 2)
        self.assertEqual(self.failures(), [])

    def test_the_relay_is_started_anew(self) -> None:
        old, second = self.relay(), self.relay()
        program = self.lmtp(old, second, session_idle="60s")
        self.send_many(program, old, 2)
        old.stop()
        new = self.relay(port=old.port)
        self.send_many(program, new, 2)
        self.assert_ends_well(program)
        self.assertEqual((len(old.accepted), len(new.accepted), second.connections), (2, 2, []))
        self.assertEqual(self.failures(), [])

    def test_a_relay_that_died_is_a_dead_relay(self) -> None:
        """The kept session is gone, and so is the relay: the next one has the message at once, and those after it."""
        first, second = self.relay(), self.relay()
        program = self.lmtp(first, second, session_idle="60s")
        self.send_many(program, first, 1)
        first.stop()
        self.send_many(program, second, 3)
        self.assert_ends_well(program)
        self.assertEqual((len(first.accepted), len(second.accepted)), (1, 3))
        self.assertEqual(self.counts(second), [3])
        self.assertEqual(len(self.failures()), 1)

    @each({"rcpt": ("rcpt",), "data": ("data",)})
    def test_lost_after_mail_was_answered(self, stage: str) -> None:
        """This one counts: the relay took up the session again, and failed."""
        first, second = self.relay(f"offer -PIPELINING\non {stage} nth 2: close"), self.relay()
        program = self.lmtp(first, second)
        self.send_many(program, first, 1)
        self.send_many(program, second, 1)
        self.assert_ends_well(program)
        self.assertEqual((len(first.accepted), len(second.accepted)), (1, 1))
        self.assertEqual(len(self.failures()), 1)

    def test_lost_while_the_message_comes(self) -> None:
        """The kept session is chosen when the header has come; the relay ends it before the content has."""
        relay = self.relay("on dot nth 1 connection 1: default ; hold ; close")
        second = self.relay()
        program = self.lmtp(relay, second, session_idle="60s")
        self.send_many(program, relay, 1)
        program.begin("rcpt@example.net", queue_id="4QSLOW")
        program.send(b"From: sender@example.org\r\nSubject: slow\r\n\r\nHello.\r\n")
        relay.release()
        relay.wait_for("end")
        program.send(b".\r\n")
        self.assert_sent([program.reply()], by=relay)
        self.assert_ends_well(program)
        self.assertEqual((len(relay.accepted), second.connections), (2, []))
        self.assertEqual(self.failures(), [])


class LimitedTest(SessionCase):
    """A relay that may have only so many connections, at all processes together: idle ones count."""

    def setUp(self) -> None:
        super().setUp()
        self.settings["session_idle"] = "60s"
        self.settings["max_wait"] = "20s"

    def program(self, relay: Relay, connections: int) -> LmtpProgram:
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{relay.destination}"\nconnections = {connections}\n'
                          '[chain.outbound]\ntiers = [["one"]]\n')
        return self.lmtp("outbound", options=("--config", str(config)))

    def test_one_session_carries_many(self) -> None:
        relay = self.relay()
        program = self.program(relay, 1)
        self.send_many(program, relay)
        self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [MESSAGES])

    def test_an_idle_one_is_given_up_for_whoever_waits(self) -> None:
        """Three processes take turns at the only place: each finds it taken by a session that nobody uses."""
        relay = self.relay()
        programs = [self.program(relay, 1) for _ in range(3)]
        for program in programs + programs:
            self.send_many(program, relay, 2)
        for program in programs:
            self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [2] * 6)
        self.assert_quit(relay)

    def test_two_places_for_three(self) -> None:
        """Only as many are given up as are needed."""
        relay = self.relay()
        programs = [self.program(relay, 2) for _ in range(3)]
        for program in programs:
            self.send_many(program, relay, 1)
        self.send_many(programs[2], relay, 3)
        for program in programs:
            self.assert_ends_well(program)
        self.assertEqual(self.counts(relay), [1, 1, 4])

    def test_ones_own_idle_place_is_no_reason_for_another_relay(self) -> None:
        """However short a place is waited for: this one is there."""
        self.settings["max_wait"] = "0s"
        first, second = self.relay(), self.relay()
        config = self.directory / "relaypipe.toml"
        config.write_text(f'[relay.one]\ndestination = "{first.destination}"\nconnections = 1\n'
                          f'[relay.two]\ndestination = "{second.destination}"\n'
                          '[chain.outbound]\ntiers = [["one"], ["two"]]\n')
        program = self.lmtp("outbound", options=("--config", str(config)))
        self.send_many(program, first)
        self.assert_ends_well(program)
        self.assertEqual((self.counts(first), second.connections), ([MESSAGES], []))

    def test_the_place_of_a_killed_process(self) -> None:
        relay = self.relay()
        first, second = self.program(relay, 1), self.program(relay, 1)
        self.send_many(first, relay, 1)
        first.signal(signal.SIGKILL)
        first.wait()
        self.send_many(second, relay, 1)
        self.assert_ends_well(second)


class NotKeptTest(LmtpCase):
    def test_one_that_was_opened_for_another_client(self) -> None:
        """XCLIENT makes the session that client's."""
        self.lawless_relays.add(relay := self.relay("offer +XCLIENT=ADDR\non other: reply 220 relay.test ESMTP"))
        program = self.lmtp(relay, client_report="xclient")
        for number in (1, 2):
            program.ask(f"XFORWARD ADDR=192.0.2.{number}")
            self.assert_sent(self.send(program, queue_id=""), by=relay)
        self.assert_ends_well(program)
        said = [[line for line in session.lines if line.startswith("XCLIENT")] for session in relay.connections]
        self.assertEqual(said, [["XCLIENT ADDR=192.0.2.1"], ["XCLIENT ADDR=192.0.2.2"]])

    def test_each_message_has_its_own_client(self) -> None:
        """XFORWARD is about a message, so the session is kept."""
        self.lawless_relays.add(relay := self.relay("offer +XFORWARD=ADDR\non other: reply 250 2.0.0 Ok"))
        program = self.lmtp(relay, client_report="xforward")
        for client in ("192.0.2.1", "", "192.0.2.3"):
            if client:
                program.ask(f"XFORWARD ADDR={client}")
            self.assert_sent(self.send(program, queue_id=""), by=relay)
        self.assert_ends_well(program)
        (session,) = relay.connections
        said = [line for line in session.lines if line.startswith(("XFORWARD", "MAIL"))]
        self.assertEqual([line.split(" ")[0] for line in said], ["XFORWARD", "MAIL", "MAIL", "XFORWARD", "MAIL"])
        self.assertEqual((said[0], said[3]), ("XFORWARD ADDR=192.0.2.1", "XFORWARD ADDR=192.0.2.3"))

    def test_another_relay_has_another_session(self) -> None:
        """Two relays that are both needed for each message: one session each."""
        first, second = self.relay("on rcpt to b@*: reply 451 4.3.0 not now"), self.relay()
        program = self.lmtp(first, second)
        for _ in range(4):
            replies = self.send(program, "a@example.net", "b@example.net")
            self.assert_codes(replies, f"250 2.0.0 {first.name}", f"250 2.0.0 {second.name}")
        self.assert_ends_well(program)
        self.assertEqual((len(self.sessions(first)), len(self.sessions(second))), (1, 1))


class RefusingAgain(LmtpCase):
    def test_a_session_kept_beside_a_relay_that_is_down(self) -> None:
        """The dead relay is dialled once in all, and the other one's session is kept."""
        first, second = self.relay(DOWN), self.relay()
        program = self.lmtp(first, second, cool_down="1h", cool_down_max="1h")
        for _ in range(MESSAGES):
            self.assert_sent(self.send(program), by=second)
        self.assert_ends_well(program)
        self.assertEqual((len(first.connections), len(second.connections)), (1, 1))
