"""What a dead first relay costs: one table, with the defaults of the program.

Usage: test reach/bad_worlds [--binary PATH] [--repeat N] [--readme]          (needs root, for a network namespace)

Every world has a first relay that is no use and, but where it says otherwise, a healthy second one. `more` is the median
time against that of a healthy first relay in the same run, found in the same way (by address or by name). A `*` marks a
limit that was shortened for the table. The targets: refused < 50 ms, black hole and tarpit <= patience + 0.5 s.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import statistics
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Optional

from reach_case import WorldCase
from support import figures
from support.networks import NOWHERE, NOWHERE6
from support.relays import Relay
from support.runs import Result


README = Path(__file__).resolve().parent / "README.md"
GOOD, OTHER = "127.0.0.3", "127.0.0.4"
PORT = 2525
AT_ONCE, PATIENCE = 0.05, 2.5
HOLE = f"[{NOWHERE[0]}]:{PORT}"
ZONE = f"""
good.test   A     {GOOD}
good.test   AAAA  nodata
sick.test   *     servfail
two.test    A     {OTHER}
two.test    AAAA  {NOWHERE6[0]}
six.test    A     {', '.join(NOWHERE[:5])}, {OTHER}
six.test    AAAA  nodata
"""
SCRIPTS = {"tarpit": "on greeting: silent", "drip": "drip 1s", "closing": "on greeting: default ; close"}


@dataclass(frozen=True)
class World:
    name: str
    hops: tuple[str, ...]
    took: str                        # where the message has to go: "second", "first", "either" or "nobody"
    attempts: tuple[str, ...] = ()   # what the log has to hold for every delivery
    target: Optional[float] = None   # seconds more than a healthy first relay
    settings: dict[str, str] = field(default_factory=dict)
    by_name: bool = False
    once: bool = False               # too long to be repeated


@dataclass
class Row:
    world: World
    seconds: float
    more: Optional[float]
    results: list[Result]
    attempts: list[tuple[str, ...]]
    took: Counter[str]

    @property
    def told(self) -> str:
        """What became of the messages; more than one thing only where the world leaves it open."""
        sent = [f"sent by the {who} relay" for who in ("first", "second") if self.took[who]]
        if len(sent) == 2:
            return "sent by the first or second relay"
        return " or ".join(sent + ([f"deferred {self.results[0].text[:5]}"] if self.took["nobody"] else []))

    @property
    def verdict(self) -> str:
        if self.world.target is None or self.more is None:
            return ""
        limit = f"{self.world.target * 1000:.0f} ms" if self.world.target < 1 else f"{self.world.target:.1f} s"
        return f"{'met' if self.more <= self.world.target else 'MISSED'} ({limit})"


def worlds(relays: dict[str, Relay]) -> list[World]:
    good = f"[{GOOD}]:{PORT}"
    tarpit, drip, closing = (relays[name].destination for name in ("tarpit", "drip", "closing"))
    fast_dns, dead_dns = {"dns_timeout": "1s"}, {"dns_servers": f"{NOWHERE[8]}:53"}
    return [
        World("refused", (f"[127.0.0.2]:{PORT}", good), "second", ("failed", "accepted"), AT_ONCE),
        World("black-holed (SYN lost)", (HOLE, good), "second", ("superseded", "accepted"), PATIENCE),
        World("tarpit (accepts, is silent)", (tarpit, good), "second", ("superseded", "accepted"), PATIENCE),
        World("greeting drips 1 octet/s", (drip, good), "second", ("superseded", "accepted"), PATIENCE),
        World("closes after the greeting", (closing, good), "second", ("failed", "accepted")),
        World("IPv6 dead, IPv4 alive", (f"[two.test]:{PORT}", good), "first", ("accepted",), by_name=True),
        World("first name SERVFAIL", (f"[sick.test]:{PORT}", f"[good.test]:{PORT}"), "second", ("failed", "accepted"),
              by_name=True),
        World("DNS server dead, second by address", (f"[good.test]:{PORT}", good), "second", ("accepted",),
              settings=dead_dns, by_name=True),
        World("DNS server dead, all by name *dns 1s", (f"[good.test]:{PORT}", f"[two.test]:{PORT}"), "nobody",
              ("failed", "failed"), settings={**dead_dns, **fast_dns}, by_name=True, once=True),
        World("six addresses, five dead, limit 5", (f"[six.test]:{PORT}", good), "either", by_name=True),
        World("six addresses, five dead, no limit", (f"[six.test]:{PORT}", good), "first", ("accepted",),
              settings={"mx_address_limit": "0"}, by_name=True),
        World("all refused", (f"[127.0.0.2]:{PORT}", f"[127.0.0.9]:{PORT}"), "nobody", ("failed", "failed")),
        World("all black-holed *connect 3s", (HOLE, f"[{NOWHERE[1]}]:{PORT}"), "nobody", ("failed", "failed"),
              settings={"connect_timeout": "3s"}, once=True),
        World("all dead *connect, greeting 3s", (HOLE, tarpit, f"[127.0.0.2]:{PORT}"), "nobody",
              settings={"connect_timeout": "3s", "greeting_timeout": "3s"}, once=True),
    ]


class BadWorlds(WorldCase):
    """The stage on which the worlds are played; a test case for the sake of its relays, its log and its cleaning up."""

    def runTest(self) -> None:
        """Needed to exist."""

    def setUp(self) -> None:
        super().setUp()
        del self.settings["dns_timeout"]    # the defaults are what is measured
        self.settings["state"] = "no"         # and every delivery is to meet its world for the first time
        self.responder(ZONE)
        self.good, self.other = self.host(GOOD), self.host(OTHER)
        self.troubled = {name: self.host(f"127.0.0.{n}", script) for n, (name, script) in enumerate(SCRIPTS.items(), 5)}
        self.lawless_relays.update(self.troubled.values())
        self._number = self.well = 0

    def once(self, *hops: str, **settings: str) -> tuple[str, Result]:
        self._number += 1
        queue_id = f"Q{self._number}"
        return queue_id, self.deliver(*hops, options=("--queue-id", queue_id), **settings)

    def measure(self, repeat: int) -> tuple[dict[bool, float], list[Row]]:
        """A healthy delivery goes before each of a bad world, so that both see the same load of the machine."""
        played, healthy = [], {False: [], True: []}    # type: ignore[var-annotated]
        self.healthy(False, [])    # the first of all is slower, and belongs to nobody
        for world in worlds(self.troubled):
            runs = []
            for _ in range(1 if world.once else repeat):
                self.healthy(world.by_name, healthy[world.by_name])
                runs.append(self.once(*world.hops, **world.settings))
            played.append((world, runs))
        medians = {by_name: statistics.median(seconds) for by_name, seconds in healthy.items()}
        log = self.syslog.stop()
        return medians, [self._row(world, runs, log, medians[world.by_name]) for world, runs in played]

    def healthy(self, by_name: bool, seconds: list[float]) -> None:
        host = "good.test" if by_name else GOOD
        result = self.once(f"[{host}]:{PORT}", f"[{OTHER}]:{PORT}")[1]
        self.assertEqual(result.status, 0, result)
        self.well += 1
        seconds.append(result.seconds)

    def _row(self, world: World, runs: list[tuple[str, Result]], log: list[str], healthy: float) -> Row:
        results = [result for _, result in runs]
        seconds = statistics.median(result.seconds for result in results)
        more = seconds - healthy if world.took != "nobody" else None
        attempts = [tuple(re.split(r"\W", line.split("attempt=")[1])[0] for line in log if f"{queue_id}: " in line
                          and "attempt=" in line) for queue_id, _ in runs]
        return Row(world, seconds, more, results, attempts, Counter(self._who(world, result) for result in results))

    @staticmethod
    def _who(world: World, result: Result) -> str:
        if result.status != 0:
            return "nobody"
        first = OTHER if world.by_name else ""
        return "first" if first and f"[{first}]:" in result.text.split(";")[0] else "second"


def render(healthy: dict[bool, float], rows: list[Row]) -> str:
    head = f"{'first relay':37} {'the message was':35} {'seconds':>8} {'more':>8}  target"
    lines = [head, "-" * len(head)]
    for by_name, words in ((False, "healthy, by address"), (True, "healthy, by name")):
        lines.append(f"{words:37} {'sent by the first relay':35} {healthy[by_name]:8.3f}")
    for row in rows:
        more = "" if row.more is None else f"{row.more:+8.3f}"
        lines.append(f"{row.world.name:37} {row.told:35} {row.seconds:8.3f} {more:>8}  {row.verdict}".rstrip())
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--readme", action="store_true", help="write the table into README.md of this directory")
    arguments = parser.parse_args()
    if arguments.binary:
        os.environ["RELAYPIPE"] = str(arguments.binary.absolute())
    stage = BadWorlds()
    stage.setUp()
    try:
        told = render(*stage.measure(arguments.repeat))
        print(told)
        if arguments.readme:
            figures.write(README, "bad worlds", shlex.join(["python3", "-B", "test", "reach/bad_worlds", *sys.argv[1:]]), [told])
    finally:
        stage.doCleanups()
    return 0


if __name__ == "__main__":
    sys.exit(main())
