#!/usr/bin/env python3
"""What one question to a fleet's store costs: the real script of the program on a real server.

    python3 -B test bench/store_load [CALLS]

Prints calls per second and microseconds of the server's CPU per call, for windows of 1, 10, 100 and 1,000 hosts, and from
that what a fleet of 1,000 hosts with 1,000 messages a second each asks for.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from support.redis_store import StoreClient, StoreServer, script_text

DAY, LEASE, GRACE = 86_400_000, 600_000, 3_600_000
IN_FLIGHT = 50
QUOTA = 10 ** 12


def cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Host:
    """Asks as the program does: it tells what it spent, and takes the next slice."""

    def __init__(self, number: int) -> None:
        self.name, self.sequence, self.epoch, self.spent, self.granted = f"host{number:04}", 0, 0, 0, 0

    def words(self, script: str) -> list[str]:
        self.sequence += 1
        untold = self.granted - self.spent
        self.spent = self.granted
        keys = [f"relaypipe:{{relay}}:window{end}" for end in ("", ":hosts", ":seen")]
        numbers = [1, f"{self.name}.example.net", self.sequence, self.epoch, self.spent, self.granted, untold, 0, 1, 120, 0, QUOTA,
                   0, DAY, LEASE, GRACE, 2 * DAY]
        return ["EVALSHA", script, "3", *keys, self.name, *map(str, numbers)]

    def heard(self, reply: list[int]) -> None:
        _, self.epoch, self.granted = reply[:3]


def measure(server: StoreServer, hosts: int, calls: int) -> tuple[float, float]:
    """Calls per second, and microseconds of CPU per call."""
    client: StoreClient = server.client()
    client("FLUSHALL")
    script = client("SCRIPT", "LOAD", script_text("kTake"))
    all_hosts = [Host(number) for number in range(hosts)]
    for host in all_hosts:
        host.heard(client(*host.words(script)))
    before, began = cpu(server.pid()), time.perf_counter()
    asked = []
    for number in range(calls):
        # A host asks one question at a time.
        if len(asked) == min(IN_FLIGHT, hosts):
            asked.pop(0).heard(client.receive())
        host = all_hosts[number % hosts]
        client.send(*host.words(script))
        asked.append(host)
    for host in asked:
        host.heard(client.receive())
    wall, spent = time.perf_counter() - began, cpu(server.pid()) - before
    client.close()
    return calls / wall, 1e6 * spent / calls


def main(words: list[str]) -> int:
    calls = int(words[0]) if words else 20_000
    with tempfile.TemporaryDirectory() as directory:
        server = StoreServer(Path(directory))
        try:
            print(f"{server('INFO', 'server').split('redis_version:')[1].split()[0]}, {calls} calls each, one connection\n")
            print("  hosts  calls/s  µs of CPU per call")
            cost = 0.0
            for hosts in (1, 10, 100, 1000):
                rate, cost = measure(server, hosts, calls)
                print(f"{hosts:7} {rate:8.0f} {cost:10.1f}")
        finally:
            server.kill()
    print("\n1,000 hosts with 1,000 messages a second each, by what is left of the quota\n")
    print("         left      slice  calls/s  of one core")
    for left in (10 ** 12, 10 ** 9, 10 ** 8, 10 ** 7):
        slice_size = min(120_000, left // 4000)
        rate = 1_000_000 / (slice_size * 0.9)
        print(f"{left:13,} {slice_size:10,} {rate:8.0f} {rate * cost / 1e6:11.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
