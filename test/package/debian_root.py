"""A Debian in a folder, made by debootstrap from the archive that apt on this machine uses.

Whoever uses it stands in a mount namespace of its own: what is mounted into a root ends with that, whatever happens.
Downloaded packages, and what debootstrap made of them, stay in RELAYPIPE_TEST_TOOLS (/var/cache/relaypipe-test) for the
next root of the same release.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Mapping, NoReturn

QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
KEPT = Path(os.environ.get("RELAYPIPE_TEST_TOOLS") or "/var/cache/relaypipe-test")
KEPT_FOR = 7 * 24 * 3600    # seconds
STARTED = time.monotonic()


def fail(text: str) -> NoReturn:
    sys.exit(f"FAILED: {text}")


def say(text: str) -> None:
    print(f"{time.monotonic() - STARTED:5.1f} s  {text}", flush=True)


def run(*command: object, content: str | None = None) -> str:
    done = subprocess.run([str(word) for word in command], input=content, capture_output=True, text=True, errors="replace",
                          env={**os.environ, **QUIET}, **({} if content is not None else {"stdin": subprocess.DEVNULL}))
    if done.returncode != 0:
        fail(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def own_release() -> str:
    release = re.search(r"^VERSION_CODENAME=(\w+)", Path("/etc/os-release").read_text(), re.MULTILINE)
    return release.group(1) if release else fail("/etc/os-release names no release")


def archive() -> str:
    """The archive this machine's apt uses for its release; it has the other releases as well."""
    rows = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)", "Created-By: Packages")
    for row in rows.splitlines():
        uri, codename, component = row.split()
        if (codename, component) == (own_release(), "main"):
            return uri
    fail("apt on this machine knows no main archive of its own release")


def in_own_namespaces(*command: object, network: bool = True) -> int:
    """All mounts and processes end with it, and it with this process, whatever ends that."""
    options = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc"] + ([] if network else ["--net"])
    return subprocess.run(["setpriv", "--pdeathsig", "KILL", "unshare", *options, *map(str, command)], check=False).returncode


class Root:
    """A Debian in a folder."""

    def __init__(self, path: Path, release: str) -> None:
        self.path = path
        self.release = release

    def run(self, *command: object, content: str | None = None) -> str:
        return run("chroot", self.path, *command, content=content)

    def status(self, *command: object, environment: Mapping[str, str], content: str | None = None) -> int:
        """Its exit status, the output being shown; of this process's environment the terminal alone is known there."""
        given = {"HOME": "/root", "LANG": "C.UTF-8", "TERM": os.environ.get("TERM", "dumb"), **QUIET, **environment}
        given.pop("LC_ALL", None)
        return subprocess.run(["chroot", str(self.path), *map(str, command)], check=False, input=content, text=True, env=given,
                              **({} if content is not None else {"stdin": subprocess.DEVNULL})).returncode

    def make(self) -> None:
        """A fresh one: what debootstrap makes, as it is kept for some days."""
        made = KEPT / "made" / f"{self.release}.tar"
        if made.exists() and time.time() - made.stat().st_mtime < KEPT_FOR:
            run("tar", "-C", self.path, "--numeric-owner", "-xpf", made)
            return
        self._bootstrap()
        made.parent.mkdir(parents=True, exist_ok=True)
        whole = made.with_suffix(f".{self.path.name}.{os.getpid()}")
        run("tar", "-C", self.path, "--numeric-owner", "--one-file-system", "-cpf", whole, ".")
        whole.rename(made)

    def _bootstrap(self) -> None:
        if not shutil.which("debootstrap"):
            fail("no debootstrap here, which makes the root; test/install_packages has it")
        uri = archive()
        packages = KEPT / "archives" / self.release
        packages.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(["debootstrap", "--variant=minbase", f"--cache-dir={packages}", self.release, str(self.path), uri],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, **QUIET})
        if done.returncode != 0:
            log = self.path / "debootstrap/debootstrap.log"
            detail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            fail(f"no root of Debian {self.release} could be made of {uri}, the archive this machine's apt uses: debootstrap "
                 f"ended with status {done.returncode}; does `apt-get update` reach it?\n{(done.stdout + done.stderr)[-2000:]}{detail}")
        # debootstrap's own mounts; they end with the namespace, and later ones take their place.
        subprocess.run(["umount", "-q", str(self.path / "proc"), str(self.path / "sys")], check=False)
        # No service is started: there is no init, and Postfix is started by hand.
        (self.path / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")
        (self.path / "usr/sbin/policy-rc.d").chmod(0o755)
        # Thrown away, or made anew when it is half made: nothing has to be on a disk at any time.
        (self.path / "etc/dpkg/dpkg.cfg.d/unsafe-io").write_text("force-unsafe-io\n")

    def mount(self) -> None:
        """What belongs to a running system, and the packages of former roots."""
        if not self.path.is_mount():    # the tests change mounts, for which / has to be one
            run("mount", "--bind", self.path, self.path)
        run("mount", "-t", "proc", "proc", self.path / "proc")
        run("mount", "-t", "sysfs", "sysfs", self.path / "sys")
        # Of /dev the root has its own, with the devices that debootstrap makes: a socket there is nobody else's.
        run("mount", "-t", "devpts", "-o", "newinstance,ptmxmode=0666", "devpts", self.path / "dev/pts")
        run("mount", "-t", "tmpfs", "-o", "mode=1777", "tmpfs", self.path / "dev/shm")
        for name in ("run", "tmp"):
            run("mount", "-t", "tmpfs", "-o", f"mode={'1777' if name == 'tmp' else '755'}", "tmpfs", self.path / name)
        (self.path / "run/lock").mkdir(mode=0o777)
        self.show(KEPT / "archives" / self.release, "var/cache/apt/archives")

    def show(self, folder: Path, inside: Path | str | None = None) -> None:
        """A folder of this machine, in the root in the same place or in that one."""
        place = self.path / str(inside or folder).lstrip("/")
        folder.mkdir(parents=True, exist_ok=True)
        place.mkdir(parents=True, exist_ok=True)
        run("mount", "--rbind", folder, place)

    def use_network(self) -> None:
        """The names of this machine's name servers may have changed since the root was made."""
        (self.path / "etc/resolv.conf").write_text(Path("/etc/resolv.conf").read_text())

    def install(self, *packages: str) -> None:
        self.run("apt-get", "install", "--yes", "--no-install-recommends", *packages)

    def without_postfix_settings(self) -> None:
        self.run("debconf-set-selections", content="postfix postfix/main_mailer_type select No configuration\n")
