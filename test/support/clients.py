"""The clients of a server that a test has made."""

from __future__ import annotations

import socket
from typing import Any, Iterator


def clients_of(listener: socket.socket) -> Iterator[tuple[socket.socket, Any]]:
    """Each client as it comes, with its address, until the listening socket is shut down or closed."""
    while True:
        try:
            client = listener.accept()
        except OSError:
            return
        yield client
