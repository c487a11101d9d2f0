"""A Postfix in which every program is a transport of its own, beside native smtp(8), and how its queue drains."""

from __future__ import annotations

import itertools
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Callable, Sequence

from programs import Binary, Cabinet, Envelope, Program
from relays import Hop, Relay
from stage import Stage
from support.held_queue import CONCURRENCY, PARAMETERS, fill, release
from support.mail_servers import SIMPLE_PASSWORD, SIMPLE_USER
from support.postfix import (EXAMPLE_PROGRAM, EXAMPLE_USER, UNPRIVILEGED_USER, PostfixLab, example_entry,
                             example_lmtp_entry, example_parameters, replaced)


NATIVE = "native smtp(8)"
SERVICE, NEXTHOP = "relaypipe-lmtp", "--nexthop outbound"    # of the example's entry for LMTP
MACROS = Envelope("${queue_id}", "${size}", "${sender}", "${recipient}")
# tlsproxy(8) keeps TLS connections for smtp(8), and dies of a request where main.cf does not tell it of TLS.
TLSPROXY = {"tlsproxy_client_security_level": "may"}
_runs = itertools.count(1)    # journals of relays last longer than one Postfix
SERVICES = "tlsmgr unix - - n 1000? 1 tlsmgr\nscache unix - - n - 1 scache\ntlsproxy unix - - n - 0 tlsproxy\n"


@dataclass(frozen=True)
class Service:
    """A transport of master.cf, and the relays its mail goes to."""

    name: str        # of the program, for tables
    transport: str
    entry: str
    nexthop: str = "there"

    @property
    def domain(self) -> str:
        return f"{self.transport}.example"


@dataclass(frozen=True)
class Drain:
    seconds: float
    sent: int


class Services:
    """Makes transports. Files and programs are for the unprivileged user."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.cabinet = Cabinet(stage, "nobody")
        self._number = 0

    def _transport(self) -> str:
        self._number += 1
        return f"bench{self._number}"

    def relaypipe(self, binary: Binary, *hops: Hop) -> Service:
        """The entry of master.cf.example, with the options that the program has on the stage."""
        transport = self._transport()
        command = self.cabinet.relaypipe(binary, *hops).arguments(MACROS)
        nexthop = command[command.index("--nexthop") + 1]
        settings = " ".join(word for first, word in zip(command, command[1:]) for word in (first, word)
                            if first in ("-o", "--config"))
        entry = replaced(example_entry(), {
            "relaypipe unix": f"{transport} unix", EXAMPLE_PROGRAM: f"argv={command[0]}", EXAMPLE_USER: UNPRIVILEGED_USER,
            "-f ${sender}": f"{settings} -f ${{sender}}"})
        return Service(binary.name, transport, entry, nexthop)

    @staticmethod
    def lmtp_name(binary: Binary) -> str:
        return f"{binary.name} by LMTP"

    def lmtp(self, binary: Binary, *hops: Hop) -> Service:
        """The entry of master.cf.example, with a copy of lmtp(8) for it alone, as is told there."""
        transport = self._transport()
        service = f"{transport}-{SERVICE}"
        program, subcommand, *options = self.cabinet.lmtp(binary, *hops)
        entry = replaced(example_lmtp_entry(), {
            f"{SERVICE} unix": f"{service} unix", EXAMPLE_USER: UNPRIVILEGED_USER,
            f"{EXAMPLE_PROGRAM} {subcommand} {NEXTHOP}": f"argv={program} {subcommand} {' '.join(options)}"})
        client = (f"{transport} unix - - n - - lmtp\n  -o lmtp_send_xforward_command=yes\n"
                  f"  -o lmtp_connection_cache_destinations=private/{service}\n")
        return Service(self.lmtp_name(binary), transport, entry + client, f"unix:private/{service}")

    def other(self, make: Callable[[], Program]) -> Service:
        """msmtp, curl, the loop or the floor, made by the cabinet and called by pipe(8)."""
        transport, program = self._transport(), make()
        words = " ".join(program.arguments(MACROS))
        entry = (f"{transport} unix - n n - {CONCURRENCY} pipe\n"
                 f"  flags=q {UNPRIVILEGED_USER} null_sender=\n  argv={words}\n")
        return Service(program.name, transport, entry)

    def native(self, *hops: Hop, name: str = NATIVE, **settings: str) -> Service:
        """Postfix's own client, with its defaults but for the account and the `settings`."""
        transport = self._transport()
        if hops[0].secure:
            text = "".join(f"{hop.destination} {SIMPLE_USER}:{SIMPLE_PASSWORD}\n" for hop in hops)
            secrets = self.cabinet.file("sasl_passwd", text)
            settings = {"smtp_tls_security_level": "secure", "smtp_sasl_auth_enable": "yes",
                        "smtp_sasl_password_maps": f"texthash:{secrets}",
                        "smtp_sasl_security_options": "noanonymous", **settings}
        options = "".join(f"  -o {key}={value}\n" for key, value in settings.items())
        return Service(name, transport, f"{transport} unix - - n - - smtp\n{options}",
                       ", ".join(hop.destination for hop in hops))


