"""What happens to the state directory while deliveries run: all mail goes out, the trouble is told, nobody waits."""

from __future__ import annotations

import ctypes
import os
import re
import statistics
from pathlib import Path
from typing import Callable, Optional

from counting_relay import CountingRelay
from state_case import LONG, StateCase
from support.case import each
from support.networks import leave_machine
from support.runs import Delivery, Surroundings

COUNT = 400 if LONG else 60
AT_A_TIME = 6
# Memory that does not work costs an error or, at worst, the longest wait for its lock (0.25 s) a few times. The rest is
# for a machine that does other things as well.
SLOWEST, USUAL = 10.0, 1.5
PLAIN = 0.3    # seconds, of a delivery that remembers nothing, on an idle machine


def garbage(file: Path) -> None:
    size = file.stat().st_size
    with file.open("r+b") as open_file:
        open_file.write(os.urandom(size))


def truncated(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def cut_to_nothing(file: Path) -> None:
    os.truncate(file, 0)


def zeros(file: Path) -> None:
    with file.open("r+b") as open_file:
        open_file.write(bytes(file.stat().st_size))


def wrong_version(file: Path) -> None:
    """The head of an SQLite file has a number for its user, the greatest octet first."""
    with file.open("r+b") as open_file:
        open_file.seek(60)
        open_file.write((7).to_bytes(4, "big"))


def other_pages(file: Path) -> None:
    """The first page is whole, what it leads to is not."""
    with file.open("r+b") as open_file:
        open_file.seek(4096)
        open_file.write(os.urandom(max(file.stat().st_size - 4096, 0)))


class Damage(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.dead_and_well()

    def dead_and_well(self) -> tuple[CountingRelay, CountingRelay]:
        return self.counting(resets=True), self.counting()

    def load(self, act: Optional[Callable[[int], None]] = None, **arguments) -> None:
        """A load of deliveries, with something done to the directory before each; all mail arrives once."""
        first, second = self.first

        def before_next(i: int, _: Delivery) -> None:
            if act:
                act(i)

        results = list(self.in_turn(COUNT, AT_A_TIME, first, second, each=before_next, **arguments))
        self.assert_all_sent(results)
        self.assertEqual(len(second.accepted), COUNT)
        self.assertEqual(set(second.recipients.values()), {1})
        seconds = [result.seconds for result in results]
        slower = self.slower_than_usual()
        print(f"{COUNT} deliveries: {statistics.median(seconds):.2f} s each, the slowest {max(seconds):.2f} s; "
              f"the machine takes {slower:.1f} x the usual time")
        self.assertLess(statistics.median(seconds), USUAL * slower)
        self.assertLess(max(seconds), SLOWEST * slower)

    def slower_than_usual(self) -> float:
        """How many times as long as on an idle machine a delivery takes now that remembers nothing; at least 1."""
        first, second = self.dead_and_well()
        results = list(self.in_turn(2 * AT_A_TIME, AT_A_TIME, first, second, name="PLAIN", state="no"))
        self.assert_all_sent(results)
        return max(1.0, statistics.median(result.seconds for result in results) / PLAIN)

    def told(self) -> list[str]:
        """The lines about memory; each process tells at most once, whatever does not work."""
        lines = self.whole_log("state: ")
        pids = [re.findall(r"\[(\d+)\]", line)[0] for line in lines]
        self.assertEqual(len(pids), len(set(pids)), "told more than once by one process")
        return lines


class DamagedFile(Damage):
    @each({"garbage": (garbage,), "truncated": (truncated,), "cut_to_nothing": (cut_to_nothing,), "zeros": (zeros,),
           "other_pages": (other_pages,)})
    def test_file(self, damage: Callable[[Path], None]) -> None:
        file = self.state / "state.db"

        def act(i: int) -> None:
            if i % 10 == 9 and file.exists():
                damage(file)

        self.load(act)
        if damage is not cut_to_nothing:    # an empty file is a new one, and nothing is wrong with it
            self.assertGreater(len(self.told()), 0, "nobody was told")
        # What is recreated remembers again.
        first, second = self.first
        before = len(first.sessions)
        self.assert_all_sent([self.one(first, second, name=f"AFTER{i}") for i in range(4)])
        self.assertLessEqual(len(first.sessions) - before, 1)

    def test_a_later_version_is_left_alone(self) -> None:
        self.one(*self.first, name="MAKES")
        file = self.state / "state.db"
        wrong_version(file)
        before = file.read_bytes()
        self.first = self.dead_and_well()
        self.load()
        self.assertEqual(len([line for line in self.told() if "later version" in line]), COUNT)
        self.assertEqual(file.read_bytes(), before)

    def test_removed_again_and_again(self) -> None:
        def act(i: int) -> None:
            if i % 5 == 4:
                for path in self.state.iterdir():
                    path.unlink()

        self.load(act)
        self.told()


class UselessDirectory(Damage):
    def test_missing(self) -> None:
        self.load(state_directory=str(self.directory / "nowhere"))
        self.assertEqual(len(self.told()), COUNT)

    def test_no_permission(self) -> None:
        self.state.chmod(0o700)
        self.load(around=Surroundings(self.queue, user="nobody"))
        self.assertEqual(len(self.told()), COUNT)

    def test_a_file_of_another_user(self) -> None:
        """As after `relaypipe` was run once by root."""
        self.one(*self.first, name="ROOT")
        self.first = self.dead_and_well()
        self.load(around=Surroundings(self.queue, user="nobody"))
        self.assertEqual(len(self.told()), COUNT)

    def test_no_directory_but_a_file(self) -> None:
        plain = self.directory / "plain"
        plain.touch()
        self.load(state_directory=str(plain))
        self.assertEqual(len(self.told()), COUNT)


class OwnFileSystem(Damage):
    """File systems of the test's own, in a mount namespace that ends with it."""

    REMOUNT, READ_ONLY = 32, 1

    def mount(self, options: str, flags: int = 0) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.mount(b"none", str(self.state).encode(), b"tmpfs", flags, options.encode()) != 0:
            raise OSError(ctypes.get_errno(), f"mounting: {os.strerror(ctypes.get_errno())}")

    def setUp(self) -> None:
        leave_machine()
        super().setUp()

    def test_full_from_the_beginning(self) -> None:
        self.mount("size=4k")
        (self.state / "filler").write_bytes(bytes(4096))
        self.load()
        self.assertEqual(len(self.told()), COUNT)

    def test_fills_up_and_has_room_again(self) -> None:
        self.mount("size=256k")
        filler = self.state / "filler"

        def act(i: int) -> None:
            if i == COUNT // 4:
                try:
                    filler.write_bytes(bytes(1 << 20))
                except OSError:
                    pass
            if i == COUNT // 2:
                filler.unlink()

        self.load(act)
        self.told()
        first, second = self.first
        self.one(first, second, name="LEARNS")
        before = len(first.sessions)
        self.assert_all_sent([self.one(first, second, name=f"AFTER{i}") for i in range(4)])
        self.assertEqual(len(first.sessions), before, "it does not remember again")

    def test_becomes_read_only(self) -> None:
        self.mount("size=1m")

        def act(i: int) -> None:
            # A busy file system refuses: it is tried until nobody has a file open for writing.
            if i >= COUNT // 3 and not read_only:
                try:
                    self.mount("", self.REMOUNT | self.READ_ONLY)
                    read_only.append(i)
                except OSError:
                    pass

        read_only: list[int] = []
        self.load(act)
        self.assertTrue(read_only or not self.told())
        if read_only:
            self.assertGreater(len(self.told()), 0)

    def test_read_only_from_the_beginning(self) -> None:
        self.mount("size=1m")
        self.mount("", self.REMOUNT | self.READ_ONLY)
        self.load()
        self.assertEqual(len(self.told()), COUNT)
