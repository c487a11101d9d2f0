"""The front end for lmtp(8) beside smtp(8) and pipe(8): queues, a distant relay, and a message of many recipients.

All of a round come one right after the other, and ratios are medians of those within a round, so that the load of the
machine strikes all alike. What relaypipe remembers of the relay is there, as it is on any other day. A connection of
lmtp(8) that nobody uses for two seconds ends, and `relaypipe lmtp` with it: every queue begins with processes that have
to start.
"""

from __future__ import annotations

import statistics
from typing import Callable, Sequence

from deliveries import KINDS, SECURE, relay_of
from programs import Binary
from queue_lab import NATIVE, QueueLab, Service, Services
from relays import Hop, Relay
from stage import FAR_ADDRESS, FAR_HOST, Stage
from support.held_queue import CONCURRENCY
from support.long_wire import LongWire
from tables import Aim, Column, Findings, Table

LIMIT = 300.0
DELAY = 0.025    # seconds, one way
RECIPIENTS = 50    # of one transaction of lmtp(8)
LONGER = 5    # times as many messages in a long queue
REUSE = f"{NATIVE}, TLS reuse"
# Messages per second, as a multiple of smtp(8)'s with its defaults, and with smtp_tls_connection_reuse.
PLAIN_RATE, SECURE_RATE, REUSE_RATE, FAR_RATE = 0.85, 3.0, 1.4, 5.0
OF_ONE = 1.5    # what a message of many recipients may take, as a multiple of the time of one

Seconds = dict[str, list[float]]    # of every service by its name, round by round


def services_of(services: Services, binaries: Sequence[Binary], hop: Hop) -> list[Service]:
    reuse = [services.native(hop, name=REUSE, smtp_tls_connection_reuse="yes")] if hop.secure else []
    own = [make(each, hop) for each in binaries for make in (services.relaypipe, services.lmtp)]
    return [services.native(hop), *reuse, *own]


def drain_all(stage: Stage, binaries: Sequence[Binary], relay: Relay, messages: int, rounds: int,
              concurrency: int = CONCURRENCY, by_pipe: bool = True) -> Seconds:
    services = Services(stage)
    used = [each for each in services_of(services, binaries, relay.hop) if by_pipe or " pipe" not in each.entry]
    found: Seconds = {service.name: [] for service in used}
    with QueueLab(services, used, default_destination_concurrency_limit=str(concurrency),
                  initial_destination_concurrency=str(concurrency)) as lab:
        for service in used:
            lab.drain(service, concurrency, LIMIT)    # the first run also starts the daemons
        for _ in range(rounds):
            for service in used:
                drain = lab.drain(service, messages, LIMIT, forget=False)
                lab.check_arrived([relay], messages)
                found[service.name].append(drain.seconds)
    return found


def paired(found: Seconds, name: str, base: str) -> float:
    """How many times as fast as the other: the median of the rounds."""
    return statistics.median(other / own for own, other in zip(found[name], found[base]))


def rates(title: str, found: Seconds, messages: int) -> Table:
    bases = [name for name in (NATIVE, REUSE) if name in found]
    table = Table(title, [Column("per second", 0), Column("seconds"), *(Column(f"x {base}") for base in bases)])
    for name, seconds in found.items():
        median = statistics.median(seconds)
        table.add(name, messages / median, median, *(paired(found, name, base) for base in bases))
    return table


def aims(what: str, binaries: Sequence[Binary], found: Seconds, least: dict[str, float]) -> list[Aim]:
    return [Aim(f"{what}: {service} / {base}", paired(found, service, base), limit, least=True)
            for each in binaries for base, limit in least.items() for service in [Services.lmtp_name(each)]]


def queues(stage: Stage, binaries: Sequence[Binary], messages: dict[str, int], rounds: int,
           by_pipe: bool = True) -> Findings:
    findings = Findings()
    for kind in KINDS:
        found = drain_all(stage, binaries, relay_of(stage, kind), messages[kind], rounds, by_pipe=by_pipe)
        title = (f"A queue of {messages[kind]} messages through Postfix, {CONCURRENCY} at a time, {kind}; "
                 f"medians of {rounds}")
        least = {NATIVE: SECURE_RATE, REUSE: REUSE_RATE} if kind == SECURE else {NATIVE: PLAIN_RATE}
        findings.add(Findings([rates(title, found, messages[kind])], aims(f"queue, {kind}", binaries, found, least)))
    return findings


def long_queues(stage: Stage, binaries: Sequence[Binary], messages: dict[str, int], rounds: int) -> Findings:
    """The same when the start of the processes counts for little. pipe(8), which starts one for each, is left out."""
    return queues(stage, binaries, {kind: LONGER * number for kind, number in messages.items()}, rounds, by_pipe=False)


def distant(stage: Stage, binaries: Sequence[Binary], messages: int, rounds: int) -> Findings:
    """Twenty at a time, of which each process has few, and one after the other, once."""
    findings = Findings()
    with LongWire(DELAY) as wire:
        relay = wire.there(lambda: stage.relay(FAR_ADDRESS, host=FAR_HOST, secure=True))
        try:
            for concurrency, times in ((CONCURRENCY, rounds), (1, 1)):
                # With its recipient limit of 1, pipe(8) is limited for each recipient by itself.
                found = drain_all(stage, binaries, relay, messages, times, concurrency, by_pipe=concurrency > 1)
                title = (f"A queue of {messages} messages over {2000 * DELAY:.0f} ms of network (round trip), "
                         f"{concurrency} at a time, {SECURE}; medians of {times}")
                findings.add(Findings([rates(title, found, messages)],
                                      aims(f"distance, {concurrency} at a time", binaries, found, {NATIVE: FAR_RATE})))
        finally:
            relay.stop()
    return findings


def many_recipients(stage: Stage, binaries: Sequence[Binary], rounds: int) -> Findings:
    """From the order to deliver until Postfix knows that the last recipient has the message."""
    table = Table(f"One message to {RECIPIENTS} recipients and to one, plain; medians of {rounds}",
                  [Column(f"seconds for {RECIPIENTS}", 3), Column("for one", 3), Column("ratio"),
                   Column("transactions", 0)])
    services, relay = Services(stage), stage.plain
    makers: list[Callable[..., Service]] = [services.relaypipe, services.lmtp]
    used = [services.native(relay.hop), *(make(each, relay.hop) for each in binaries for make in makers)]
    found: dict[str, list[tuple[float, float, int]]] = {service.name: [] for service in used}
    with QueueLab(services, used) as lab:
        for service in used:
            lab.drain(service, CONCURRENCY, LIMIT)
        for _ in range(rounds):
            for service in used:
                one = lab.drain(service, 1, LIMIT, forget=False).seconds
                many = lab.drain(service, 1, LIMIT, forget=False, recipients=RECIPIENTS).seconds
                found[service.name].append((many, one, lab.transactions(relay)))
    ratios = {}
    for name, trips in found.items():
        many, one, transactions = (statistics.median(each[n] for each in trips) for n in range(3))
        ratios[name] = statistics.median(many / one for many, one, _ in trips)
        table.add(name, many, one, ratios[name], float(transactions))
    names = [Services.lmtp_name(each) for each in binaries]
    return Findings([table], [Aim(f"{RECIPIENTS} recipients: {name} / one", ratios[name], OF_ONE) for name in names])
