"""Memory stays flat, and a machine without room defers the mail."""

from __future__ import annotations

import os
import pwd

from support.case import DeliveryCase, each
from support.marks import measures
from support.relays import content_of
from support.runs import Surroundings
from support.wire import MIB, sample, stream, wire_form


@measures
class MemoryTest(DeliveryCase):
    def peak_of(self, octets: int) -> int:
        """KiB. The reply to the dot is late, so that the last sample is of a program that has sent everything."""
        relay = self.relay("on dot: delay 300ms ; default")
        result = self.deliver(relay, message=stream(octets), around=Surroundings(self.queue, measure_rss=True))
        transaction = self.assert_sent(result, by=relay)
        self.assertGreater(transaction["content"]["length"], octets * 0.95)
        self.relays.remove(relay)
        return result.peak_rss

    def test_peak_rss_does_not_grow_with_the_message(self) -> None:
        small, large = self.peak_of(1 * MIB), self.peak_of(100 * MIB)
        print(f"peak RSS: {small} KiB for a message of 1 MiB, {large} KiB for one of 100 MiB", flush=True)
        self.assertLess(large - small, 8 * 1024)

    def test_one_endless_line_does_not_fill_the_memory(self) -> None:
        relay = self.relay("on dot: delay 300ms ; default")
        message = (b"x" * MIB for _ in range(50))
        result = self.deliver(relay, message=message, around=Surroundings(self.queue, measure_rss=True))
        self.assert_sent(result, by=relay)
        self.assertLess(result.peak_rss, 64 * 1024)


class SpoolTest(DeliveryCase):
    def unprivileged(self) -> Surroundings:
        """Root may write everywhere, so as root the program runs as nobody; others are unprivileged already."""
        self.queue.chmod(0o755)
        return Surroundings(self.queue, user=pwd.getpwnam("nobody").pw_name if os.getuid() == 0 else None)

    @each({"missing": ("/nonexistent/spool",), "a_file": ("/dev/null",), "relative": ("no/such/directory",)})
    def test_no_spool_directory(self, directory: str) -> None:
        relay = self.relay()
        result = self.deliver(relay, message=sample(3 * MIB), spool_directory=directory)
        self.assert_deferred(result, r"4\.3\.\d+", words=(directory.rpartition("/")[2],))

    def test_a_spool_directory_without_write_permission(self) -> None:
        relay = self.relay()
        spool = self.directory / "spool"
        spool.mkdir(mode=0o555)
        result = self.deliver(relay, message=sample(3 * MIB), spool_directory=str(spool), around=self.unprivileged())
        # What a sender may read has no directories of this machine; the log has.
        self.assert_deferred(result, r"4\.3\.0", words=("a file in spool",))
        self.assertTrue(any(str(spool) in line for line in self.syslog.stop()))

    def test_a_full_disk(self) -> None:
        """RLIMIT_FSIZE with SIGXFSZ ignored: write(2) fails in the middle, as on a full disk."""
        relay = self.relay()
        around = Surroundings(self.queue, file_size_limit=2 * MIB)
        self.assert_deferred(self.deliver(relay, message=sample(5 * MIB), around=around), r"4\.3\.\d+")

    def test_a_small_message_needs_no_spool_directory(self) -> None:
        relay = self.relay()
        message = sample(200_000)
        result = self.deliver(relay, message=message, spool_directory="/nonexistent/spool")
        self.assertEqual(content_of(self.assert_sent(result, by=relay)), wire_form(message))

    def test_the_spool_leaves_nothing_behind(self) -> None:
        spool = self.directory / "spool"
        spool.mkdir()
        for script, status in (("", 0), ("on rcpt: reply 451 4.3.0 later", 75), ("lost-in-content", 75)):
            with self.subTest(script):
                result = self.deliver(self.relay(script), message=sample(20 * MIB, 900), spool_directory=str(spool))
                self.assertEqual(result.status, status, result)
                self.assertEqual(list(spool.iterdir()), [])

    def test_killed_while_spooling_leaves_nothing_behind(self) -> None:
        spool = self.directory / "spool"
        spool.mkdir()
        relay = self.relay()
        delivery = self.start(relay, spool_directory=str(spool))
        delivery.feed(sample(3 * MIB))
        relay.wait_for("ehlo")
        delivery.signal(9)
        self.assertEqual(delivery.wait().status, -9)
        self.assertEqual(list(spool.iterdir()), [])
        self.assertEqual(relay.dots, 0)

    def test_runs_as_an_unprivileged_user(self) -> None:
        relay = self.relay()
        spool = self.directory / "spool"
        spool.mkdir()
        spool.chmod(0o777)
        message = sample(3 * MIB)
        result = self.deliver(relay, message=message, spool_directory=str(spool), around=self.unprivileged())
        self.assertEqual(content_of(self.assert_sent(result, by=relay)), wire_form(message))
