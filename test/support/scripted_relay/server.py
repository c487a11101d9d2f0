#!/usr/bin/env python3
"""A small SMTP server that plays a dialogue file and keeps a journal of what it heard.

Usage: python3 -m support.scripted_relay.server [--listen ADDRESS] [--port N]
                         [--script FILE | --dialogue TEXT] [--journal FILE] [--trace] [--keep-content N] [--watch-stdin]

It prints `ready HOST PORT` when it listens. SIGTERM ends it after the journal is complete; SIGUSR1
releases every `hold`. With --watch-stdin it also ends when stdin does. Without a script it is a
correct ESMTP server that accepts everything.

DIALOGUE FILES hold one directive a line; `#` starts a comment line, indented lines continue a rule.

    offer SIZE=1000 8BITMIME      announce exactly these after EHLO (`offer none`: nothing)
    offer -PIPELINING +FOO=bar    or change the default list:
                                  PIPELINING, SIZE=0, 8BITMIME, ENHANCEDSTATUSCODES, SMTPUTF8
    batch on                      answer pipelined commands in one segment
    forgetful on                  of the commands that came in one segment hear the first alone, as servers do that
                                  announce PIPELINING and read a line at a time from nowhere but the network
    drip 5ms                      every reply one octet at a time
    starttls FILE                 offer STARTTLS; FILE is PEM and holds the key and the certificates
    smtps FILE                    TLS from the first octet
    ciphers TEXT                  TLS 1.2 at most, with these ciphers, in OpenSSL's words
    dh FILE                       the DH parameters of these, PEM
    auth PLAIN LOGIN              offer these and demand one before MAIL; inside TLS only, where there is TLS.
                                  Also known: CRAM-MD5, XOAUTH2, OAUTHBEARER
    account USER SECRET           the only right credentials; without it all are

    on STAGE [SELECTOR VALUE]...: ACTION ; ACTION ...

    on rcpt to bad@*: reply 550 5.1.1 no such user
    on content after 65536:
        delay 200ms
        reset

The first rule that fits wins; a stage without a rule answers as a correct server does.

STAGE     greeting ehlo helo starttls tls auth response mail rcpt data content dot rset noop quit other (unknown
          command). `tls` is the handshake and begins with the client's first octets: its default is to complete
          it, and octets sent before that are not encrypted. The EHLO after it is `ehlo nth 2`. `auth` answers the AUTH command, `response` a response to a 334.
          `content` starts when the 354 reply was sent, or after N octets of content with `after N`;
          `dot` is the moment when the final dot has been read.
SELECTOR  to GLOB (a recipient), from GLOB (`<>` is the null sender), connection N, N- or N-M,
          nth N (the stage is reached for the Nth time in this connection), after N (content only).
ACTION    default         what a correct server answers here
          reply TEXT      TEXT and CRLF            send TEXT       TEXT only
          garbage N       N random octets, always the same ones
          flood TEXT      TEXT and CRLF again and again until the client goes away
          delay D         wait (50ms, 2s, 1m)      drip D          from here one octet per D
          hold            wait for SIGUSR1         silent          read on, never answer again
          deaf            stop reading until the client goes away
          read N every D  from here read at most N octets per D
          cut N           tls only: the handshake, broken off after N octets of the relay's own
          close           orderly end of the connection
          reset           end it with RST
TEXT      escapes: \\r \\n \\t \\0 \\e \\\\ \\; \\$ \\xHH, and ${TEXT*COUNT} for repetition. A reply of several
          lines is written `reply 250-one\\r\\n250 two`.

THE JOURNAL has one JSON object per connection, written when it ends: greeted, tls (its version), server_name, ehlo,
logins (mechanism, encrypted, said, user, secret, accepted), commands (line, reply,
and read: the number of the recv that completed the line, so equal numbers came in one segment), reads
(octets of each recv, the first 50), transactions (mail_from, mail_params, recipients, refused, replies, content with
length, sha256 and base64 or file, dot, dot_reply, accepted), quit, violations, octets_sent, ended, seconds.
Violations are things no client may do: bare CR or LF, NUL in a command, input before a reply that must be
waited for, parameters that were not offered, malformed paths, commands out of order.
--trace prints `CONNECTION STAGE` whenever a stage begins, and `dot done` and `end`.
"""

from __future__ import annotations

import argparse
import os
import select
import signal
import socket
import sys
import threading
from pathlib import Path
from typing import Sequence

from support.scripted_relay.journal import Journal
from support.scripted_relay.script import Script, ScriptError, parse_script
from support.scripted_relay.session import Session
from support.scripted_relay.stream import Switch

GRACE = 2.0


class Relay:
    def __init__(self, address: str, port: int, script: Script, journal: Journal, keep: int | None) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = socket.create_server((address, port), family=family, backlog=128)
        self.script = script
        self.journal = journal
        self.keep = keep
        self.stop = Switch()
        self.release = Switch()
        self.connections = 0
        self.watch_stdin = False
        # A signal that comes just before poll(2) would not end it: its handler only runs between two bytecodes.
        self.wakeup, alarm = os.pipe()
        os.set_blocking(alarm, False)
        signal.set_wakeup_fd(alarm)
        self.open: list[tuple[threading.Thread, Session]] = []

    def announce(self) -> None:
        host, port = self.listener.getsockname()[:2]
        print(f"ready {host} {port}", flush=True)

    def serve(self) -> None:
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        poll.register(self.stop, select.POLLIN)
        poll.register(self.wakeup, select.POLLIN)
        if self.watch_stdin:
            poll.register(0, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            # A client that came before the stop is served, even if it has left again.
            if self.listener.fileno() in ready:
                self.accept()
            elif self.stop.is_set() or 0 in ready:
                break
            if self.wakeup in ready:
                os.read(self.wakeup, 100)
        self.stop.set()
        self.listener.close()
        self.finish()

    def accept(self) -> None:
        sock, peer = self.listener.accept()
        self.connections += 1
        session = Session(sock, f"{peer[0]}:{peer[1]}", self.connections, self.script, self.journal,
                          self.stop, self.release, self.keep)
        thread = threading.Thread(target=session.run, daemon=True)
        self.open = [(t, s) for t, s in self.open if t.is_alive()]
        self.open.append((thread, session))
        thread.start()

    def finish(self) -> None:
        """Clients that are gone already are read to their end; those still there are cut off."""
        for thread, session in self.open:
            if session.stream.peer_gone():
                thread.join(GRACE)
            session.stream.abort()
        for thread, _ in self.open:
            thread.join(GRACE)


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path)
    parser.add_argument("--dialogue", default="")
    parser.add_argument("--journal", type=Path)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--keep-content", type=int)
    parser.add_argument("--watch-stdin", action="store_true")
    return parser.parse_args(arguments)


def main(words: Sequence[str]) -> int:
    arguments = parse_arguments(words)
    try:
        text = arguments.script.read_text(encoding="utf-8") if arguments.script else arguments.dialogue
        script = parse_script(text)
    except (OSError, ScriptError) as error:
        print(f"{arguments.script or 'dialogue'}: {error}", file=sys.stderr)
        return 2
    journal = Journal(arguments.journal, arguments.trace)
    relay = Relay(arguments.listen, arguments.port, script, journal, arguments.keep_content)
    signal.signal(signal.SIGTERM, lambda *_: relay.stop.set())
    signal.signal(signal.SIGINT, lambda *_: relay.stop.set())
    signal.signal(signal.SIGUSR1, lambda *_: relay.release.set())
    relay.watch_stdin = arguments.watch_stdin
    relay.announce()
    relay.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
