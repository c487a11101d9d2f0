"""A milter that edits a message at its end, just enough of the protocol (version 6) for Postfix to believe it.

Mail filters change the content after Postfix has counted it, so ${size} no longer fits: see test_sizes.py.
"""

from __future__ import annotations

import socket
import struct
import threading

from support.clients import clients_of

NEGOTIATE, END_OF_BODY, ABORT, QUIT, QUIT_NEW = b"O", b"E", b"A", b"Q", b"K"
ADD_HEADER, CHANGE_HEADER, REPLACE_BODY, CONTINUE = b"h", b"m", b"b", b"c"
ALL_ACTIONS = 0x1FF
# Nothing but the end of the body is of interest: no event needs to be sent that may be left out.
SKIP_EVENTS = 0x7F | 0x100 | 0x200

Edit = tuple[bytes, bytes]


def add_header(name: str, value: str) -> Edit:
    return ADD_HEADER, f"{name}\0{value}\0".encode()


def change_header(name: str, value: str) -> Edit:
    """Changes the first header of that name; an empty value removes it."""
    return CHANGE_HEADER, struct.pack(">I", 1) + f"{name}\0{value}\0".encode()


def replace_body(body: bytes) -> Edit:
    return REPLACE_BODY, body.replace(b"\n", b"\r\n")


class Milter:
    def __init__(self, *edits: Edit) -> None:
        self._edits = edits
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"inet:127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self) -> None:
        for connection, _ in clients_of(self._listener):
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while len(length := stream.read(4)) == 4:
                packet = stream.read(struct.unpack(">I", length)[0])
                command = packet[:1]
                if command == NEGOTIATE:
                    self._send(connection, NEGOTIATE, struct.pack(">III", 6, ALL_ACTIONS, SKIP_EVENTS))
                elif command == END_OF_BODY:
                    for edit in self._edits:
                        self._send(connection, *edit)
                    self._send(connection, CONTINUE)
                elif command == QUIT:
                    return
                elif command not in (ABORT, QUIT_NEW, b"D"):  # b"D" announces macros and has no answer
                    self._send(connection, CONTINUE)

    @staticmethod
    def _send(connection: socket.socket, command: bytes, data: bytes = b"") -> None:
        connection.sendall(struct.pack(">I", 1 + len(data)) + command + data)
