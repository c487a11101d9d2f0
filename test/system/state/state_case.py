"""The base class of these tests: many deliveries at once that share one state directory."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import Any, Callable, Iterable, Optional

from counting_relay import Behaviour, CountingRelay
from support.case import MESSAGE, DeliveryCase, Hop
from support.relays import binary_path
from support.runs import Delivery, Result

LONG = bool(os.environ.get("RELAYPIPE_LONG"))


class StateCase(DeliveryCase):
    configuration: tuple[str, ...] = ()
    zone = "UTC0"    # of the tools

    def setUp(self) -> None:
        super().setUp()
        self.countings: list[CountingRelay] = []

    def counting(self, port: int = 0, **behaviour: Any) -> CountingRelay:
        found = CountingRelay(Behaviour(**behaviour), port)
        self.countings.append(found)
        self.addCleanup(found.stop)
        return found

    def configure(self, text: str) -> None:
        """A configuration file for the deliveries that follow."""
        file = self.directory / "relaypipe.toml"
        file.write_text(text)
        file.chmod(0o644)
        self.configuration = ("--config", str(file))

    def begin(self, *hops: Hop, name: str, **arguments: Any) -> Delivery:
        """A delivery with a queue id and a recipient of its own, its message already complete."""
        options = ("--queue-id", name, *self.configuration)
        to = arguments.pop("to", (f"{name}@example.net",))
        delivery = self.start(*hops, options=options, to=to, **arguments)
        delivery.feed(MESSAGE)
        delivery.end_input()
        return delivery

    def one(self, *hops: Hop, name: str, **arguments: Any) -> Result:
        return self.finish(self.begin(*hops, name=name, **arguments))

    def at_once(self, count: int, *hops: Hop, name: str = "Q", **arguments: Any) -> list[Result]:
        """So many deliveries, all started before the first is waited for."""
        running = [self.begin(*hops, name=f"{name}{i}", **arguments) for i in range(count)]
        return [self.finish(delivery) for delivery in running]

    def in_turn(self, count: int, at_a_time: int, *hops: Hop, name: str = "Q",
                each: Optional[Callable[[int, Delivery], None]] = None, **arguments: Any) -> Iterable[Result]:
        """So many deliveries, never more than `at_a_time` of them running."""
        running: list[Delivery] = []
        for i in range(count):
            if len(running) == at_a_time:
                yield running.pop(0).wait()
            running.append(self.begin(*hops, name=f"{name}{i}", **arguments))
            if each:
                each(i, running[-1])
        for delivery in running:
            yield delivery.wait()

    def assert_all_sent(self, results: Iterable[Result]) -> None:
        for result in results:
            self.assertEqual(result.status, 0, result)

    def tool(self, *words: str, status: int = 0) -> str:
        """What a command of relaypipe prints with the configuration file of the deliveries."""
        done = subprocess.run([binary_path(), *words, *self.configuration], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "TZ": self.zone})
        self.assertEqual(done.returncode, status, done)
        self.assertEqual(done.stderr, "")
        return done.stdout

    def relay_status(self, name: str) -> dict[str, Any]:
        """What `relaypipe status` knows of a relay."""
        return next(r for r in json.loads(self.tool("status", "--json"))["relays"] if r["relay"] == name)

    def log_lines(self, pattern: str) -> list[str]:
        """What the log has so far."""
        return [line for line in self.syslog.so_far() if re.search(pattern, line)]

    def whole_log(self, pattern: str) -> list[str]:
        """The log when it is complete: nothing may be delivered after this."""
        return [line for line in self.syslog.stop() if re.search(pattern, line)]
