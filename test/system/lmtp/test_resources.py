"""A process that takes thousands of messages is as large at the end as it was, and has no more descriptors."""

from __future__ import annotations

from typing import Callable

from lmtp_case import LmtpCase
from support.case import each
from support.chain_case import DOWN
from support.lmtp_program import LmtpProgram
from support.machine import wait_until
from support.marks import measures
from support.wire import sample

WARM, SLACK = 200, 512    # messages, KiB
SMALL, SPOOLED = sample(4000), sample(1_200_000)    # the second one is in a file

Step = Callable[["ResourcesTest", LmtpProgram, int], None]


def plain(case: ResourcesTest, program: LmtpProgram, _: int) -> None:
    case.assert_codes(case.send(program, content=SMALL), "250 ")


def mixed(case: ResourcesTest, program: LmtpProgram, number: int) -> None:
    """Refused, deferred to the next relay, probes, sessions that the relay ends, many recipients."""
    kind = number % 5
    if kind == 0:
        case.assert_codes(case.send(program, "bad@example.net", "a@example.net"), "550 ", "250 ")
    elif kind == 1:
        case.assert_codes(case.send(program, "later@example.net", "a@example.net"), "250 ", "250 ")
    elif kind == 2:
        case.assert_codes(program.probe("bad@example.net"), "550 ")
    elif kind == 3:
        case.assert_codes(case.send(program, "bye@example.net"), "250 ")
    else:
        case.assert_codes(case.send(program, *(f"user{n}@example.net" for n in range(20))), *["250 "] * 20)


def spooled(case: ResourcesTest, program: LmtpProgram, _: int) -> None:
    case.assert_codes(case.send(program, content=SPOOLED), "250 ")


DIALOGUE = ("on rcpt to bad@*: reply 550 5.1.1 no such user\non rcpt to later@*: reply 451 4.2.1 busy\n"
            "on dot to bye@*: default ; close\n")


@measures
class ResourcesTest(LmtpCase):
    def settled(self, program: LmtpProgram) -> list[str]:
        """Its descriptors, when no session is kept any more."""
        wait_until(lambda: not program.connections(), "the end of the kept sessions")
        return program.descriptors()

    def measure(self, step: Step, dialogue: str, warm: int, messages: int, slack: int, **settings: str) -> None:
        first = self.relay(dialogue)
        program = self.lmtp(first, self.relay(), cool_down="1s", cool_down_max="1s", session_idle="1s", **settings)
        for number in range(warm):
            step(self, program, number)
        memory, descriptors = program.rss(), self.settled(program)
        for number in range(warm, messages):
            step(self, program, number)
        after = program.rss()
        print(f"RSS: {memory} KiB after {warm} messages, {after} KiB after {messages}; {len(descriptors)} descriptors")
        self.assertLess(after - memory, slack)
        self.assertEqual(self.settled(program), descriptors)
        self.assert_ends_well(program)

    @each({"plain": (plain, "", WARM, 2000), "mixed": (mixed, DIALOGUE, WARM, 1000),
           "down_first": (plain, DOWN, WARM, 1000), "spooled": (spooled, "", 10, 50)})
    def test_flat(self, step: Step, dialogue: str, warm: int, messages: int) -> None:
        self.measure(step, dialogue, warm, messages, SLACK, state="no")

    def test_flat_with_state(self) -> None:
        """SQLite keeps up to 2 MiB of what it has read of the recent messages; beyond that nothing grows."""
        self.measure(mixed, DIALOGUE, WARM, 1000, 2048 + SLACK)
