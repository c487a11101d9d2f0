"""What surrounds a delivery, and must neither delay it, nor turn success into failure, nor change where it goes."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any, Callable, Optional

from support.case import MESSAGE, DeliveryCase, each
from support.certificates import Authority
from support.relays import LIMIT, binary_path
from support.runs import environment
from support.wire import sample

MIB = 1 << 20


class SurroundingsCase(DeliveryCase):
    def run_program(self, *hops: Any, message: bytes = MESSAGE, stdout: Any = subprocess.PIPE, stderr: Any = subprocess.PIPE,
                    prepare: Optional[Callable[[], None]] = None, fds: tuple[int, ...] = (),
                    options: tuple[str, ...] = (), variables: Optional[dict[str, str]] = None,
                    **settings: str) -> subprocess.CompletedProcess[bytes]:
        """Signals are as Python's own parent left them: nobody ignores SIGPIPE and SIGXFSZ for the program."""
        return subprocess.run(self.argv(*hops, options=options, **settings), input=message, stdout=stdout, stderr=stderr,
                              timeout=LIMIT, cwd=self.queue, env={**environment(), **(variables or {})}, pass_fds=fds,
                              preexec_fn=prepare)

    def full_pipe(self) -> int:
        """The writing end, which blocks, of a pipe that nobody reads."""
        read, write = os.pipe()
        self.addCleanup(os.close, read)
        self.addCleanup(os.close, write)
        os.set_blocking(write, False)
        for size in (4096, 1):
            try:
                while True:
                    os.write(write, b"x" * size)
            except BlockingIOError:
                pass
        os.set_blocking(write, True)
        return write


