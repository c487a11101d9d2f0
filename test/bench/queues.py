"""How fast a full queue of a real Postfix drains through every program, and with a first relay that is no use."""

from __future__ import annotations

import functools
import statistics
from typing import Callable, Optional, Sequence

from deliveries import KINDS, relay_of
from programs import LOOP_TIMEOUT, Binary
from queue_lab import NATIVE, QueueLab, Service, Services
from relays import BLACK_HOLE, REFUSED, Hop
from stage import Stage
from support.held_queue import CONCURRENCY
from tables import Aim, Column, Findings, Table, ratio

LIMIT = 300.0
PEER_LIMIT = 45.0       # seconds: longer than Postfix waits for a connection
OF_HEALTHY = 1.15       # what a dead first relay may cost, as a multiple of the time with both relays well
WELL, REFUSES, HOLE, SILENT, FALLS_SILENT = ("both are well", "first refuses", "first is a black hole",
                                             "first is silent", "first falls silent")
FLOOR = "/bin/true"
FEW_SECONDS = 2.05      # that a hundred may take by LMTP past a dead first relay

Maker = Callable[[Services, tuple[Hop, ...]], Service]    # of a transport to these relays
Pairs = dict[tuple[str, str], list[tuple[float, ...]]]    # by name and world


def services_of(services: Services, binaries: Sequence[Binary], hop: Hop) -> list[Service]:
    backup = Hop("127.0.0.2", hop.port, hop.secure)    # the loop never gets there
    cabinet = services.cabinet
    return [services.native(hop), services.other(cabinet.floor), *(services.relaypipe(each, hop) for each in binaries),
            *(services.other(make) for make in cabinet.peers(hop)),
            services.other(functools.partial(cabinet.loop, hop, backup))]


def drain_rates(stage: Stage, binaries: Sequence[Binary], messages: dict[str, int], rounds: int) -> Findings:
    """Messages a second, all programs in turns. One relay, which is well."""
    findings = Findings()
    for kind in KINDS:
        services, relay, count = Services(stage), relay_of(stage, kind), messages[kind]
        used = services_of(services, binaries, relay.hop)
        rates: dict[str, list[float]] = {service.name: [] for service in used}
        with QueueLab(services, used) as lab:
            for service in used:
                lab.drain(service, CONCURRENCY, LIMIT)    # the first run also starts the daemons
            for _ in range(rounds):
                for service in used:
                    drain = lab.drain(service, count, LIMIT)
                    if service.name != FLOOR:
                        lab.check_arrived([relay], count)
                    rates[service.name].append(drain.sent / drain.seconds)
        findings.tables.append(rate_table(kind, count, rounds, rates))
    return findings


def rate_table(kind: str, messages: int, rounds: int, rates: dict[str, list[float]]) -> Table:
    others = (NATIVE, FLOOR, "msmtp", "curl")
    table = Table(f"A queue of {messages} messages through Postfix, {CONCURRENCY} at a time, {kind}; "
                  f"medians of {rounds}",
                  [Column("per second", 0), *(Column(f"x {name}") for name in others)])
    median = {name: statistics.median(values) for name, values in rates.items()}
    for name, value in median.items():
        table.add(name, value, *(ratio(value, median[other]) for other in others))
    return table


