"""Amazon SES as somebody else has written it: the npm package aws-ses-v2-local, which speaks HTTP, behind a socket with TLS.

It checks no signature and looks at no Destination, but it parses the request and the message on its own. unpack_programs
has it put where it is looked for first, where there is npm; skipped where it is nowhere.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from pathlib import Path
from typing import Any

from https_case import KEY_ID, REGION, SECRET_KEY, HttpsCase
from support.clients import clients_of
from support.machine import free_port, wait_until
from support.relays import LIMIT

# All members of GetAccount's answer are checked there.
ACCOUNT = {"DedicatedIpAutoWarmupEnabled": False, "EnforcementStatus": "HEALTHY", "ProductionAccessEnabled": True,
           "SendingEnabled": True, "SendQuota": {"Max24HourSend": 200, "MaxSendRate": 1, "SentLast24Hours": 7},
           "SuppressionAttributes": {"SuppressedReasons": []},
           "Details": {"AdditionalContactEmailAddresses": [], "ContactLanguage": "EN", "MailType": "TRANSACTIONAL",
                       "ReviewDetails": {"CaseId": "1", "Status": "GRANTED"}, "UseCaseDescription": "x",
                       "WebsiteURL": "https://example.com"}}
NAME = "aws-ses-v2-local"
UNPACKED = Path(os.environ.get("RELAYPIPE_TEST_TOOLS") or "/var/cache/relaypipe-test") / NAME / "bin" / NAME
PROGRAM = str(UNPACKED) if UNPACKED.exists() else shutil.which(NAME)
MESSAGE = ("From: Äther <sender@example.org>\nTo: rcpt@example.net\nBcc: nobody@example.net\nSubject: =?utf-8?q?caf=C3=A9?=\n"
           "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
           "Grüße\n.dot\n..two dots\n").encode()


class Front:
    """TLS in front of a port: whatever comes is passed on."""

    def __init__(self, pem: Path, port: int) -> None:
        self._target = port
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._context.set_alpn_protocols(["http/1.1"])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        for raw, _ in clients_of(self._listener):
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            with self._context.wrap_socket(raw, server_side=True) as secure, \
                    socket.create_connection(("127.0.0.1", self._target)) as plain:
                back = threading.Thread(target=self._pass, args=(plain, secure), daemon=True)
                back.start()
                self._pass(secure, plain)
                back.join(LIMIT)
        except OSError:
            pass    # one of the two has gone

    @staticmethod
    def _pass(source: socket.socket, sink: socket.socket) -> None:
        try:
            while octets := source.recv(65536):
                sink.sendall(octets)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def stop(self) -> None:
        self._listener.close()


class SesLocal(HttpsCase):
    def setUp(self) -> None:
        if not PROGRAM:
            self.skipTest("aws-ses-v2-local is not installed")
        super().setUp()
        self.port = free_port()
        server = subprocess.Popen([PROGRAM, "--port", str(self.port)], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  env={**os.environ, "AWS_SES_ACCOUNT": json.dumps(ACCOUNT)})
        self.addCleanup(server.wait, LIMIT)
        self.addCleanup(server.terminate)
        wait_until(self.healthy, "aws-ses-v2-local never answered")
        front = Front(self.pem, self.port)
        self.addCleanup(front.stop)
        self.keys = {"destination": f"https:localhost:{front.port}", "provider": "ses", "region": REGION, "username": KEY_ID,
                     "password_file": self.secret("ses.secret", SECRET_KEY), "tls_ca_file": str(self.authority.file)}

    def get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=LIMIT) as answer:
            return bytes(answer.read())

    def healthy(self) -> bool:
        try:
            self.get("/health-check")
        except OSError:
            return False
        return True

    @property
    def mail(self) -> dict[str, Any]:
        """The one message that it has."""
        (mail,) = json.loads(self.get("/store"))["emails"]
        return dict(mail)

    def test_a_message(self) -> None:
        result = self.send(self.keys, message=MESSAGE)
        self.assertEqual(result.status, 0, f"{result}\n{self.syslog.lines}")
        mail = self.mail
        self.assertIn(f"200 MessageId {mail['messageId']}", result.text)
        self.assertEqual((mail["subject"], mail["body"]["text"]), ("café", "Grüße\n.dot\n..two dots\n"))
        self.assertEqual(mail["destination"], {"to": ["rcpt@example.net"], "cc": [], "bcc": []})

    def test_a_large_message(self) -> None:
        body = b"0123456789abcdef\n" * 300_000
        result = self.send(self.keys, message=MESSAGE.partition(b"\n\n")[0] + b"\n\n" + body)
        self.assertEqual(result.status, 0, f"{result}\n{self.syslog.lines}")
        mail = self.mail
        self.assertEqual(mail["body"]["text"].encode(), body)

    def test_what_it_refuses(self) -> None:
        """A message without From: an answer of theirs, read and judged; nobody is at fault for certain, so it waits."""
        result = self.send(self.keys, message=b"To: rcpt@example.net\nSubject: x\n\nx\n")
        self.assertEqual(result.status, 75, result)
        self.assertIn("said: 400 Bad Request Exception", result.text)

    def test_probe_asks_for_the_account(self) -> None:
        self.configure_chain(self.keys)
        told = self.command("probe", "r0")
        self.assertIn("7 of 200 messages sent in 24 hours", told.text)
