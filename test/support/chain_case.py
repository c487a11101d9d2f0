"""The base class of tests with a configuration file: deliveries that use it, and what the commands say about it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.case import RECIPIENT, SENDER, DeliveryCase, for_senders
from support.own_network import OwnNetwork
from support.relays import LIMIT, Relay, binary_path
from support.runs import Result

DOWN = "on greeting: reply 421 4.3.2 closing"
LATER = "on rcpt: reply 451 4.3.0 not now"


@dataclass(frozen=True)
class Told:
    """What a command printed, and its exit status."""

    status: int
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


class ChainCase(OwnNetwork, DeliveryCase):
    """A test with a configuration file, used by every delivery and command once it is written."""

    def setUp(self) -> None:
        super().setUp()
        self.config = self.directory / "relaypipe.toml"
        # The file decides here, so the command line says only what no test is about. The patience is long because on a
        # busy machine a second relay would otherwise be tried beside a healthy one, and might win.
        self.settings = {"syslog_socket": str(self.syslog.path), "state_directory": str(self.state), "patience": "20s"}

    def write(self, text: str, path: Path | None = None) -> Path:
        path = path or self.config
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o644)
        return path

    def configure(self, text: str, **relays: Any) -> Path:
        """Writes the file. Each relay gets its [relay.NAME] with its destination, or the destination is added to the
        section the text has; `$NAME` is the destination where it is written out."""
        for name, relay in relays.items():
            head, line = f"[relay.{name}]", f'destination = "{relay.destination}"'
            text = text.replace(f"${name}", relay.destination)
            text = text.replace(head, f"{head}\n{line}") if head in text else f"{text}\n{head}\n{line}\n"
        return self.write(text)

    # -- running ------------------------------------------------------------------------------

    def argv(self, *hops: Any, options: tuple[str, ...] = (), **arguments: Any) -> list[str]:
        given = ("--config", str(self.config)) if self.config.exists() else ()
        return super().argv(*hops, options=(*given, *options), **arguments)

    def tool(self, *words: str) -> Told:
        """Runs a command. Nothing is for stderr, or programs would not find it."""
        done = subprocess.run([binary_path(), *words], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT)
        self.assertEqual(done.stderr, b"", words)
        return Told(done.returncode, done.stdout.decode())

    def plan(self, *words: str, sender: str = SENDER, to: tuple[str, ...] = (RECIPIENT,)) -> Told:
        recipients = [word for recipient in to for word in ("--to", recipient)]
        return self.tool("plan", "--config", str(self.config), "-o", f"state_directory={self.state}", "--from", sender,
                         *recipients, *words)

    def legs(self, *words: str, **arguments: Any) -> list[str]:
        """The names of the relays in the order of the plan."""
        return [leg["relay"] for leg in self.plan("--json", *words, **arguments).json["legs"]]

    def check(self, *words: str) -> Told:
        # Otherwise a machine without /dev/log, or with a name without a domain, would be a warning of its own.
        return self.tool("check", "--config", str(self.config), "-o", f"syslog_socket={self.syslog.path}",
                         "-o", "hostname=client.example", *words)

    # -- what came of it ----------------------------------------------------------------------

    def carrier(self, result: Result) -> Relay:
        """The relay whose reply the result quotes; several deliveries may be asked before the relays are stopped."""
        self.assertEqual(result.status, 0, result)
        found = [relay for relay in self.relays if result.text.startswith(f"{relay.name}: 250 ")]
        self.assertEqual(len(found), 1, result)
        return found[0]

    def logged(self, *words: str) -> list[str]:
        """The log lines that hold all the words. Ends the log."""
        return [line for line in self.syslog.stop() if all(word in line for word in words)]

    def assert_refused(self, result: Result, *words: str) -> None:
        """4.3.5 without a connection to anybody, and one log line that says the same and where our files are, which the
        text for Postfix does not: senders read it in delay notices."""
        self.assert_deferred(result, r"4\.3\.5", words=tuple(map(for_senders, words)))
        self.assertNotIn(str(self.directory), result.text)
        for relay in self.relays:
            self.assert_dialled(relay, 0)
        lines = self.syslog.stop()
        self.assertEqual(len(lines), 1, lines)
        for word in words:
            self.assertIn(word, lines[0])
