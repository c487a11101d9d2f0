#!/usr/bin/env python3
"""What a fleet costs a delivery: CPU of deliveries by pipe(8) with a quota, with and without [fleet], taking turns.

    python3 -B test bench/fleet_cost [COUNT]

The processes that ask the store count with the deliveries that started them. Measured once the slices have grown to what the
host uses; the first deliveries of a host ask more often.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from support.case import MESSAGE
from support.redis_store import StoreServer
from support.relays import binary_path
from support.smtp_sink import SmtpSink

PR_SET_CHILD_SUBREAPER = 36
BLOCK = 20    # deliveries of one sort in a row
WARM_UP = 200


class Sort:
    """Deliveries with one configuration."""

    def __init__(self, name: str, directory: Path, destination: str, fleet: str) -> None:
        self.name, self.cpu, self.count, self.asked = name, 0.0, 0, 0
        state = directory / name
        state.mkdir()
        self.file = directory / f"{name}.toml"
        self.file.write_text(f'state_directory = "{state}"\nsyslog_socket = "{directory}/nobody"\nlog_file = "{directory}/log"\n'
                             f'[relay.one]\ndestination = "{destination}"\nquota = "10000000/24h"\n'
                             f'[chain.out]\ntiers = [["one"]]\n{fleet}')
        self.file.chmod(0o644)

    def deliver(self, number: int) -> None:
        argv = [str(binary_path()), "--config", str(self.file), "--nexthop", "out", "--queue-id", f"Q{number}", "-f",
                "sender@example.org", "--", "rcpt@example.net"]
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert process.stdin and process.stdout
        process.stdin.write(MESSAGE)
        process.stdin.close()
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = 0
        if status != 0:
            raise SystemExit(f"{self.name}: {said.decode()}")
        self.count += 1
        self.cpu += used.ru_utime + used.ru_stime

    def gather(self, servers: set[int]) -> None:
        """Adds the processes that its deliveries left behind, as far as they have ended."""
        for pid in children() - servers:
            done, _, used = os.wait4(pid, os.WNOHANG)
            if done:
                self.cpu += used.ru_utime + used.ru_stime
                self.asked += 1

    def forget(self) -> None:
        self.cpu, self.count, self.asked = 0.0, 0, 0


def children() -> set[int]:
    """Of this process: servers, and what deliveries that have ended left to it."""
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def main(words: list[str]) -> int:
    count = int(words[0]) if words else 600
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        sink = SmtpSink(keep=False)
        (directory / "store").mkdir()
        store = StoreServer(directory / "store")
        try:
            sorts = [Sort("without", directory, sink.destination, ""),
                     Sort("with", directory, sink.destination, f'[fleet]\nurl = "unix:{store.path}"\nhost_id = "bench"\n')]
            number, servers = 0, children()
            for end in (WARM_UP, count):
                for sort in sorts:
                    sort.forget()
                while sorts[-1].count < end:
                    for sort in sorts:
                        for _ in range(BLOCK):
                            number += 1
                            sort.deliver(number)
                            sort.gather(servers)
            for sort in sorts:
                print(f"{sort.name:10} {1000 * sort.cpu / sort.count:7.3f} ms CPU per delivery, {sort.count} deliveries, "
                      f"{sort.asked} asked the store")
            print(f"ratio {sorts[1].cpu / sorts[1].count / (sorts[0].cpu / sorts[0].count):.3f}")
        finally:
            store.kill()
            sink.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
