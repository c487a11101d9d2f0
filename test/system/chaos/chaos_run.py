"""One chaos run from its seed to its judgement."""

from __future__ import annotations

import math
import re
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Optional

from chaos_world import World, world
from evidence import Evidence
from judge import Judgement, judge
from messages import message
from submission import Submission
from troubles import Chaos, Event, plan
from victims import LmtpVictims, PipeVictims, running

BACKLOG = 150       # messages Postfix has at a time; more would only wait
AHEAD = 30          # messages that are submitted before a trouble that is due has been carried out
FLUSH_EVERY = 2.0   # seconds
QUEUES = ("maildrop", "incoming", "active", "deferred", "hold", "corrupt")


@dataclass
class Options:
    binary: Path
    messages: int
    seed: str
    limit: float             # seconds until the messages are submitted, and again until the queue is empty
    badness: float = 0.45    # share of a relay's sessions in which something is wrong
    by_lmtp: bool = False    # over lmtp(8) and `relaypipe lmtp`, instead of pipe(8)


@dataclass
class Result:
    evidence: Evidence
    judgement: Judgement
    log: str
    seconds: float
    octets: int


class LogReader:
    """Counts how many messages Postfix is done with, reading only what is new in its log."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")
        self._rest = b""
        self.removed = 0

    def read(self) -> None:
        lines, _, self._rest = (self._rest + self._file.read()).rpartition(b"\n")
        self.removed += len(re.findall(rb"postfix/qmgr\[\d+\]: \w+: removed$", lines, re.MULTILINE))

    def close(self) -> None:
        self._file.close()


class Run:
    def __init__(self, options: Options, made: World, say: Callable[[str], None]) -> None:
        self.options, self.world, self.say = options, made, say
        self.log = LogReader(made.lab.log_file)
        self.submission = Submission(made.lab, lambda number: message(options.seed, number), options.messages,
                                     self._room)
        victims = LmtpVictims(made.lab) if options.by_lmtp else PipeVictims(made.lab)
        self.chaos = Chaos(made.lab, made.dns, self.submission.gate.alone, victims)
        self.failure: Optional[BaseException] = None
        self._due = 0.0    # the position of the next trouble

    def _room(self, submitted: int) -> bool:
        return self.in_postfix(submitted) < BACKLOG and submitted < self._due + AHEAD

    def in_postfix(self, submitted: int) -> int:
        return submitted - self.log.removed

    def misbehave(self) -> None:
        """The messages and the troubles, until all of both are through."""
        events = plan(self.options.seed, self.options.messages)
        troubles = threading.Thread(target=self._trouble, args=(events,), daemon=True)
        self.submission.start()
        troubles.start()
        self._attend(lambda: self.submission.done and not troubles.is_alive(), "all messages were submitted")
        self.submission.stop()
        # A submission that fails because a trouble went wrong is not what has to be told.
        if failure := self.failure or self.submission.failure:
            raise failure

    def drain(self) -> int:
        """All is well again: how much stays in the queue?"""
        self.chaos.calm()
        for relay in self.world.relays.values():
            relay.be_good()
        self._attend(lambda: not self.queued(), "the queue was empty")
        return self.queued()

    def queued(self) -> int:
        lab = self.world.lab
        files = sum(path.is_file() for name in QUEUES for path in (lab.queue / name).rglob("*"))
        return files + len(running(lab.program))

    def _trouble(self, events: list[Event]) -> None:
        try:
            for event in events:
                self._due = event.position
                while len(self.submission.submitted) < event.position:
                    if self.submission.done:
                        return
                    time.sleep(0.005)
                self.chaos.carry_out(event)
            self._due = math.inf
        except BaseException as error:
            self.failure = error

    def _attend(self, finished: Callable[[], bool], what: str) -> None:
        """Flushes and counts until then, or the limit."""
        end, flush, told = time.monotonic() + self.options.limit, 0.0, 0.0
        while not finished():
            now = time.monotonic()
            if now > end:
                self.say(f"{self.options.limit:.0f} s went by before {what}")
                return
            if now > flush and not self.submission.gate.shut:
                flush = now + FLUSH_EVERY
                self._flush()
            if now > told:
                told = now + 10
                self.say(f"{len(self.submission.submitted)} submitted, {self.log.removed} done")
            self.log.read()
            time.sleep(0.05)

    def _flush(self) -> None:
        try:
            self.world.lab.flush()
        except RuntimeError:
            pass    # Postfix is being stopped

    def evidence(self, left: int, log: str) -> Evidence:
        found = Evidence(sorted(self.submission.submitted, key=lambda each: each.number), [], self.chaos.record, left)
        found.read_log(log, {str(relay.port): name for name, relay in self.world.relays.items()})
        for relay in self.world.relays.values():
            relay.stop()
            if errors := relay.errors():
                raise RuntimeError(f"a relay has trouble of its own: {errors}")
            found.read_sessions(relay.sessions())
        return found


def run(options: Options, directory: Path, say: Callable[[str], None] = lambda _: None) -> Result:
    """Needs root and a thread of its own process: it leaves the machine's network."""
    begun = time.monotonic()
    with world(options.binary, directory, options.seed, options.badness, options.by_lmtp) as made:
        the_run = Run(options, made, say)
        the_run.misbehave()
        left = the_run.drain()
        made.lab.stop()
        log = made.lab.log()
        evidence = the_run.evidence(left, log)
        the_run.log.close()
    octets = sum(len(message(options.seed, each.number).content) for each in evidence.messages)
    return Result(evidence, judge(evidence), log, time.monotonic() - begun, octets)
