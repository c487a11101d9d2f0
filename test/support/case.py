"""The base class of the end-to-end tests: deliver, then ask the result and the relays' journals.

Every delivery is checked for what pipe(8) demands whatever happens: one printable line shorter than 4096
octets, a D.S.N in front of every failure, and an exit status that says the same as the D.S.N.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable, Optional, Union

from support.relays import Relay, SyslogSink, binary_path, has_ipv6
from support.runs import Delivery, Message, Result, Surroundings, run

MESSAGE = b"From: sender@example.org\nTo: rcpt@example.net\nSubject: test\n\nHello.\n"
SENDER = "sender@example.org"
RECIPIENT = "rcpt@example.net"
OTHER = "other@example.net"
HARD_STATUS = {"5.1.1": 67, "5.1.2": 68}
HARD_STATUS_BY_SUBJECT = {"6": 65, "7": 77}
WAITING = re.compile(r"\b(silent|deaf|drip)\b")
STAGE_LIMITS = ("connect", "greeting", "helo", "mail", "rcpt", "data_init", "data_xfer", "data_done")
Hop = Union[str, Any]


def each(table: dict[str, tuple[Any, ...]]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """One test method per row, so that rows run in parallel and fail by name."""

    def mark(function: Callable[..., None]) -> Callable[..., None]:
        function.rows = table  # type: ignore[attr-defined]
        return function

    return mark


def hard_status(dsn: str) -> int:
    return HARD_STATUS.get(dsn) or HARD_STATUS_BY_SUBJECT.get(dsn.split(".")[1], 69)


def limits_for(script: str, but: tuple[str, ...] = ()) -> dict[str, str]:
    """Short stage limits for a dialogue in which the program has to wait for one to pass. The others keep the long
    defaults, so that a busy machine cannot make a healthy relay look dead."""
    return {f"{stage}_timeout": "700ms" for stage in STAGE_LIMITS if stage not in but} if WAITING.search(script) else {}


def for_senders(words: str) -> str:
    """What the text for Postfix has of these words: the log alone names the directories of our files."""
    # base64 has slashes, and is no path.
    return words if words.startswith("sha256//") else re.sub(r"[\w./-]*/", "", words)


class RelayCase(unittest.TestCase):
    """A temporary directory, relays that are stopped at the end, and table-driven test methods."""

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        for name, function in list(vars(cls).items()):
            for key, row in getattr(function, "rows", {}).items():
                def method(self: Any, function: Any = function, row: tuple[Any, ...] = row) -> None:
                    function(self, *row)
                method.__doc__ = function.__doc__
                setattr(cls, f"{name}__{key}", method)
            if hasattr(function, "rows"):
                delattr(cls, name)

    def setUp(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="relaypipe-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.journals = 0
        self.relays: list[Relay] = []
        self.lawless_relays: set[Relay] = set()

    def tearDown(self) -> None:
        for relay in self.relays:
            relay.stop()
        for relay in set(self.relays) - self.lawless_relays:
            self.assertEqual(relay.violations, [], "the client broke the protocol")

    def relay(self, script: str = "", listen: str = "127.0.0.1", port: int = 0) -> Relay:
        """A relay playing dialogues/SCRIPT.relay, or the dialogue given as text."""
        self.need(listen)
        self.journals += 1
        journal = self.directory / f"journal-{self.journals}"
        found = Relay(script, journal, listen, port)
        self.relays.append(found)
        self.addCleanup(found.stop)
        return found

    def need(self, host: str) -> None:
        if ":" in host and not has_ipv6():
            self.skipTest("no IPv6 on this machine")

    def dead(self, kind: type, host: str = "127.0.0.1") -> Any:
        self.need(host)
        found = kind(host)
        self.addCleanup(found.stop)
        return found


class DeliveryCase(RelayCase):
    def setUp(self) -> None:
        super().setUp()
        self.assertTrue(binary_path().exists(), f"no program at {binary_path()}: set RELAYPIPE")
        self.syslog = SyslogSink(self.directory / "log")
        self.addCleanup(self.syslog.stop)
        self.queue = self.directory / "queue"
        self.queue.mkdir()
        # What deliveries remember is the test's own: neither another test nor the machine's relaypipe tells it anything.
        self.state = self.directory / "state"
        self.state.mkdir()
        self.state.chmod(0o777)    # some tests run the program as another user
        self.settings = {"syslog_socket": str(self.syslog.path), "state_directory": str(self.state),
                         "hostname": "client.example"}

    def tearDown(self) -> None:
        self.assertEqual(list(self.queue.iterdir()), [], "nothing may be written to Postfix's queue directory")
        super().tearDown()

    # -- running ------------------------------------------------------------------------------

    def argv(self, *hops: Hop, sender: str = SENDER, to: tuple[str, ...] = (RECIPIENT,),
             options: tuple[str, ...] = (), **settings: str) -> list[str]:
        """Hops are relays, dead addresses or text; keyword arguments become -o name=value."""
        nexthop = ",".join(hop if isinstance(hop, str) else hop.destination for hop in hops)
        merged = {**self.settings, **settings}
        pairs = [word for name, value in merged.items() for word in ("-o", f"{name}={value}")]
        return [str(binary_path()), "--nexthop", nexthop, *pairs, *options, "-f", sender, "--", *to]

    def deliver(self, *hops: Hop, message: Message = MESSAGE, around: Optional[Surroundings] = None,
                **arguments: Any) -> Result:
        result = run(self.argv(*hops, **arguments), message, around or Surroundings(self.queue))
        self.check_contract(result)
        return result

    def start(self, *hops: Hop, around: Optional[Surroundings] = None, **arguments: Any) -> Delivery:
        return Delivery(self.argv(*hops, **arguments), around or Surroundings(self.queue))

    def finish(self, delivery: Delivery, check: bool = True) -> Result:
        result = delivery.wait()
        if check:
            self.check_contract(result)
        return result

    # -- what holds for every delivery ----------------------------------------------------------

    def check_contract(self, result: Result) -> None:
        self.assertLessEqual(len(result.output), 4096, result)
        # Not even a line end, which pipe(8) would log as a space.
        line = result.output.decode("utf-8")
        self.assertTrue(line and line.isprintable(), result)
        if result.status == 0:
            self.assertNotRegex(line, r"^[245]\.\d+\.\d+ ", result)
            return
        found = re.match(r"([45]\.\d{1,3}\.\d{1,3}) \S", line)
        assert found, f"no D.S.N in front: {result}"
        expected = 75 if found[1].startswith("4") else hard_status(found[1])
        self.assertEqual(result.status, expected, result)

    def assert_sent(self, result: Result, by: Relay) -> dict[str, Any]:
        """Exit 0, the text names the relay and quotes its reply, and exactly that relay has the message."""
        self.assertEqual(result.status, 0, result)
        self.assertTrue(result.text.startswith(f"{by.name}: 250 "), result)
        for relay in self.relays:
            self.assertEqual(len(relay.accepted), 1 if relay is by else 0, f"{relay.name}: {relay.connections}")
        self.assertEqual(by.dots, 1)
        return by.accepted[0]

    def assert_deferred(self, result: Result, dsn: str = r"4\.\d+\.\d+", *, words: tuple[str, ...] = (),
                        dots: int = 0) -> None:
        """Exit 75 with this D.S.N, all the words in the text, and no relay accepted anything."""
        self.assertEqual(result.status, 75, result)
        self.assert_failed(result, dsn, words, dots)

    def assert_bounced(self, result: Result, dsn: str, *, words: tuple[str, ...] = (), dots: int = 0) -> None:
        self.assertTrue(result.text.startswith("5."), result)
        self.assert_failed(result, dsn, words, dots)

    def assert_failed(self, result: Result, dsn: str, words: tuple[str, ...], dots: int) -> None:
        self.assertRegex(result.text, rf"^{dsn} ", result)
        for word in words:
            self.assertIn(word, result.text, result)
        for relay in self.relays:
            self.assertEqual(relay.accepted, [], f"{relay.name} accepted the message")
        self.assertEqual(sum(relay.dots for relay in self.relays), dots, "final dots sent")

    def assert_untouched(self, relay: Relay) -> None:
        """The relay may have seen a session (a race may open one), but nothing of the message."""
        self.assertEqual(relay.transactions, [], f"{relay.name} was offered the message")
