"""One large message: wall time, CPU and peak memory."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Sequence

from deliveries import check_arrived, content_on_wire, whole
from measuring import Cost, Costs, deliver_file, high_water, message
from programs import Binary, Cabinet
from queue_lab import NATIVE, QueueLab, Services
from stage import Stage
from support.machine import wait_until
from tables import Column, Findings, Table, ratio

MIB = 1 << 20
LIMIT = 120.0


def measure(stage: Stage, binaries: Sequence[Binary], mebibytes: int, rounds: int) -> Findings:
    """The programs are fed by a pipe, as pipe(8) does it. Memory is looked at in a run of its own."""
    content = message(mebibytes * MIB)
    path = stage.fresh("large") / "message"
    path.write_bytes(content)
    table = Table(f"One delivery of {mebibytes} MiB without TLS; medians of {rounds}",
                  [Column("CPU ms", 0), Column("x relaypipe"), Column("wall ms", 0), Column("x relaypipe"),
                   Column("peak RSS MiB", 1)])
    programs = Cabinet(stage).single(binaries, stage.plain.hop)
    octets = content_on_wire(content)
    before = whole(stage.plain, octets)
    peaks = [deliver_file(program, path, watched=True)[1] / 1024 for program in programs]
    found = [Costs(program) for program in programs]
    for _ in range(rounds):
        for each in found:
            each.runs.append(deliver_file(each.program, path)[0])
    check_arrived(stage.plain, before, len(programs) * (1 + rounds), octets)
    own = found[0]
    for each, peak in zip(found, peaks):
        table.add(each.program.name, each.cpu, ratio(each.cpu, own.cpu), each.wall, ratio(each.wall, own.wall), peak)
    cost, peak = native(stage, len(content), rounds)
    table.add(NATIVE, 1000 * cost.cpu, ratio(1000 * cost.cpu, own.cpu), 1000 * cost.wall,
              ratio(1000 * cost.wall, own.wall), peak)
    table.notes.append("Native smtp(8): wall is its own time of connection and transmission; CPU and memory are those\n"
                       "of a daemon that was started for this message.")
    return Findings([table])


def native(stage: Stage, octets: int, rounds: int) -> tuple[Cost, float]:
    """Medians; every round is a Postfix of its own, so that a new daemon delivers."""
    costs, peaks = [], []
    for _ in range(rounds):
        services = Services(stage)
        service = services.native(stage.plain.hop)
        with QueueLab(services, [service]) as lab:
            lab.drain(service, 1, LIMIT, octets)
            (pid,) = wait_until(lambda: lab.daemons("smtp"), "smtp(8)")
            costs.append(Cost(cpu_of(pid), lab.time_with_relay()))
            peaks.append(high_water(pid) / 1024)
    cost = Cost(statistics.median(c.cpu for c in costs), statistics.median(c.wall for c in costs))
    return cost, statistics.median(peaks)


def cpu_of(pid: int) -> float:
    """Seconds since the process began, of one that has a single thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
