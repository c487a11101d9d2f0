"""What is done to Postfix, to the deliveries, to the state directory and to DNS in a chaos run, and when.

The plan is made from the seed: an event is due when so many messages have been submitted, so it does not depend on the
speed of the machine. Which process a kill strikes depends on which ones run then; the record says which it was.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Callable

from support.machine import process_state, wait_until
from support.postfix import UNPRIVILEGED_USER, PostfixLab
from victims import Victim, Victims

OWNER = tuple(UNPRIVILEGED_USER.removeprefix("user=").split(":"))
STATE_FILES = ("state.db", "messages.db", "state.lock")    # made where they are missing, so that there is something to damage
A_WHILE = 0.5    # seconds
ENDS = {"DNS dies": "DNS returns", "DNS hangs": "DNS returns", "damage state": "state repaired"}


@dataclass(frozen=True)
class Event:
    position: int    # messages submitted before it
    kind: str
    seed: str        # of what it draws itself


@dataclass
class Trouble:
    """What an event did. Times are those of time.time(). Victims of `kill pipe`, `kill lmtp` and `stop` lost only
    who handed them the message."""

    kind: str
    begun: float
    ended: float = 0
    detail: str = ""
    victims: list[Victim] = field(default_factory=list)

    def row(self) -> dict[str, Any]:
        return asdict(self)


def plan(seed: str, messages: int) -> list[Event]:
    rng = random.Random(f"{seed} troubles")
    counts = {"kill relaypipe": messages // 10, "kill daemon": messages // 60,
              "reload": min(20, max(2, messages // 150)), "stop": min(20, max(3, messages // 120)),
              "damage state": min(60, max(10, messages // 50)), "DNS dies": min(15, max(1, messages // 200)),
              "DNS hangs": min(15, max(1, messages // 200))}
    events = []
    for kind, count in counts.items():
        for number in range(count):
            position = rng.randrange(messages // 40, messages)
            events.append(Event(position, kind, f"{seed} {kind} {number}"))
            if kind in ENDS:
                events.append(Event(position + rng.randrange(5, 25), ENDS[kind], ""))
    return sorted(events, key=lambda each: each.position)


def persistently(act: Callable[[], None]) -> None:
    """Deliveries make, rename and remove files meanwhile: what was there a moment ago may be gone, and the other way."""
    for _ in range(100):
        try:
            return act()
        except OSError as error:
            trouble = error
    raise trouble


class Chaos:
    """Carries the events out. `pause` is a context manager that keeps submissions away from a Postfix that stops."""

    def __init__(self, lab: PostfixLab, dns: Any, pause: Callable[[], Any], victims: Victims) -> None:
        self.lab, self.dns, self.pause, self.victims = lab, dns, pause, victims
        self.record: list[Trouble] = []
        self._mounted = False

    def carry_out(self, event: Event) -> None:
        rng = random.Random(event.seed)
        trouble = Trouble(event.kind.replace("daemon", self.victims.daemon), time.time())
        self.record.append(trouble)
        {"kill relaypipe": self._kill_relaypipe, "kill daemon": self._kill_daemon, "reload": self._reload,
         "stop": self._stop, "damage state": self._damage_state, "DNS dies": self._dns_dies,
         "state repaired": self._state_repaired, "DNS hangs": self._dns_hangs,
         "DNS returns": self._dns_returns}[event.kind](trouble, rng)
        trouble.ended = trouble.ended or time.time()

    def calm(self) -> None:
        """The end of all trouble; files that are damaged stay damaged."""
        self.carry_out(Event(0, "DNS returns", ""))
        self.carry_out(Event(0, "state repaired", ""))

    def _kill_relaypipe(self, trouble: Trouble, rng: random.Random) -> None:
        time.sleep(rng.uniform(0, 0.2))
        if candidates := self._deliveries():
            pid = rng.choice(candidates).pid
            self._kill(trouble, pid, lambda descriptor: self.victims.of_program(pid, descriptor))

    def _deliveries(self) -> list[Victim]:
        """Those that run, once some do; none where none begins for a while."""
        end = time.monotonic() + A_WHILE
        while not (found := self.victims.running()) and time.monotonic() < end:
            time.sleep(0.01)
        return found

    def _kill_daemon(self, trouble: Trouble, rng: random.Random) -> None:
        """A pipe(8) or lmtp(8) that has a delivery, which may be over and not noted yet."""
        for _ in range(10):
            daemons = self.lab.daemons(self.victims.daemon)
            if not daemons:
                return
            pid = rng.choice(daemons)
            time_before = rng.uniform(0.02, 0.2)
            self._kill(trouble, pid, lambda descriptor: self.victims.of_daemon(pid, descriptor, time_before))
            if trouble.victims:
                return

    @staticmethod
    def _kill(trouble: Trouble, pid: int, victims: Callable[[int], list[Victim]]) -> None:
        """Kills it if that has victims. A pid may belong to another process by now, which they are asked about when a
        descriptor of it is there."""
        try:
            descriptor = os.pidfd_open(pid)
        except OSError:
            return
        try:
            if found := victims(descriptor):
                trouble.begun = time.time()
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                trouble.detail, trouble.victims = str(pid), found
        except ProcessLookupError:
            pass    # it ended by itself
        finally:
            os.close(descriptor)

    def _reload(self, _: Trouble, __: random.Random) -> None:
        self.lab.command("postfix", "reload")

    def _stop(self, trouble: Trouble, rng: random.Random) -> None:
        with self.pause():
            found = self._deliveries()
            trouble.begun = time.time()
            trouble.victims = found
            trouble.detail = rng.choice(["stop", "stop", "abort"])
            stopping = threading.Thread(target=self.lab.command, args=("postfix", trouble.detail))
            stopping.start()
            self._wait_for_the_end_of_daemons()
            trouble.ended = time.time()
            stopping.join()
            time.sleep(rng.choice([0, 0, 0.3, 1]))
            self.lab.start()

    def _wait_for_the_end_of_daemons(self) -> None:
        """`postfix stop` takes a second; master(8) and pipe(8) or lmtp(8) are gone before, and no delivery begins after
        them. `postfix abort` returns at once, and another start is refused until master(8) is gone."""
        master = self.lab.master_pid()
        known = {master}

        def gone() -> bool:
            known.update(self.lab.daemons(self.victims.daemon))
            return all(process_state(pid) in ("", "Z") for pid in known)

        wait_until(gone, "the end of Postfix")

    def _damage_state(self, trouble: Trouble, rng: random.Random) -> None:
        self._repair_state()
        damages = {"garbage": self._garbage, "truncated": self._truncated, "deleted": self._deleted,
                   "no directory": self._no_directory, "a file in its place": self._file_in_its_place,
                   "read-only": self._read_only, "another's": self._of_another, "full": self._full}
        trouble.detail = rng.choice(list(damages))
        persistently(lambda: damages[trouble.detail](rng))

    def _files(self) -> list[Path]:
        for name in STATE_FILES:
            path = self.lab.state / name
            if not path.exists():
                path.touch()
                shutil.chown(path, *OWNER)
        return [path for path in self.lab.state.iterdir() if path.is_file()]

    def _garbage(self, rng: random.Random) -> None:
        for path in self._files():
            with path.open("r+b") as file:
                for _ in range(rng.choice([1, 8, 64])):
                    file.seek(rng.randrange(max(1, path.stat().st_size)))
                    file.write(rng.randbytes(rng.choice([1, 100, 4096])))

    def _truncated(self, rng: random.Random) -> None:
        for path in self._files():
            os.truncate(path, rng.choice([0, 1, path.stat().st_size // 2, max(0, path.stat().st_size - 100)]))

    def _deleted(self, _: random.Random) -> None:
        for path in self._files():
            path.unlink(missing_ok=True)

    def _no_directory(self, _: random.Random) -> None:
        shutil.rmtree(self.lab.state, ignore_errors=True)

    def _file_in_its_place(self, _: random.Random) -> None:
        shutil.rmtree(self.lab.state, ignore_errors=True)
        self.lab.state.write_text("no directory\n")

    def _read_only(self, _: random.Random) -> None:
        for path in self._files():
            path.chmod(0o444)
        self.lab.state.chmod(0o555)

    def _of_another(self, _: random.Random) -> None:
        for path in [*self._files(), self.lab.state]:
            shutil.chown(path, 0, 0)
            path.chmod(0o700)

    def _full(self, _: random.Random) -> None:
        """A filesystem of its own with no room left; the mount is seen by this run's processes only."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=755", "none", self.lab.state], check=True)
        self._mounted = True
        shutil.chown(self.lab.state, *OWNER)
        try:
            with (self.lab.state / "filler").open("wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass
        except OSError:
            pass

    def _state_repaired(self, _: Trouble, __: random.Random) -> None:
        self._repair_state()

    def _repair_state(self) -> None:
        persistently(self._repair)

    def _repair(self) -> None:
        """What a person would put right: a directory that is the user's. What is in it stays as it is."""
        if self._mounted:
            subprocess.run(["umount", "--lazy", self.lab.state], check=True)
            self._mounted = False
        if self.lab.state.is_file():
            self.lab.state.unlink()
        self.lab.state.mkdir(exist_ok=True)
        for path in [self.lab.state, *self.lab.state.iterdir()]:
            shutil.chown(path, *OWNER)
            path.chmod(0o700 if path.is_dir() else 0o600)

    def _dns_dies(self, _: Trouble, __: random.Random) -> None:
        self.dns.die()

    def _dns_hangs(self, _: Trouble, __: random.Random) -> None:
        self.dns.hang()

    def _dns_returns(self, _: Trouble, __: random.Random) -> None:
        self.dns.restore()
