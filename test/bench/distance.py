"""One message over a wire of 25 ms each way, with STARTTLS and AUTH PLAIN: time and round trips.

The relay of the bench sends what it has to say at once. A Postfix does not: its session tickets and its reply to EHLO
meet Nagle, and whoever acknowledges late waits 40 ms. So one is measured as well.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from typing import Iterator, Sequence

from deliveries import SECURE, SMALL, check_arrived, content_on_wire
from measuring import deliver, message
from programs import Binary, Cabinet
from queue_lab import NATIVE, QueueLab, Services
from relays import SUBMISSION, Hop, Relay
from stage import FAR_ADDRESS, FAR_HOST, Stage
from support.long_wire import LongWire
from support.mail_servers import Dovecot, Host, MailServer
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
    found[NATIVE] = [native(stage, wire, relay.hop) for _ in range(rounds)]
    return found


def to_postfix(stage: Stage, binaries: Sequence[Binary], rounds: int) -> Findings:
    """relaypipe and smtp(8) in turns, to a Postfix."""
    hop = Hop(FAR_HOST, SUBMISSION, secure=True)
    with LongWire(DELAY) as wire, far_postfix(stage, wire):
        cabinet, content = Cabinet(stage), message(SMALL)
        programs = [cabinet.relaypipe(binary, hop) for binary in binaries]
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in (*(p.name for p in programs), NATIVE)}
        for _ in range(rounds):
            for program in programs:
                grow_quiet(wire)
                found[program.name].append((deliver(program, content).wall, on_wire(wire)))
            grow_quiet(wire)
            found[NATIVE].append((native(stage, wire, hop)[0], on_wire(wire)))
    table = Table(f"One message over {2000 * DELAY:.0f} ms of network to a Postfix, {SECURE}; medians of {rounds}",
                  [Column("on the wire, seconds", 3), Column(f"x {NATIVE}"), Column("seconds", 3)],
                  notes=["On the wire: from the first packet to the last reply. The other seconds are those until the\n"
                         "program has ended, with its start; of smtp(8), which runs already, what it says itself."])
    wires = {name: statistics.median(seconds for _, seconds in trips) for name, trips in found.items()}
    for name, trips in found.items():
        table.add(name, wires[name], wires[name] / wires[NATIVE], statistics.median(seconds for seconds, _ in trips))
    return Findings([table], [Aim(f"distance, to a Postfix, on the wire: {binary.name} / {NATIVE}",
                                  wires[binary.name] / wires[NATIVE], 1.0) for binary in binaries])


def grow_quiet(wire: LongWire) -> None:
    """What the last session still says is over after two round trips."""
    time.sleep(4 * DELAY)
    wire.packets.clear()


def on_wire(wire: LongWire) -> float:
    """Seconds from the first packet to the last reply."""
    first = min(packet.when for packet in wire.packets if packet.outgoing)
    return max(packet.when for packet in wire.packets if packet.content and not packet.outgoing) - first


@contextlib.contextmanager
def far_postfix(stage: Stage, wire: LongWire) -> Iterator[None]:
    """A Postfix at the far end, with the certificate and the account of the stage."""
    allowed = "permit_sasl_authenticated,reject"
    options = (f"smtpd_relay_restrictions={allowed}", f"smtpd_recipient_restrictions={allowed}")
    server = MailServer([Host(FAR_HOST, FAR_ADDRESS, stage.certificate, options)], stage.authority)
    with contextlib.ExitStack() as stack:
        wire.there(server.__enter__)
        stack.callback(server.close)
        home = stage.fresh("accounts")
        home.chmod(0o755)
        accounts = Dovecot(home / "dovecot", server.queue / "private" / "auth")
        stack.callback(accounts.stop)
        yield


def native(stage: Stage, wire: LongWire, hop: Hop) -> Trip:
    services = Services(stage)
    service = services.native(hop)
    with QueueLab(services, [service]) as lab:
        wire.packets.clear()
        lab.drain(service, 1, LIMIT, SMALL)
        trips = wire.round_trips(time.perf_counter())
        return lab.time_with_relay(), trips
