"""Where the lines of a process go that lives longer than the log: rotated files, restarted daemons, ended programs."""

from __future__ import annotations

from pathlib import Path

from lmtp_case import LmtpCase
from support.machine import wait_until
from support.relays import SyslogSink


class LogTest(LmtpCase):
    def test_a_file_that_is_rotated(self) -> None:
        log = self.directory / "relaypipe.log"
        log.touch()
        program = self.lmtp(self.relay(), log_file=str(log))
        self.send(program, queue_id="4QFIRST")
        moved = log.rename(self.directory / "relaypipe.log.1")
        log.touch()
        self.send(program, queue_id="4QSECOND")
        self.assert_ends_well(program)
        self.assertIn("4QFIRST: to=", moved.read_text())
        self.assertIn("4QSECOND: to=", log.read_text())
        self.assertNotIn("4QSECOND: to=", moved.read_text())

    def test_a_daemon_that_is_restarted(self) -> None:
        """The socket that was connected to has no reader any more; the path leads to another one."""
        program = self.lmtp(self.relay())
        self.send(program, queue_id="4QFIRST")
        first = self.syslog
        before = first.stop()
        first.path.unlink()
        self.syslog = SyslogSink(first.path)
        self.addCleanup(self.syslog.stop)
        self.send(program, queue_id="4QSECOND")
        self.assert_ends_well(program)
        self.assertTrue(any("4QFIRST: to=" in line for line in before), before)
        after = self.syslog.stop()
        self.assertTrue(any("4QSECOND: to=" in line for line in after), after)

    def test_programs_that_have_ended_are_taken_leave_of(self) -> None:
        """Each change starts one, and the process goes on for many messages."""
        relay = self.relay()
        marks = self.directory / "marks"
        configuration = self.directory / "relaypipe.toml"
        configuration.write_text(f'on_change = ["/bin/sh", "-c", "echo told >> {marks}"]\n')
        program = self.lmtp("[127.0.0.1]:1", relay, options=("--config", str(configuration)))
        for _ in range(3):
            self.send(program)
        wait_until(marks.exists, "on_change has run")
        children = Path(f"/proc/{program.pid}/task/{program.pid}/children")
        wait_until(lambda: all(state_of(pid) == "Z" for pid in children.read_text().split()), "it has ended")
        self.send(program)
        self.assertEqual(children.read_text().split(), [])
        self.assert_ends_well(program)


def state_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"
