"""The base class of the OAuth2 tests: an endpoint, a relay that checks the bearer, and an account on it.

Whatever a test does, at its end no secret may stand in anything that was printed or logged.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Optional

from support.case import for_senders
from support.chain_case import ChainCase, Told
from support.relays import LIMIT
from support.runs import Result

HERE = Path(__file__).resolve().parent
# Authlib and aiosmtpd are packages of the system's Python, which need not be the one that runs the tests.
SYSTEM_PYTHON = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
USER = "mailbox@example.org"
FIRST = "refresh-first.0123456789"
CLIENT_SECRET = "client/secret+1"


class Server:
    """A script of this folder in a process of its own, which obeys lines on its standard input."""

    def __init__(self, script: str, *words: str) -> None:
        self._process = subprocess.Popen([SYSTEM_PYTHON, "-B", str(HERE / script), *words], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self._lock = threading.Lock()
        ready = self._line().split()
        if ready[:1] != ["ready"]:
            raise RuntimeError(f"{script} did not start: {ready}")
        self.port = int(ready[1])

    def tell(self, **command: Any) -> Any:
        assert self._process.stdin
        with self._lock:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            return json.loads(self._line())

    def _line(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(LIMIT)
        for stream in (self._process.stdin, self._process.stdout):
            if stream:
                stream.close()


class Endpoint(Server):
    def __init__(self, certificates: Path, kind: str = "good") -> None:
        super().__init__("token_endpoint.py", f"{certificates}/{kind}.pem", f"{certificates}/{kind}.key")
        self.url = f"https://127.0.0.1:{self.port}"

    def set(self, **options: Any) -> None:
        self.tell(set=options)

    @property
    def requests(self) -> list[dict[str, Any]]:
        return list(self.tell(log=True))

    @property
    def token_requests(self) -> list[dict[str, str]]:
        """The forms sent to the token endpoint."""
        return [r["form"] for r in self.requests if r["path"] == "/token"]

    @property
    def access_tokens(self) -> list[str]:
        return list(self.tell(access_tokens=True))


class BearerRelay(Server):
    def __init__(self, certificates: Path, kind: str) -> None:
        super().__init__("bearer_relay.py", f"{certificates}/good.pem", f"{certificates}/good.key", kind)
        self.destination = f"{'smtps' if kind == 'implicit' else 'smtp'}:[127.0.0.1]:{self.port}"
        self.name = f"127.0.0.1[127.0.0.1]:{self.port}"

    @property
    def auth(self) -> list[list[Any]]:
        return list(self.tell(log=True)["auth"])

    @property
    def messages(self) -> list[dict[str, Any]]:
        return list(self.tell(log=True)["messages"])


def mark(text: str) -> str:
    """FNV-1a, as the program marks its files."""
    value = 0xCBF29CE484222325
    for octet in text.encode():
        value = ((value ^ octet) * 0x100000001B3) % 2**64
    return f"{value:016x}"


class OauthCase(ChainCase):
    def setUp(self) -> None:
        super().setUp()
        self.printed: list[str] = []
        self.secrets = {FIRST, CLIENT_SECRET}
        self.certificates = self.directory / "pki"
        self.certificates.mkdir()
        subprocess.run([SYSTEM_PYTHON, "-B", str(HERE / "certificates.py"), str(self.certificates)], check=True)
        self.state = self.directory / "kept"
        self.state.mkdir(0o700)
        self.settings["state_directory"] = str(self.state)
        self.client_secret = self.secret("client", CLIENT_SECRET)
        self.refresh = self.secret("refresh", FIRST)
        self.endpoint = self.serve(Endpoint(self.certificates))
        self.bearer = self.serve(BearerRelay(self.certificates, "starttls"))
        self.write(self.account())

    def tearDown(self) -> None:
        self.secrets.update(self.endpoint.tell(secrets=True))
        everything = "\n".join([*self.printed, *self.syslog.stop()])
        for secret in self.secrets:
            self.assertNotIn(secret, everything)
        super().tearDown()

    def serve(self, server: Any) -> Any:
        self.addCleanup(server.stop)
        return server

    def secret(self, name: str, text: str, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_text(text + "\n")
        path.chmod(mode)
        return path

    def account(self, relay: Optional[BearerRelay] = None, *, name: str = "one", more: str = "", **keys: Any) -> str:
        """The configuration of one relay; `keys` replace those of its oauth2 table, None leaves one out."""
        table: dict[str, Any] = {
            "token_endpoint": f"{self.endpoint.url}/token", "client_id": "confidential", "scope": "mail",
            "client_secret_file": str(self.client_secret), "refresh_token_file": str(self.refresh),
            "ca_file": f"{self.certificates}/ca.pem", **keys}
        lines = [f"{key} = {json.dumps(value)}" for key, value in table.items() if value is not None]
        return "\n".join([f'state_directory = "{self.state}"', f"[relay.{name}]",
                          f'destination = "{(relay or self.bearer).destination}"', f'username = "{USER}"',
                          f'tls_ca_file = "{self.certificates}/ca.pem"', more, f"[relay.{name}.oauth2]", *lines,
                          "[chain.outbound]", f'tiers = [["{name}"]]', ""])

    # -- running ------------------------------------------------------------------------------

    def send(self, **arguments: Any) -> Result:
        result = self.deliver("outbound", **arguments)
        self.printed += [result.text, result.stderr.decode("utf-8", "replace"), " ".join(result.argv)]
        return result

    def sent(self, **arguments: Any) -> Result:
        """A delivery that the relay accepted."""
        result = self.send(**arguments)
        self.assertEqual(result.status, 0, result)
        return result

    def deferred(self, *words: str, **arguments: Any) -> Result:
        """A delivery that waits, for a reason in these words, without a message at the relay."""
        result = self.send(**arguments)
        self.assertEqual(result.status, 75, result)
        for word in words:
            self.assertIn(for_senders(word), result.text, result)
        return result

    def token(self, *words: str) -> Told:
        told = self.tool("token", "--config", str(self.config), *words)
        self.printed.append(told.text)
        return told

    def token_json(self, *words: str) -> dict[str, Any]:
        return dict(self.token("one", "--json", *words).json["tokens"][0])

    # -- what is kept -------------------------------------------------------------------------

    @property
    def record_file(self) -> Path:
        return self.state / "tokens" / "one.token"

    @property
    def record(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.record_file.read_text().splitlines()[1:])

    def rewrite(self, **values: Any) -> None:
        """Changes the record as if it had been written so."""
        lines = [f"{name}={values.get(name, value)}" for name, value in self.record.items() if name != "mark"]
        text = "relaypipe token 1\n" + "\n".join(lines) + "\n"
        self.record_file.write_text(f"{text}mark={mark(text)}\n")

    def age(self, seconds: int) -> None:
        """Makes what is kept older, as if that time had passed."""
        times = ("obtained", "ends", "refresh_obtained", "failed")
        self.rewrite(**{name: int(self.record[name]) - seconds for name in times if int(self.record[name])})

    def log_lines(self, *words: str) -> list[str]:
        return [line for line in self.syslog.stop() if all(word in line for word in words)]
