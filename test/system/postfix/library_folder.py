"""The system's shared libraries as one test sees them: in a mount namespace of its own it may take them away."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from pathlib import Path

CLONE_NEWNS = 0x00020000
_libc = ctypes.CDLL(None, use_errno=True)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def library_of(program: Path, name: str) -> Path:
    """Where the dynamic loader finds a library of the program, by the beginning of its name."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    (found,) = [line.split()[2] for line in listed.splitlines() if line.strip().startswith(name)]
    return Path(found)


class Library:
    """A shared library that can vanish, change and come back, for this process and those it starts."""

    def __init__(self, library: Path, scratch: Path) -> None:
        if _libc.unshare(CLONE_NEWNS) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        _run("mount", "--make-rprivate", "/")
        folder = library.parent.resolve()
        layer = scratch / "layer"
        layer.mkdir()
        _run("mount", "-t", "tmpfs", "tmpfs", str(layer))
        for name in ("upper", "work"):
            (layer / name).mkdir()
        # What is written and removed from now on is written and removed in that layer alone.
        options = f"lowerdir={folder},upperdir={layer}/upper,workdir={layer}/work"
        _run("mount", "-t", "overlay", "overlay", "-o", options, str(folder))
        self.path = folder / library.name
        self._good = self.path.resolve().read_bytes()

    @property
    def name(self) -> str:
        return self.path.name

    def hide(self) -> None:
        self.path.unlink()

    def replace(self, content: bytes) -> None:
        """By a rename, as a package manager does."""
        new = self.path.with_name("." + self.path.name)
        new.write_bytes(content)
        new.chmod(0o644)
        new.rename(self.path)

    def cut_off(self) -> None:
        """As an upgrade that ran out of space leaves it."""
        self.replace(self._good[:200])

    def restore(self) -> None:
        self.replace(self._good)

    def build_other(self, directory: Path, version_script: str) -> None:
        """A library of the same name that has none of the functions, and the symbol versions of the script."""
        script, built = directory / "versions", directory / "other.so"
        script.write_text(version_script)
        command = ["cc", "-shared", "-fPIC", "-x", "c", "-", f"-Wl,-soname,{self.name}",
                   f"-Wl,--version-script={script}", "-o", str(built)]
        subprocess.run(command, input=b"int nothing(void) { return 0; }", check=True)
        self.replace(built.read_bytes())


def patch(program: Path, old: bytes, new: bytes) -> None:
    """Changes a text of the same length everywhere in the program, and replaces the file by a rename."""
    assert len(old) == len(new)
    content = program.read_bytes()
    assert old in content, old
    copy = program.with_name("new")
    copy.write_bytes(content.replace(old, new))
    shutil.copymode(program, copy)
    os.rename(copy, program)
