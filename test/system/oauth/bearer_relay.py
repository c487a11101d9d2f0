#!/usr/bin/python3
"""A relay that takes mail only from who shows a good bearer token: aiosmtpd, with XOAUTH2 and OAUTHBEARER added.

Usage: bearer_relay.py CERT KEY implicit|starttls

Prints `ready PORT`. Reads commands from standard input, one JSON object per line, and answers each with one:
  {"accept": [PREFIX...]}   what good ones begin with; null: any        {"user": NAME}    the only user
  {"log": true}             {"auth": [[mechanism, user, token, accepted]...], "messages": [...]}
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import ssl
import sys
import warnings
from typing import Any, Optional

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

STATE: dict[str, Any] = {"accept": None, "user": "mailbox@example.org"}
LOG: dict[str, list[Any]] = {"auth": [], "messages": []}
REFUSAL = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"mail"}').decode()


class Handler:
    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        LOG["messages"].append({"from": envelope.mail_from, "to": envelope.rcpt_tos,
                                "content": bytes(envelope.content or b"").decode("latin-1")})
        return "250 2.0.0 Ok: queued as 4Bearer"

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:
        """`user=U^Aauth=Bearer T^A^A`"""
        fields = await self.fields(server, args)
        user = next((f[5:] for f in fields if f.startswith("user=")), "")
        return await self.judge(server, "XOAUTH2", user, fields)

    async def auth_OAUTHBEARER(self, server: SMTP, args: list[str]) -> AuthResult:
        """`n,a=U,^Ahost=H^Aport=P^Aauth=Bearer T^A^A` (RFC 7628)"""
        fields = await self.fields(server, args)
        user = next((part[2:] for part in fields[0].split(",") if part.startswith("a=")), "") if fields else ""
        return await self.judge(server, "OAUTHBEARER", user, fields)

    async def fields(self, server: SMTP, args: list[str]) -> list[str]:
        given: Any = base64.b64decode(args[1]) if len(args) > 1 else await server.challenge_auth("")
        return given.decode().split("\1") if isinstance(given, bytes) else []

    async def judge(self, server: SMTP, mechanism: str, user: str, fields: list[str]) -> AuthResult:
        token = next((f[12:] for f in fields if f.startswith("auth=Bearer ")), "")
        good = user == STATE["user"] and (STATE["accept"] is None or token.startswith(tuple(STATE["accept"])))
        LOG["auth"].append([mechanism, user, token, good])
        if good:
            return AuthResult(success=True)
        await server.challenge_auth(REFUSAL, encode_to_b64=False)
        return AuthResult(success=False, handled=False, message="535 5.7.8 Username and Password not accepted")


class Relay(SMTP):
    def __init__(self, context: ssl.SSLContext, implicit: bool) -> None:
        super().__init__(Handler(), hostname="relay.example", auth_required=True, enable_SMTPUTF8=True,
                         tls_context=None if implicit else context, require_starttls=not implicit,
                         auth_require_tls=not implicit, auth_exclude_mechanism=["LOGIN", "PLAIN"])


async def read_commands(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, value = next(iter(json.loads(line).items()))
        answer: Any = LOG if name == "log" else True
        if name != "log":
            STATE[name] = value
        print(json.dumps(answer), flush=True)
    stop.set()


async def main(cert: str, key: str, kind: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    implicit = kind == "implicit"
    secured: Optional[ssl.SSLContext] = context if implicit else None
    server = await asyncio.get_running_loop().create_server(
        lambda: Relay(context, implicit), "127.0.0.1", 0, ssl=secured, backlog=128)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    stop = asyncio.Event()
    reader = asyncio.create_task(read_commands(stop))
    await stop.wait()
    await reader


if __name__ == "__main__":
    # What aiosmtpd thinks of its own defaults.
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    asyncio.run(main(*sys.argv[1:4]))
