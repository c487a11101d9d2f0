"""The HTTPS interface of a run says of a request what the judge relies on: whether it was taken, and whether that was read."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import json
import select
import socket
import ssl
import tempfile
import unittest
from pathlib import Path
from typing import Any, Callable

from api_session import Api
from bad_relay import Relay
from messages import digest
from relay_faults import Fault
from support.certificates import Authority
from support.https_requests import KEY_ID, REGION, Request, signature
from support.machine import free_port, wait_until

CONTENT = b"Received: from a\r\n by b\r\nSubject: x\r\n\r\n.a dot\r\n"
DAY = "20261129"


def request(host: str, *recipients: str) -> bytes:
    body = json.dumps({"Destination": {"ToAddresses": recipients}, "FeedbackForwardingEmailAddress": "s@sender.example",
                       "Content": {"Raw": {"Data": base64.b64encode(CONTENT).decode()}}}).encode()
    head = {"host": host, "x-amz-date": f"{DAY}T120000Z", "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
            "content-length": str(len(body))}
    names = ["host", "x-amz-content-sha256", "x-amz-date"]
    made = signature(Request("POST", "/v2/email/outbound-emails", head, body, 1), DAY, names)
    head["authorization"] = (f"AWS4-HMAC-SHA256 Credential={KEY_ID}/{DAY}/{REGION}/ses/aws4_request, "
                             f"SignedHeaders={';'.join(names)}, Signature={made}")
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return f"POST /v2/email/outbound-emails HTTP/1.1\r\n{lines}\r\n".encode() + body


class Interface(unittest.TestCase):
    def setUp(self) -> None:
        directory = Path(self.enterContext(tempfile.TemporaryDirectory(prefix="relaypipe-chaos-")))
        authority = Authority(directory / "authority")
        self.port = free_port()
        self.host = f"localhost:{self.port}"
        self.api = Api(authority.certificate("localhost"), "localhost", self.port)
        self.api.context.num_tickets = 0    # nothing comes but the answers
        self.context = ssl.create_default_context(cafile=str(authority.file))

    def rows(self, client: Callable[[], None], *faults: Fault) -> list[dict[str, Any]]:
        """What the interface notes of what this client does, with such faults by connection."""
        journal = io.StringIO()

        async def run() -> None:
            relay = Relay("https", self.port, "", 1, journal, lambda *names: (*faults, *[Fault()] * 9)[names[2] - 1],
                          self.api.session)
            await relay.listen()
            await asyncio.to_thread(client)
            while relay.tasks:
                await asyncio.sleep(0.01)
            assert relay.server
            relay.server.close()

        asyncio.run(run())
        self.assertEqual(self.api.rules.violations, [])
        return [json.loads(line) for line in journal.getvalue().splitlines()]

    def is_there(self) -> bool:
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self) -> ssl.SSLSocket:
        return self.context.wrap_socket(socket.create_connection(("127.0.0.1", self.port)), server_hostname="localhost")

    def asking(self, *recipients: str, then: Callable[[ssl.SSLSocket], object]) -> Callable[[], None]:
        def client() -> None:
            with self.connect() as connection:
                connection.sendall(request(self.host, *(recipients or ("m1@chain.example",))))
                then(connection)

        return client

    def test_an_answer_that_is_read(self) -> None:
        (row,) = self.rows(self.asking(then=lambda connection: connection.recv(9999)))
        (dot,) = row["dots"]
        self.assertEqual((dot["accepted"], dot["sender"], dot["recipients"], dot["checksum"]),
                         (True, "s@sender.example", ["m1@chain.example"], digest(b"Subject: x\r\n\r\n..a dot\r\n")))
        self.assertTrue(dot["replied"] and dot["next"])

    def test_one_that_is_not(self) -> None:
        (row,) = self.rows(self.asking(then=lambda connection: select.select([connection], [], [])))
        self.assertTrue(row["dots"][0]["replied"])
        self.assertNotIn("next", row["dots"][0])

    def test_one_that_never_comes(self) -> None:
        for kind, accepted in (("lost, taken", True), ("lost, not taken", False)):
            (row,) = self.rows(self.asking(then=lambda connection: connection.recv(9999)), Fault(kind, "answer", how="close"))
            self.assertEqual((row["dots"][0]["accepted"], row["dots"][0]["replied"]), (accepted, None))

    def test_refusals(self) -> None:
        for recipient, word in (("r1@chain.example", b"BadRequestException"), ("c1@chain.example", b"MessageRejected")):
            got: list[bytes] = []
            (row,) = self.rows(self.asking("m1@chain.example", recipient, then=lambda connection: got.append(connection.recv(9999))))
            self.assertIn(word, got[0])
            self.assertFalse(row["dots"][0]["accepted"])

    def test_several_on_one_connection(self) -> None:
        def again(connection: ssl.SSLSocket) -> None:
            connection.recv(9999)
            connection.sendall(request(self.host, "m2@chain.example"))
            select.select([connection], [], [])

        (row,) = self.rows(self.asking(then=again))
        self.assertEqual([("next" in dot, dot["kept"]) for dot in row["dots"]], [(True, False), (False, True)])

    def test_one_that_dies_and_comes_back(self) -> None:
        """The connections that are there are reset with it."""

        def client() -> None:
            with self.connect() as first:
                first.sendall(request(self.host, "m1@chain.example"))
                first.recv(9999)
                with socket.create_connection(("127.0.0.1", self.port)) as second:
                    self.assertRaises(ConnectionResetError, second.recv, 1)
                self.assertRaises(ConnectionResetError, socket.socket.recv, first, 1)
            self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", self.port))
            wait_until(self.is_there, "the interface again")

        rows = self.rows(client, Fault(), Fault("die", "connect", seconds=1))
        (dot,) = next(row["dots"] for row in rows if row["session"] == 1)
        self.assertTrue(dot["replied"])
        self.assertNotIn("next", dot)
