"""A machine of the tests' own: none of this machine's configuration, names or environment reaches what is tested.

`python3 test` begins with `enter()`: it starts itself anew, in an environment of few variables and, as root, in namespaces
of its own where /etc/relaypipe and /var/lib/relaypipe are empty, resolv.conf and hosts name nobody, and the host name is
machine.example. A test that wants one of these otherwise says so itself. As a program it does the same for another: private_machine.py COMMAND [ARGUMENT]...
"""

from __future__ import annotations

import ctypes
import os
import socket
import sys
import tempfile
from pathlib import Path
from typing import Mapping, NoReturn, Sequence

HOST_NAME = "machine.example"
ENTERED = "RELAYPIPE_PRIVATE_MACHINE"
# All else is somebody's taste, or says to a library where it is to look.
KEPT = ("PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "TERM", "LD_LIBRARY_PATH", "PYTHONPATH", "LLVM_PROFILE_FILE", "GCOV_PREFIX")
KEPT_PREFIXES = ("RELAYPIPE", "CTEST_", "CCACHE_", "CMAKE_")
OWN = {"LANG": "C.UTF-8", "TZ": "UTC"}
HIDDEN = ("/etc/relaypipe", "/var/lib/relaypipe")
FILES = {"/etc/resolv.conf": "nameserver 127.0.0.1\n",
         "/etc/hosts": f"127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 {HOST_NAME}\n"}

CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000
MS_BIND, MS_REC, MS_PRIVATE, MNT_DETACH = 4096, 16384, 1 << 18, 2
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def leave_machine() -> None:
    """From here on mounts and the host name are this process's own, and its children's."""
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWUTS), "unshare")
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "making mounts private")


def hide(directory: str) -> None:
    """An empty one in its place; what is not there need not be hidden."""
    if os.path.isdir(directory):
        _check(_libc.mount(b"tmpfs", directory.encode(), b"tmpfs", 0, b"mode=755,size=16m"), f"hiding {directory}")


def replace(files: Mapping[str, str]) -> None:
    """Other contents for files. Theirs are in a file system that has no name any more once they are mounted."""
    place = tempfile.mkdtemp()
    _check(_libc.mount(b"tmpfs", place.encode(), b"tmpfs", 0, b"mode=755,size=16m"), "mounting a tmpfs")
    for path, text in files.items():
        if os.path.isfile(path):
            own = Path(place, Path(path).name)
            own.write_text(text)
            own.chmod(0o644)
            target = os.path.realpath(path).encode()
            _check(_libc.mount(str(own).encode(), target, None, MS_BIND, None), f"replacing {path}")
    _check(_libc.umount2(place.encode(), MNT_DETACH), "unmounting")
    os.rmdir(place)


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items()
            if name in KEPT or name.startswith(KEPT_PREFIXES) or name.endswith("SAN_OPTIONS")}
    return {**kept, **OWN, ENTERED: "1"}


def start(command: Sequence[str]) -> NoReturn:
    """Becomes that command on the private machine."""
    if os.geteuid() == 0:
        leave_machine()
        for directory in HIDDEN:
            hide(directory)
        replace(FILES)
        socket.sethostname(HOST_NAME)
    os.umask(0o022)
    sys.stdout.flush()
    os.execvpe(command[0], list(command), environment())


def enter() -> None:
    """Starts the running script anew on the private machine; returns where it is there already."""
    if os.environ.get(ENTERED) is None:
        start([sys.executable, *sys.orig_argv[1:]])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    start(sys.argv[1:])
