"""What root types acts as the user that deliveries run as, sees what that user sees, and leaves nothing of root's."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from support.case import MESSAGE, RECIPIENT, SENDER, DeliveryCase, each
from support.relays import LIMIT, Relay, binary_path

USER, GROUP = "nobody", "nogroup"    # of every machine; the group is the primary one
WITH_ACCOUNT = "auth PLAIN\naccount us hunter2"
COMMANDS = {"status": ("status",), "log": ("log",), "suspend": ("suspend", "one"), "resume": ("resume", "one"),
            "reset": ("reset", "one"), "check": ("check",), "probe": ("probe",), "names": ("names", "relays"),
            "plan": ("plan", "--from", SENDER, "--to", RECIPIENT)}


@unittest.skipUnless(os.geteuid() == 0, "only root can become another user")
class RootCase(DeliveryCase):
    """The modes of README: the configuration is root's and for all, the secret is for the group, the state is the user's."""

    def setUp(self) -> None:
        super().setUp()
        self.postfix = self.directory / "postfix"    # without a master.cf, whatever the machine has
        self.config, self.secret = self.directory / "relaypipe.toml", self.directory / "secret"
        self.secret.write_text("hunter2\n")
        self.give(self.secret, "root", 0o640)
        self.give(self.state, USER, 0o700)
        self.relay_of_ours = self.relay(WITH_ACCOUNT)
        self.configure(self.relay_of_ours)

    def give(self, path: Path, user: str, mode: int) -> None:
        shutil.chown(path, user, GROUP)
        path.chmod(mode)

    def configure(self, relay: Relay, **keys: str) -> None:
        secret = "".join(f"{key} = {value}\n" for key, value in keys.items()) or f'password_file = "{self.secret}"\n'
        self.config.write_text(
            f'state_directory = "{self.state}"\nsyslog_socket = "{self.syslog.path}"\n[defaults]\n'
            f'hostname = "client.example"\n[relay.one]\ndestination = "{relay.destination}"\nusername = "us"\n{secret}'
            'allow_plaintext_auth = true\n[chain.out]\ntiers = [["one"]]\n')
        self.config.chmod(0o644)

    def run_as_root(self, *words: str, message: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        command = [word for word in words[:1] if word[0] != "-"]
        argv = [str(binary_path()), *command, "--config", str(self.config), *words[len(command):]]
        return subprocess.run(argv, input=message, capture_output=True, timeout=LIMIT, cwd=self.queue,
                              env={"PATH": "/usr/sbin:/usr/bin:/bin", "MAIL_CONFIG": str(self.postfix)})

    def send(self, *options: str) -> subprocess.CompletedProcess[bytes]:
        return self.run_as_root("--nexthop", "out", *options, "-f", SENDER, "--", RECIPIENT, message=MESSAGE)

    def assert_of_user(self) -> None:
        """All there is in the state directory belongs to the user."""
        user = pwd.getpwnam(USER)
        for path in self.state.rglob("*"):
            found = path.lstat()
            self.assertEqual((found.st_uid, found.st_gid), (user.pw_uid, user.pw_gid), path)


class AsOwner(RootCase):
    def test_delivery_on_a_fresh_directory(self) -> None:
        done = self.send()
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(any(self.state.iterdir()), "nothing was remembered")
        self.assert_of_user()

    def test_verbose_delivery_says_as_whom(self) -> None:
        self.assertIn(b"acting as nobody", self.send("-v").stderr)

    @each({name: words for name, words in COMMANDS.items()})
    def test_leaves_nothing_of_root(self, *words: str) -> None:
        done = self.run_as_root(*words)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        self.assert_of_user()

    def test_check_is_content(self) -> None:
        done = self.run_as_root("check")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"0 errors, 0 warnings; 1 relay, 1 chain; looked at as nobody", done.stdout)

    def test_probe_uses_the_secret_of_the_group(self) -> None:
        done = self.run_as_root("probe")
        self.assertEqual(done.returncode, 0, done)
        self.assertNotIn(b"chmod", done.stdout)
        self.assertEqual(self.relay_of_ours.connections[0]["logins"][0]["user"], "us")

    @each({"check": ("check",), "probe": ("probe",)})
    def test_sees_what_the_user_may_not_read(self, *words: str) -> None:
        self.secret.chmod(0o600)
        done = self.run_as_root(*words)
        self.assertGreater(done.returncode, 0, done)
        self.assertIn(b"Permission denied", done.stdout)

    def test_has_the_primary_group_alone(self) -> None:
        """As under pipe(8): what a supplementary group may read, a delivery may not."""
        shown, command = self.directory / "groups", self.directory / "command"
        shown.touch()
        shown.chmod(0o666)
        command.write_text(f"#!/bin/sh\nid -G >{shown}; id -u >>{shown}; echo hunter2\n")
        command.chmod(0o755)
        self.configure(self.relay_of_ours, password_command=f'["{command}"]')
        self.assertEqual(self.send().returncode, 0)
        user = pwd.getpwnam(USER)
        self.assertEqual(shown.read_text().split(), [str(user.pw_gid), str(user.pw_uid)])

    def test_an_owner_without_a_name(self) -> None:
        os.chown(self.state, 4711, 4712)
        os.chown(self.secret, 4711, 4712)
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual({(p.stat().st_uid, p.stat().st_gid) for p in self.state.rglob("*")}, {(4711, 4712)})

    def test_a_configuration_that_is_roots_alone(self) -> None:
        self.config.chmod(0o600)
        done = self.run_as_root("check")
        self.assertEqual(done.returncode, 2, done)
        self.assertIn(b"Permission denied (as nobody)", done.stdout)


class AsUserOfMaster(RootCase):
    def setUp(self) -> None:
        super().setUp()
        self.postfix.mkdir()
        (self.postfix / "main.cf").write_text("compatibility_level = 3.6\n")
        (self.postfix / "master.cf").write_text(
            f"relaypipe unix - n n - 20 pipe flags=q user={USER} null_sender=\n"
            f"  argv={binary_path()} --config {self.config} --nexthop ${{nexthop}} -f ${{sender}} -- ${{recipient}}\n")
        self.state.rmdir()

    def test_without_a_state_directory(self) -> None:
        done = self.run_as_root("check")
        self.assertEqual(done.returncode, 0, done)
        self.assertIn(b"looked at as nobody", done.stdout)
        self.assertEqual(self.send().returncode, 0)
        self.assertFalse(self.state.exists())

    def test_state_directory_of_root(self) -> None:
        self.state.mkdir(0o700)
        done = self.run_as_root("status")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"chown -R nobody {self.state}".encode(), done.stdout)
        self.assertEqual(self.send().returncode, 0)
        self.assertEqual(list(self.state.iterdir()), [])

    def test_a_service_with_another_configuration_does_not_count(self) -> None:
        other = self.directory / "other.toml"
        shutil.copy(self.config, other)
        self.config = other
        self.assertIn(b"looked at as root", self.run_as_root("check").stdout)


class Container(RootCase):
    """A secret as Docker gives it: of root, and for every user of the container."""

    def setUp(self) -> None:
        super().setUp()
        self.secrets = Path(tempfile.mkdtemp(prefix="relaypipe-", dir="/run"))
        self.addCleanup(shutil.rmtree, self.secrets)
        self.secrets.chmod(0o755)
        self.secret = self.secrets / "relay"
        self.secret.write_text("hunter2\n")
        self.secret.chmod(0o444)
        self.configure(self.relay_of_ours)

    def test_is_used_and_warned_of(self) -> None:
        self.assertEqual(self.send().returncode, 0)
        done = self.run_as_root("check")
        self.assertEqual(done.returncode, 1, done)
        self.assertIn(f"{self.secret} may be read by every user".encode(), done.stdout)

    def test_through_a_link(self) -> None:
        link = self.secrets / "link"
        link.symlink_to(self.secret)
        self.secret = link
        self.configure(self.relay_of_ours)
        self.assertEqual(self.send().returncode, 0)

    @each({"careless": (0o644, "root", 0o755), "group_writes_beside": (0o444, "root", 0o775),
           "others_write_beside": (0o444, "root", 0o1777), "of_the_user": (0o444, USER, 0o755),
           "executable": (0o555, "root", 0o755)})
    def test_what_is_not_safe(self, mode: int, owner: str, directory: int) -> None:
        self.secret.chmod(mode)
        shutil.chown(self.secret, owner)
        self.secrets.chmod(directory)
        done = self.send()
        self.assertEqual(done.returncode, 75, done)
        self.assertIn(b"may be read or written by everybody", done.stdout)

    def test_a_link_that_others_may_change(self) -> None:
        """Into a safe directory, from one that is not."""
        link = self.directory / "link"
        link.symlink_to(self.secret)
        self.secret = link
        self.configure(self.relay_of_ours)
        self.assertEqual(self.send().returncode, 75)


class AsRoot(RootCase):
    def test_where_no_user_is_known(self) -> None:
        """The secret can be used all the same, and nothing is made."""
        self.state.rmdir()
        done = self.send()
        self.assertEqual(done.returncode, 0, done)
        self.assertFalse(self.state.exists())
        self.assertIn(b"neither state_directory", self.run_as_root("check").stdout)
