"""How long a real Postfix takes to deliver a full queue, with both relays well or the first one a tarpit."""

from __future__ import annotations

import re
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Iterable

from counting_relay import CountingRelay
from support.held_queue import CONCURRENCY, PARAMETERS, fill, release
from support.machine import wait_until
from support.postfix import PostfixLab

LIMIT = 300.0

WELL, STRANGER, KNOWN = "both are well", "the first is a tarpit from the beginning", "the first becomes a tarpit"


@dataclass
class Drain:
    seconds: float    # from the order to deliver until the last message was accepted
    met: int          # connections the tarpit had
    waits: float      # seconds, of all of them together
    lost: int         # messages that no relay, or more than one, has


class DrainLab:
    """One Postfix with two relays, for any number of runs that start with nothing remembered."""

    def __init__(self, program: Path) -> None:
        self.first, self.second = CountingRelay(), CountingRelay()
        nexthop = f"{self.first.destination},{self.second.destination}"
        self._lab = PostfixLab(program, f"example.com   relaypipe:{nexthop}\n", parameters=PARAMETERS)
        self._runs = 0

    def __enter__(self) -> DrainLab:
        self._lab.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._lab.close()
        self.first.stop()
        self.second.stop()

    def log(self) -> str:
        return self._lab.log()

    def _fill(self, messages: int) -> None:
        self._runs += 1
        fill(self._lab, messages, f"run{self._runs}@example.com")

    def _deliver(self, messages: int) -> float:
        """Seconds until the relays have accepted that many more, whichever of them it was."""
        before = len(self.first.accepted) + len(self.second.accepted)
        release(self._lab)
        began = time.monotonic()
        self._lab.flush()
        wait_until(lambda: len(self.first.accepted) + len(self.second.accepted) >= before + messages,
                   "the end of the queue", LIMIT)
        ended = max(self.first.accepted[-1:] + self.second.accepted[-1:])
        sent = rf"postfix/pipe\[\d+\]: .*to=<\d*run{self._runs}@.*status=sent"
        wait_until(lambda: len(re.findall(sent, self.log())) >= messages, "Postfix to know of it", LIMIT)
        return ended - began

    def run(self, kind: str, messages: int) -> Drain:
        for path in self._lab.state.iterdir():
            path.unlink()
        self.first.behaviour.greets = True
        if kind == KNOWN:
            self._fill(CONCURRENCY)
            self._deliver(CONCURRENCY)
        self._fill(messages)
        self.first.behaviour.greets = kind == WELL
        known, dialled = len(self.first.sessions), sum(self.first.recipients.values())
        seconds = self._deliver(messages)
        met = [] if kind == WELL else self.first.sessions[known:]
        self.first.wait_for(lambda r: all(s.ended for s in r.sessions), "the end of the last session")
        counts = self.first.recipients + self.second.recipients
        ours = [count for name, count in counts.items() if re.fullmatch(rf"\d*run{self._runs}@example\.com", name)]
        lost = messages - ours.count(1)
        assert kind == WELL or sum(self.first.recipients.values()) == dialled, "a tarpit took a message"
        return Drain(seconds, len(met), sum(s.ended - s.began for s in met), lost)


def compare(lab: DrainLab, messages: int, rounds: int) -> dict[str, list[Drain]]:
    """The runs take turns, so that whatever else the machine does strikes all alike."""
    runs: dict[str, list[Drain]] = {WELL: [], STRANGER: [], KNOWN: []}
    for _ in range(rounds):
        for kind, done in runs.items():
            done.append(lab.run(kind, messages))
            print(f"{kind}: {done[-1]}")
    return runs


def median(runs: Iterable[Drain]) -> float:
    return statistics.median(run.seconds for run in runs)


def ratios(runs: dict[str, list[Drain]]) -> dict[str, float]:
    """Drain times as multiples of that with both relays well."""
    return {kind: median(runs[kind]) / median(runs[WELL]) for kind in (STRANGER, KNOWN)}
