"""One message over a wire of 25 ms each way, with STARTTLS and AUTH PLAIN: time and round trips."""

from __future__ import annotations

import statistics
import time
from typing import Sequence

from deliveries import SECURE, SMALL, check_arrived, content_on_wire
from measuring import deliver, message
from programs import Binary, Cabinet
from queue_lab import NATIVE, QueueLab, Services
from relays import Relay
from stage import FAR_ADDRESS, FAR_HOST, Stage
from support.long_wire import LongWire
from tables import Aim, Column, Findings, Table, ratio

DELAY = 0.025    # seconds, one way
LIMIT = 60.0

Trip = tuple[float, int]    # seconds, round trips


def measure(stage: Stage, binaries: Sequence[Binary], rounds: int) -> Findings:
    with LongWire(DELAY) as wire:
        relay = wire.there(lambda: stage.relay(FAR_ADDRESS, host=FAR_HOST, secure=True))
        try:
            trips = travel(stage, wire, relay, binaries, rounds)
        finally:
            relay.stop()
    table = Table(f"One message over {2000 * DELAY:.0f} ms of network (round trip), {SECURE}; medians of {rounds}",
                  [Column("seconds", 3), Column("x relaypipe"), Column("round trips", 0)],
                  notes=["Until the program has ended, or smtp(8) has said that the message was sent."])
    own = statistics.median(seconds for seconds, _ in trips[binaries[0].name])
    for name, found in trips.items():
        seconds = statistics.median(each[0] for each in found)
        table.add(name, seconds, ratio(seconds, own), float(round_trips(found)))
    return Findings([table], aims(binaries, {name: round_trips(found) for name, found in trips.items()}))


def round_trips(trips: Sequence[Trip]) -> int:
    """A machine so busy that a flight is torn in two counts too many, never too few."""
    return min(count for _, count in trips)


def aims(binaries: Sequence[Binary], counts: dict[str, int]) -> list[Aim]:
    ours = {name for binary in binaries for name in (binary.name, binary.bare_name)}
    peer = min(count for name, count in counts.items() if name not in ours)
    return [Aim(f"round trips: {binary.name}, where the best peer has {peer}", counts[binary.name], peer - 1)
            for binary in binaries]


def travel(stage: Stage, wire: LongWire, relay: Relay, binaries: Sequence[Binary],
           rounds: int) -> dict[str, list[Trip]]:
    content = message(SMALL)
    programs = Cabinet(stage).single(binaries, relay.hop)
    found: dict[str, list[Trip]] = {program.name: [] for program in programs}
    for _ in range(rounds):
        for program in programs:
            wire.packets.clear()
            cost = deliver(program, content)
            found[program.name].append((cost.wall, wire.round_trips(time.perf_counter())))
    check_arrived(relay, 0, rounds * len(programs), content_on_wire(content))
    found[NATIVE] = [native(stage, wire, relay) for _ in range(rounds)]
    return found


def native(stage: Stage, wire: LongWire, relay: Relay) -> Trip:
    services = Services(stage)
    service = services.native(relay.hop)
    with QueueLab(services, [service]) as lab:
        wire.packets.clear()
        lab.drain(service, 1, LIMIT, SMALL)
        trips = wire.round_trips(time.perf_counter())
        return lab.time_with_relay(), trips