class Descriptors(SurroundingsCase):
    def test_inherited_ones_are_closed(self) -> None:
        """With more than 1,024 a socket of ours would have a number that no fd_set has room for."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        null = os.open("/dev/null", os.O_RDONLY)
        inherited = [os.dup(null) for _ in range(1100)]
        relay = self.relay("hold-dot")
        program = subprocess.Popen(self.argv(relay), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.queue,
                                   env=environment(), pass_fds=inherited)
        for fd in (null, *inherited):
            os.close(fd)
        assert program.stdin
        program.stdin.write(MESSAGE)
        program.stdin.close()
        program.stdin = None
        relay.wait_for("dot")
        held = len(os.listdir(f"/proc/{program.pid}/fd"))
        relay.release()
        self.assertEqual(program.wait(LIMIT), 0)
        assert program.stdout
        program.stdout.close()
        self.assertLess(held, 100)


class FullOutput(SurroundingsCase):
    def test_the_result_is_not_waited_for_for_ever(self) -> None:
        relay = self.relay()
        self.assertEqual(self.run_program(relay, stdout=self.full_pipe()).returncode, 0)
        self.assertEqual(len(relay.accepted), 1)

    def test_a_deferral_neither(self) -> None:
        relay = self.relay("on rcpt: reply 451 4.3.0 later")
        self.assertEqual(self.run_program(relay, stdout=self.full_pipe()).returncode, 75)

    def test_nor_the_dialogue(self) -> None:
        relay = self.relay()
        done = self.run_program(relay, stderr=self.full_pipe(), options=("-v",))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(len(relay.accepted), 1)

    def test_all_of_a_longer_text_is_written_to_a_pipe_that_does_not_block(self) -> None:
        read, write = os.pipe()
        fcntl.fcntl(write, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(write, False)
        program = subprocess.Popen([binary_path(), "--help"], stdout=write, env=environment())
        os.close(write)
        with os.fdopen(read, "rb") as output:
            text = output.read()
        self.assertEqual(program.wait(LIMIT), 0)
        self.assertIn(b"syslog_socket", text)


class Signals(SurroundingsCase):
    def limited(self, octets: int) -> Callable[[], None]:
        def prepare() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
            resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
        return prepare

    def test_no_file_may_grow(self) -> None:
        """Not the state either, which is written after the reply to the dot."""
        relay = self.relay()
        done = self.run_program(relay, prepare=self.limited(0))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(len(relay.accepted), 1)

    def test_no_room_for_the_spool(self) -> None:
        relay = self.relay()
        done = self.run_program(relay, message=sample(5 * MIB), prepare=self.limited(2 * MIB))
        self.assertEqual(done.returncode, 75, done)
        self.assertEqual(relay.dots, 0)

    @each({name: (name,) for name in ("SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGXCPU",
                                      "SIGPWR", "SIGXFSZ", "SIGPIPE")})
    def test_after_the_dot(self, name: str) -> None:
        relay = self.relay("hold-dot")
        delivery = self.start(relay)
        delivery.feed(MESSAGE)
        delivery.end_input()
        relay.wait_for("dot")
        delivery.signal(getattr(signal, name))
        relay.release()
        self.assert_sent(self.finish(delivery), by=relay)


class Environment(SurroundingsCase):
    def secured(self) -> Any:
        return self.relay(f"starttls {Authority(self.directory).certificate('127.0.0.1')}")

    def test_nobody_gets_the_keys_of_a_session(self) -> None:
        keys = self.directory / "keys"
        done = self.run_program(self.secured(), variables={"SSLKEYLOGFILE": str(keys)}, tls="encrypt")
        self.assertEqual(done.returncode, 0, done)
        self.assertFalse(keys.exists())

    def test_authorities_of_the_environment_are_not_trusted(self) -> None:
        relay = self.secured()
        variables = {"SSL_CERT_FILE": str(self.directory / "ca.pem"), "CURL_CA_BUNDLE": str(self.directory / "ca.pem"),
                     "SSL_CERT_DIR": str(self.directory)}
        done = self.run_program(relay, variables=variables, tls="verify", tls_ca_path=str(self.queue))
        self.assertEqual(done.returncode, 75, done)

    def test_openssl_has_no_other_configuration(self) -> None:
        other = self.directory / "openssl.cnf"
        other.write_text("openssl_conf = top\n[top]\nssl_conf = ssl\n[ssl]\nsystem_default = all\n"
                         "[all]\nMaxProtocol = TLSv1\n")
        done = self.run_program(self.secured(), variables={"OPENSSL_CONF": str(other)}, tls="encrypt")
        self.assertEqual(done.returncode, 0, done)

    @each({name: (name,) for name in ("all_proxy", "ALL_PROXY", "smtp_proxy", "SMTP_PROXY", "http_proxy")})
    def test_no_proxy(self, name: str) -> None:
        self.assertEqual(self.run_program(self.relay(), variables={name: "socks5://127.0.0.1:1"}).returncode, 0)


@unittest.skipUnless(os.geteuid() == 0, "only root can take /proc away")
class WithoutProc(SurroundingsCase):
    def without_proc(self, program: str, *words: str, cwd: Optional[Path] = None,
                     message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        script = 'mount -t tmpfs none /proc && cd "$0" && exec "$@"'
        return subprocess.run(["unshare", "-m", "sh", "-c", script, str(cwd or self.queue), program, *words],
                              input=message, capture_output=True, timeout=LIMIT, env=environment())

    def test_mail_goes(self) -> None:
        relay = self.relay()
        program, *words = self.argv(relay)
        done = self.without_proc(program, *words, message=MESSAGE)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        self.assertEqual(len(relay.accepted), 1)

    @each({"installed": ("libexec/relaypipe",), "built": ("bin/libexec/relaypipe",)})
    def test_nothing_relative_is_run(self, place: str) -> None:
        """What lies beside the working directory is not ours: under pipe(8) that is the queue directory."""
        here = self.directory / "bin"
        here.mkdir()
        shutil.copy(binary_path(), here / "relaypipe")
        decoy = self.directory / place / "relaypipe"
        decoy.parent.mkdir(parents=True)
        decoy.write_text("#!/bin/sh\necho decoy\n")
        decoy.chmod(0o755)
        done = self.without_proc("./relaypipe", "--version", cwd=here)
        self.assertNotIn(b"decoy", done.stdout)
        # Where this machine has relaypipe installed, that one is run.
        if done.returncode != 0:
            self.assertEqual(done.returncode, 75, done)
            self.assertRegex(done.stdout, rb"^4\.3\.0 relaypipe: cannot run the program it starts: /")