class DeadRelays:
    """Two relays, of which the first is well or one of the dead ones."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.second = stage, stage.plain
        self.first = stage.relay("127.0.0.5")

    def hops(self, world: str) -> tuple[Hop, Hop]:
        return {REFUSES: REFUSED, HOLE: BLACK_HOLE}.get(world, self.first.hop), self.second.hop

    def drain(self, lab: QueueLab, service: Service, world: str, messages: int, limit: float) -> Optional[float]:
        """Seconds, or nothing when the limit came first."""
        hush: Callable[[], None] = self.first.fall_silent if world in (SILENT, FALLS_SILENT) else (lambda: None)
        if world == FALLS_SILENT:
            lab.drain(service, CONCURRENCY, limit)
        try:
            drain = lab.drain(service, messages, limit, forget=world != FALLS_SILENT, before=hush)
        finally:
            self.first.wake()
        if drain.sent < messages:
            return None
        lab.check_arrived([self.first, self.second], messages)
        return drain.seconds


def dead_first(stage: Stage, binaries: Sequence[Binary], messages: int, rounds: int) -> Findings:
    dead = DeadRelays(stage)
    try:
        findings = own_dead_first(dead, binaries, messages, rounds)
        findings.add(peers_dead_first(dead))
    finally:
        dead.first.stop()
    return findings


def pipe_service(binary: Binary, services: Services, hops: tuple[Hop, ...]) -> Service:
    return services.relaypipe(binary, *hops)


def lmtp_service(binary: Binary, services: Services, hops: tuple[Hop, ...]) -> Service:
    return services.lmtp(binary, *hops)


def own_dead_first(dead: DeadRelays, binaries: Sequence[Binary], messages: int, rounds: int) -> Findings:
    makers: dict[str, Maker] = {each.name: functools.partial(pipe_service, each) for each in binaries}
    pairs = dead_pairs(dead, makers, (REFUSES, HOLE, SILENT, FALLS_SILENT), messages, rounds)
    return Findings([dead_table(pairs, messages, rounds)],
                    [Aim(f"queue, {world}: {name} / both well", ratio_of(found), OF_HEALTHY)
                     for (name, world), found in pairs.items()])


def lmtp_dead_first(stage: Stage, binaries: Sequence[Binary], few: int, many: int, rounds: int) -> Findings:
    """The same by LMTP: few messages, which nearly all find out for themselves, and many."""
    dead, findings = DeadRelays(stage), Findings()
    makers: dict[str, Maker] = {Services.lmtp_name(each): functools.partial(lmtp_service, each) for each in binaries}
    try:
        for messages in (few, many):
            pairs = dead_pairs(dead, makers, (HOLE, SILENT), messages, rounds)
            findings.tables.append(dead_table(pairs, messages, rounds))
            for (name, world), found in pairs.items():
                seconds = statistics.median(took for _, took in found)
                findings.aims.append(
                    Aim(f"queue, {world}: {name}, seconds for {messages}", seconds, FEW_SECONDS) if messages == few else
                    Aim(f"queue, {world}, {messages}: {name} / both well", ratio_of(found), OF_HEALTHY))
    finally:
        dead.first.stop()
    return findings


def dead_pairs(dead: DeadRelays, makers: dict[str, Maker], worlds: Sequence[str], messages: int, rounds: int) -> Pairs:
    """Seconds with both relays well and of a dead one, of every maker and world."""
    services = Services(dead.stage)
    used = {(name, world): make(services, dead.hops(world))
            for name, make in makers.items() for world in (WELL, *worlds)}
    pairs: Pairs = {key: [] for key in used if key[1] != WELL}
    with QueueLab(services, list(used.values())) as lab:
        for key, service in used.items():
            dead.drain(lab, service, WELL if key[1] == SILENT else key[1], CONCURRENCY, LIMIT)
        for _ in range(rounds):
            for (name, world), found in pairs.items():
                # One right after the other, so that both see the same load of the machine.
                found.append(tuple(dead.drain(lab, used[name, which], which, messages, LIMIT) or LIMIT
                                   for which in (WELL, world)))
    return pairs


def ratio_of(found: Sequence[tuple[float, ...]]) -> float:
    return statistics.median(took / well for well, took in found)


def dead_table(pairs: Pairs, messages: int, rounds: int) -> Table:
    table = Table(f"A queue of {messages} messages through Postfix and relaypipe, {CONCURRENCY} at a time, two relays; "
                  f"medians of {rounds}", [Column("seconds"), Column("with both well"), Column("ratio")],
                  notes=["Every run came right after one with both relays well."])
    for (name, world), found in pairs.items():
        table.add(f"{name}, {world}", statistics.median(took for _, took in found),
                  statistics.median(well for well, _ in found), ratio_of(found))
    return table


def peers_dead_first(dead: DeadRelays) -> Findings:
    """Few messages: one that waits for a dead relay takes as long alone as in a crowd."""
    table = Table(f"The same with {CONCURRENCY} messages, all at once: seconds until all were sent",
                  [Column(world) for world in (WELL, REFUSES, HOLE, SILENT)],
                  notes=[f"More than {PEER_LIMIT:.0f} s were not waited for. The loop's msmtp has timeout "
                         f"{LOOP_TIMEOUT}; by default it\nhas none."])
    makers: dict[str, Maker] = {
        NATIVE: lambda s, hops: s.native(*hops),
        f"{NATIVE}, connect 1 s, helo 5 s": lambda s, hops: s.native(*hops, smtp_connect_timeout="1s",
                                                                     smtp_helo_timeout="5s"),
        "msmtp loop": lambda s, hops: s.other(functools.partial(s.cabinet.loop, *hops)),
    }
    for name, make in makers.items():
        cells = [peer_seconds(dead, make, world) for world in (WELL, REFUSES, HOLE, SILENT)]
        table.add(name, *(f"> {PEER_LIMIT:.0f}" if cell is None else cell for cell in cells))
    return Findings([table])


def peer_seconds(dead: DeadRelays, make: Maker, world: str) -> Optional[float]:
    """In a Postfix of its own, because mail that was not waited for stays in the queue."""
    services = Services(dead.stage)
    service, warm = make(services, dead.hops(world)), make(services, dead.hops(WELL))
    with QueueLab(services, [service, warm]) as lab:
        lab.drain(warm, CONCURRENCY, LIMIT)
        return dead.drain(lab, service, world, CONCURRENCY, PEER_LIMIT)
