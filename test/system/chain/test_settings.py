"""The file as a whole: which settings reach a delivery, includes, and what happens when the file cannot be used."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support.case import each
from support.chain_case import LATER, ChainCase
from support.relays import Relay, binary_path
from support.runs import Surroundings

PLAIN = '[chain.outbound]\ntiers = [["one"], ["two"]]\n'
QUEUE_ID = "4Xyz12345z"


class Settings(ChainCase):
    def ehlo(self, relay: Relay) -> str:
        connection, = self.assert_dialled(relay)
        return next(line for line in connection.lines if line.upper().startswith("EHLO"))

    def test_host_name_of_all_and_of_one(self) -> None:
        one, two = self.relay(LATER), self.relay()
        self.configure(f'[defaults]\nhostname = "all.example"\n[relay.one]\nhostname = "own.example"\n{PLAIN}',
                       one=one, two=two)
        self.assertEqual(self.carrier(self.deliver("outbound")), two)
        self.assertEqual((self.ehlo(one), self.ehlo(two)), ("EHLO own.example", "EHLO all.example"))

    def test_defaults_hold_for_destinations_written_out(self) -> None:
        one, two = self.relay(LATER), self.relay()
        self.write(f'[defaults]\nhostname = "all.example"\n[chain.outbound]\ntiers = [["{one.destination}"]]\n')
        self.assertEqual(self.carrier(self.deliver(one, two)), two)
        self.assertEqual((self.ehlo(one), self.ehlo(two)), ("EHLO all.example", "EHLO all.example"))

    def test_command_line_wins(self) -> None:
        one, two = self.relay(LATER), self.relay()
        self.configure(f'[defaults]\nhostname = "all.example"\n[relay.one]\nhostname = "own.example"\n{PLAIN}',
                       one=one, two=two)
        self.carrier(self.deliver("outbound", hostname="line.example"))
        self.assertEqual((self.ehlo(one), self.ehlo(two)), ("EHLO line.example", "EHLO line.example"))

    def test_time_limit_of_one_relay(self) -> None:
        """The first is given up after its own limit; the second, which is slower than that, keeps the default. The
        patience is longer than either, so no race decides."""
        one, two = self.relay("on greeting: silent"), self.relay("on greeting: delay 900ms ; default")
        self.configure(f'[relay.one]\ngreeting_timeout = "600ms"\n{PLAIN}', one=one, two=two)
        result = self.deliver("outbound")
        self.assertEqual(self.carrier(result), two)
        self.assertLess(result.seconds, 20, "the patience has passed, not the limit")

    def test_time_limit_on_the_command_line(self) -> None:
        one = self.relay("on greeting: silent")
        self.configure('[relay.one]\ngreeting_timeout = "5m"\n[chain.outbound]\ntiers = [["one"]]', one=one)
        self.assert_deferred(self.deliver("outbound", greeting_timeout="600ms"), r"4\.4\.\d")

    def test_global_setting(self) -> None:
        one = self.relay("on greeting: silent")
        self.configure('deadline = "1s"\n[chain.outbound]\ntiers = [["one"]]', one=one)
        result = self.deliver("outbound")
        self.assert_deferred(result)
        self.assertGreaterEqual(result.seconds, 0.9)

    def test_log_settings(self) -> None:
        self.configure('syslog_ident = "postfix/elsewhere"\n[chain.outbound]\ntiers = [["one"]]', one=self.relay())
        self.carrier(self.deliver("outbound"))
        self.assertTrue(self.logged("postfix/elsewhere["))

    def test_tls_of_one_relay(self) -> None:
        """The first must have TLS and its server has none; the second may go without."""
        one, two = self.relay(), self.relay()
        self.configure(f'[relay.one]\ntls = "encrypt"\n{PLAIN}', one=one, two=two)
        self.assert_sent(self.deliver("outbound"), by=two)


class Include(ChainCase):
    def test_files_of_a_folder(self) -> None:
        one, two = self.relay(LATER), self.relay()
        self.write(f'include = "conf.d/*.toml"\n{PLAIN}')
        for name, relay in (("one", one), ("two", two)):
            self.write(f'[relay.{name}]\ndestination = "{relay.destination}"\n',
                       self.directory / "conf.d" / f"{name}.toml")
        self.write("this is no TOML", self.directory / "conf.d" / "one.toml.bak")
        self.assertEqual(self.carrier(self.deliver("outbound")), two)
        self.assert_dialled(one)

    def test_relative_to_the_file_and_not_to_the_process(self) -> None:
        one = self.relay()
        self.write('include = "more.toml"\n[chain.outbound]\ntiers = [["one"]]\n')
        self.write(f'[relay.one]\ndestination = "{one.destination}"\n', self.directory / "more.toml")
        self.assert_sent(self.deliver("outbound", around=Surroundings(self.queue)), by=one)

    @each({
        "syntax": ("[relay.one", 0o644, "conf.d/a.toml:1:"),
        "unknown_key": ('[relay.two]\ndestination = "[127.0.0.1]"\nwieght = 1\n', 0o644, "conf.d/a.toml:3:1"),
        "rights": ("", 0o664, "conf.d/a.toml"),
        "second_of_a_name": ('[relay.one]\ndestination = "[127.0.0.1]"\n', 0o644, "conf.d/a.toml:1:"),
        "includes_others": ('include = "x"\n', 0o644, "conf.d/a.toml:1:1"),
    })
    def test_problem_is_named_with_its_file(self, text: str, mode: int, place: str) -> None:
        self.configure('include = "conf.d/*.toml"\n[chain.outbound]\ntiers = [["one"]]\n', one=self.relay())
        self.write(text, self.directory / "conf.d" / "a.toml").chmod(mode)
        self.assert_refused(self.deliver("outbound"), place)

    def test_empty_folder(self) -> None:
        one = self.relay()
        self.configure('include = "conf.d/*.toml"\n[chain.outbound]\ntiers = [["one"]]\n', one=one)
        self.assert_sent(self.deliver("outbound"), by=one)

    def test_missing_file(self) -> None:
        self.configure('include = "more.toml"\n[chain.outbound]\ntiers = [["one"]]\n', one=self.relay())
        self.assert_refused(self.deliver("outbound"), "more.toml")


class Unusable(ChainCase):
    """The mail waits, nobody is connected to, the log names the first problem and the command that shows all."""

    @each({"another_user": ("daemon", 0o755), "others_write": ("root", 0o757)})
    def test_others_may_replace(self, owner: str, mode: int) -> None:
        """Of the directory. A sticky one, as /tmp, is fine: there nobody replaces what is not his."""
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        place = self.directory / "conf"
        place.mkdir()
        self.config = self.write("", place / "relaypipe.toml")
        place.chmod(0o1757)
        self.assertEqual(self.check().status, 0)
        place.chmod(mode)
        shutil.chown(place, owner)
        self.assertIn("lies in a directory", self.check().text)
        self.assert_refused(self.deliver("outbound"), "lies in a directory", str(place), "relaypipe check")

    def test_of_another_user(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can give a file away")
        self.write("")
        shutil.chown(self.config, "daemon")
        self.assert_refused(self.deliver("outbound"), "belongs to user", f"chown root {self.config}")

    def test_the_group_may_replace(self) -> None:
        place = self.directory / "conf"
        place.mkdir()
        self.config = self.write("", place / "relaypipe.toml")
        place.chmod(0o775)
        told = self.check()
        self.assertEqual(told.status, 1, told)
        self.assertIn(f"chmod g-w {place}", told.text)

    def test_others_may_write_the_state(self) -> None:
        self.write("")
        self.state.chmod(0o757)
        told = self.check("-o", f"state_directory={self.state}")
        self.assertEqual(told.status, 1, told)
        self.assertIn(f"chmod go-w {self.state}", told.text)
        self.state.chmod(0o755)
        self.assertEqual(self.check("-o", f"state_directory={self.state}").status, 0)

    @each({"group": (0o664,), "others": (0o646,)})
    def test_others_may_write(self, mode: int) -> None:
        self.configure(PLAIN, one=self.relay(), two=self.relay())
        self.config.chmod(mode)
        self.assert_refused(self.deliver("outbound"), str(self.config), "chmod", "relaypipe check")

    @each({"key": ('[relay.one]\nwieght = 3\n', ":3:1", "did you mean weight"),
           "value": ('deadline = "soon"\n', ":1:12", "deadline"),
           "type": ('[defaults]\nsrv = 3\n', ":2:7", "srv"),
           "syntax": ("[relay\n", ":1:7", "relaypipe.toml")})
    def test_first_problem(self, text: str, place: str, word: str) -> None:
        self.configure(text + PLAIN, one=self.relay(), two=self.relay())
        result = self.deliver("outbound", options=("--queue-id", QUEUE_ID))
        self.assert_refused(result, f"{self.config}{place}", word, "relaypipe check")
        self.assertIn(QUEUE_ID, self.syslog.so_far()[0])

    def test_lists_wait_too(self) -> None:
        """A wrong file may be the one that asks for TLS; nothing is sent past it."""
        one = self.relay()
        self.write("tsl = 3\n")
        self.assert_refused(self.deliver(one), ":1:1")

    def test_missing_file(self) -> None:
        one = self.relay()
        path = str(self.directory / "missing.toml")
        self.assert_refused(self.deliver(one, options=("--config", path)), path, "No such file")

    def test_directory(self) -> None:
        one = self.relay()
        self.assert_refused(self.deliver(one, options=("--config", str(self.directory))), "directory")

    def test_file_the_user_may_not_read(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("needs root, to run the program as somebody else")
        self.configure(PLAIN, one=self.relay(), two=self.relay())
        self.config.chmod(0o600)
        result = self.deliver("outbound", around=Surroundings(self.queue, user="nobody"))
        self.assert_refused(result, str(self.config), "Permission denied")

    def test_no_file_at_all(self) -> None:
        if Path("/etc/relaypipe/relaypipe.toml").exists():
            self.skipTest("this machine has a configuration of its own")
        one = self.relay()
        self.assertFalse(self.config.exists())
        self.assert_sent(self.deliver(one), by=one)
        self.assertNotIn("--config", self.argv(one), str(binary_path()))

    def test_mended_file_serves_the_next_delivery(self) -> None:
        one = self.relay()
        self.configure('[chain.outbound]\ntiers = [["oen"]]', one=one)
        self.assertRegex(self.deliver("outbound").text, r"^4\.3\.5 .*did you mean one")
        self.config.write_text(self.config.read_text().replace("oen", "one"))
        self.assertEqual(self.carrier(self.deliver("outbound")), one)
