"""One delivery of a small message by every program, in turns: CPU and wall time, or instructions."""

from __future__ import annotations

from typing import Sequence

from measuring import WARM_UP, instructions, message, take_turns
from programs import Binary, Cabinet, Program
from relays import Hop, Relay
from stage import Stage
from tables import Aim, Column, Findings, Table, ratio

SMALL = 4000    # octets
PLAIN, SECURE = KINDS = ("plain", "STARTTLS and AUTH PLAIN")
OF_BARE = 1.3    # what relaypipe may cost at most, as a multiple of the bare program


def relay_of(stage: Stage, kind: str) -> Relay:
    return stage.plain if kind == PLAIN else stage.secure


def whole(relay: Relay, octets: int) -> int:
    """How many messages of at least that size it has taken."""
    return sum(taken for (_, size), taken in relay.accepted().items() if size >= octets)


def check_arrived(relay: Relay, before: int, count: int, octets: int) -> None:
    """Nobody is fast by leaving something out: so many whole messages have come since."""
    found = whole(relay, octets) - before
    if found != count:
        raise SystemExit(f"the relay has {found} messages of at least {octets} octets, not {count}")


def aims_of(kind: str, unit: str, found: Sequence[tuple[Program, float]]) -> list[Aim]:
    """relaypipe against the bare program of its build, and against every peer that is one program."""
    bare = {program.build: (program.name, value) for program, value in found if program.bare}
    peers = [(program.name, value) for program, value in found if program.peer]
    aims = []
    for program, value in found:
        if program.build and not program.bare:
            others = [(*bare[program.build], OF_BARE), *((name, other, 1.0) for name, other in peers)]
            aims += [Aim(f"{unit}, {kind}: {program.name} / {name}", value / other, limit)
                     for name, other, limit in others]
    return aims


def measure(stage: Stage, binaries: Sequence[Binary], count: int) -> Findings:
    findings, cabinet = Findings(), Cabinet(stage)
    content = message(SMALL)
    octets = content_on_wire(content)
    for kind in KINDS:
        relay = relay_of(stage, kind)
        backup = Hop("127.0.0.2", relay.hop.port, relay.hop.secure)    # the loop never gets there
        programs = [*cabinet.single(binaries, relay.hop), cabinet.loop(relay.hop, backup), cabinet.floor()]
        before = whole(relay, octets)
        found = take_turns(programs, content, count)
        check_arrived(relay, before, len(programs[:-1]) * (WARM_UP + count), octets)    # /bin/true sends nothing
        bare = next(each for each in found if each.program.bare)
        table = Table(f"One delivery of {len(content)} octets, {kind}; medians of {count}",
                      [Column("CPU ms"), Column("x bare"), Column("wall ms"), Column("x bare")])
        for each in found:
            table.add(each.program.name, each.cpu, ratio(each.cpu, bare.cpu), each.wall, ratio(each.wall, bare.wall))
        findings.tables.append(table)
        findings.aims += aims_of(kind, "CPU", [(each.program, each.cpu) for each in found])
    return findings


def content_on_wire(content: bytes) -> int:
    return len(content) + content.count(b"\n")


def count_instructions(stage: Stage, binaries: Sequence[Binary], kinds: Sequence[str] = KINDS) -> Findings:
    """Of everything but the loop and the floor; no other load of the machine changes them."""
    findings, cabinet = Findings(), Cabinet(stage)
    content = message(SMALL)
    for kind in kinds:
        programs = cabinet.single(binaries, relay_of(stage, kind).hop)
        instructions(programs[0], content)    # what it remembers has to be there, as it is on any other day
        found = [(program, instructions(program, content)) for program in programs]
        bare = next(number for program, number in found if program.bare)
        table = Table(f"Instructions of one delivery of {len(content)} octets (callgrind), {kind}",
                      [Column("instructions", 0), Column("x bare")])
        for program, number in found:
            table.add(program.name, number, ratio(number, bare))
        findings.tables.append(table)
        findings.aims += aims_of(kind, "instructions", [(program, float(number)) for program, number in found])
    return findings