class QueueLab(PostfixLab):
    def __init__(self, services: Services, used: Sequence[Service], **parameters: str) -> None:
        table = "".join(f"{service.domain} {service.transport}:{service.nexthop}\n" for service in used)
        own = example_parameters()
        limits = {name.replace("relaypipe", service.transport): value for service in used if " pipe" in service.entry
                  for name, value in own.items()}
        super().__init__(Path("/bin/true"), table,
                         parameters={**PARAMETERS, **limits, "smtp_host_lookup": "native", "message_size_limit": "0",
                                     "mailbox_size_limit": "0", **TLSPROXY,
                                     "smtp_tls_CApath": str(services.stage.trust), **parameters})
        self._services, self._used, self.recipient = services, used, ""

    def entry(self) -> str:
        return SERVICES + "".join(service.entry for service in self._used)

    def drain(self, service: Service, messages: int, limit: float, octets: int = 4000, forget: bool = True,
              before: Callable[[], None] = lambda: None, recipients: int = 1) -> Drain:
        """From the order to deliver until Postfix knows that the last message was sent to the last of its `recipients`,
        or until the limit. `before` is called when the queue is full. relaypipe begins without a memory, unless it is
        not to `forget`."""
        if forget:
            self._services.cabinet.forget()
        self.recipient = f"run{next(_runs)}@{service.domain}"
        fill(self, messages, self.recipient, octets, recipients)
        before()
        release(self)
        with self.log_file.open("rb") as log:
            log.seek(0, os.SEEK_END)
            began = time.monotonic()
            self.flush()
            count = self._count(log, messages * recipients, began + limit)
            return Drain(time.monotonic() - began, count)

    def _count(self, log: BinaryIO, messages: int, end: float) -> int:
        sent = re.compile(rf"to=<\d*{re.escape(self.recipient)}>.* status=sent ".encode())
        count, rest = 0, b""
        while count < messages and time.monotonic() < end:
            whole, _, rest = (rest + log.read()).rpartition(b"\n")
            count += len(sent.findall(whole))
            time.sleep(0.003)
        return count

    def time_with_relay(self) -> float:
        """Seconds that smtp(8) itself says it had with the relay, for the first message of the last run: c and d of its
        delays=a/b/c/d, connection and transmission."""
        delays = re.search(rf"to=<1{self.recipient}>.* delays=\S+?/\S+?/([\d.]+)/([\d.]+),", self.log())
        assert delays
        return float(delays[1]) + float(delays[2])

    def transactions(self, relay: Relay) -> int:
        """How many of the last run this relay has seen."""
        return sum(taken for (recipient, _), taken in relay.accepted().items()
                   if recipient.lstrip("0123456789") == self.recipient)

    def check_arrived(self, relays: Sequence[Relay], messages: int) -> None:
        """Every message of the last run is at one of the relays, once."""
        taken = [recipient for relay in relays for recipient in relay.accepted().elements()
                 if recipient[0].lstrip("0123456789") == self.recipient]
        if len(taken) != messages or len(set(taken)) != messages:
            raise SystemExit(f"{self.recipient}: {len(taken)} messages arrived, not {messages}; "
                             f"{len(set(taken))} of them are different")
