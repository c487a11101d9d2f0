"""TLS for one connection to a scripted relay, over memory instead of the socket.

So every octet that the relay sends, those of the handshake too, passes through Stream.send_raw() and can be dripped,
cut off or withheld like any reply.
"""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Optional


class TlsError(Exception):
    """The client and the relay do not understand one another; the text is OpenSSL's reason."""


class TlsLayer:
    def __init__(self, certificate: Path, ciphers: str = "", dh_parameters: str = "") -> None:
        """`certificate` is a PEM file with the private key and the chain; the others as in Script."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        if ciphers:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers(ciphers)
        if dh_parameters:
            context.load_dh_params(dh_parameters)
        context.sni_callback = self._note_name    # type: ignore[assignment]
        self.name: Optional[str] = None    # the server name the client asked for
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)

    @property
    def version(self) -> Optional[str]:
        return self._tls.version()

    def handshake(self, received: bytes) -> bool:
        """True when it is complete; outgoing() has what is to be sent, an alert too."""
        self._incoming.write(received)
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            raise TlsError(error.reason or str(error)) from None
        return True

    def outgoing(self) -> bytes:
        return self._outgoing.read()

    def encrypt(self, data: bytes) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def decrypt(self, received: bytes) -> Optional[bytes]:
        """The plain octets that are complete; None when the client has closed its side."""
        self._incoming.write(received)
        plain = bytearray()
        while True:
            try:
                data = self._tls.read(65536)
            except ssl.SSLWantReadError:
                return bytes(plain)
            except ssl.SSLZeroReturnError:
                return None
            except ssl.SSLError as error:
                raise TlsError(error.reason or str(error)) from None
            if not data:
                return bytes(plain) or None
            plain += data

    def farewell(self) -> bytes:
        """The close_notify alert."""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass    # it waits for the client's, which nobody needs
        return self._outgoing.read()

    def _note_name(self, _tls: ssl.SSLObject, name: Optional[str], _context: ssl.SSLContext) -> None:
        self.name = name
