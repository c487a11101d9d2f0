"""A shared library that is missing or does not fit defers mail: without the filter of master.cf.example, by relaypipe."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable

from library_folder import Library, library_of, patch
from postfix_case import MESSAGE, PostfixCase
from support.installed import program_of
from support.postfix import REPOSITORY, PostfixLab
from test_safety_net import without_filter

SSL = "libssl.so"  # every build of relaypipe loads it, and of Postfix's daemons those here do not


class Libraries(PostfixCase):
    def expect_deferred(self, lab: PostfixLab, what: str, harm: Callable[[], object], text: str) -> str:
        harm()
        with self.subTest(what):
            queue_id = lab.submit(MESSAGE, "user@example.com")
            delivery = lab.wait_for_delivery(queue_id)
            self.assert_delivery(delivery, "deferred", "4.3.0")
            self.assertRegex(delivery.text, text)
        return queue_id

    def test_deferred_until_it_is_back(self) -> None:
        sink = self.sink()
        lab = self.postfix(sink, entry_edits=without_filter())
        program = program_of(lab.program)
        library = Library(library_of(program, SSL), self.directory)
        lab.stop()
        lab.start()  # so that master(8) too is in the mount namespace
        good = self.directory / "good"
        shutil.copy2(program, good)
        name = re.escape(library.name)

        def back() -> None:
            shutil.copy2(good, program.with_name("new"))
            program.with_name("new").rename(program)

        def broken(old: bytes, new: bytes) -> Callable[[], None]:
            return lambda: (back(), patch(program, old, new))[1]

        # libcurl of Debian 13 asks for later ones than the program does.
        versions = "OPENSSL_3.0.0 { nothing; };" + "".join(f" OPENSSL_3.{minor}.0 {{ }};" for minor in range(1, 6))
        cases = [
            ("missing", library.hide, f"relaypipe: error while loading shared libraries: {name}: cannot open shared"),
            ("another version", lambda: library.build_other(self.directory, "OTHER_1.0 { nothing; };"),
             f"{name}: version .OPENSSL_3.0.0. not found"),
            ("without its functions", lambda: library.build_other(self.directory, versions),
             r"relaypipe: (symbol lookup error|relocation error): .*SSL_\w+"),
            ("cut off", library.cut_off, f"{name}: .*(file too short|cannot read file data|invalid ELF|segment)"),
            ("libc too old", lambda: (library.restore(), broken(b"GLIBC_2.34\0", b"GLIBC_9.99\0")()),
             "libc.so.6: version .GLIBC_9.99. not found"),
            ("no loader", broken(b"ld-linux-x86-64.so.2\0", b"ld-linux-x86-64.so.9\0"), "or its dynamic loader is miss"),
            ("no program", program.unlink, re.escape(str(program)) + ".* is missing"),
            ("an empty program", lambda: (program.touch(), program.chmod(0o755)), r"cannot run .* \(error 8\)"),
        ]
        waiting = [self.expect_deferred(lab, *case) for case in cases]
        back()
        lab.flush()
        for queue_id in waiting:
            lab.wait_for_removal(queue_id)
            self.assertEqual([d.status for d in lab.deliveries(queue_id)], ["deferred", "sent"])

    def test_other_processors(self) -> None:
        """The launcher's other form, for processors it has no machine code for: an ordinary static program."""
        folder = self.directory / "other"
        folder.mkdir()
        command = ["c++", "-std=c++20", "-Wall", "-Wextra", "-Werror", "-O2", "-static-pie",
                   '-DRELAYPIPE_LIBEXEC="../libexec"', '-DRELAYPIPE_FULL_LIBEXEC="/nowhere"', str(REPOSITORY / "src/launcher/launcher.cc"), "-o", "relaypipe"]
        subprocess.run(command, cwd=folder, check=True)
        launcher = folder / "relaypipe"
        done = subprocess.run([launcher], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stderr), (75, ""))
        self.assertRegex(done.stdout, r"^4\.3\.0 relaypipe: cannot run .*\n$")
        program = self.directory / "libexec" / "relaypipe" / "relaypipe"
        program.parent.mkdir(parents=True)
        program.write_bytes(Path(program_of(self.binary)).read_bytes())
        program.chmod(0o755)
        for arguments, output in ((["--version"], r"^relaypipe \d"), ([], r"^4\.3\.5 no sender")):
            done = subprocess.run([launcher, *arguments], input="", capture_output=True, text=True)
            self.assertRegex(done.stdout, output)
        patch(program, b"libssl.so.", b"libnil.so.")
        done = subprocess.run([launcher], capture_output=True, text=True)
        self.assertEqual(done.returncode, 127)
        self.assertRegex(done.stderr, r"^4\.3\.0 relaypipe: error while loading shared libraries: libnil\.so\.")

    def test_no_argument_at_all(self) -> None:
        """What execve(2) allows and no shell does; Linux 5.18 and later give the program one, older ones none."""
        script = f"import ctypes; ctypes.CDLL(None).execve({bytes(self.binary)!r}, (ctypes.c_char_p * 1)(None), None)"
        done = subprocess.run(["python3", "-c", script], input="", capture_output=True, text=True)
        self.assertEqual(done.returncode, 75)
        self.assertRegex(done.stdout, r"^4\.3\.5 no sender")
