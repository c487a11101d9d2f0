"""Where a secret comes from, and what happens when it cannot be had."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any, Optional

from support.case import each
from support.machine import wait_until
from support.mail_servers import PASSWORD, USER
from support.relays import LIMIT
from support.runs import Result
from tls_case import TlsCase

DELIVERY_USER, DELIVERY_GROUP, OTHER_GROUP = "nobody", "nogroup", "daemon"


class SecretCase(TlsCase):
    """The program runs as the user of master.cf, whose secret the file is."""

    environment: tuple[str, ...] = ()

    def setUp(self) -> None:
        super().setUp()
        self.queue.chmod(0o755)
        self.own(self.password_file)

    def own(self, path: Path, user: str = DELIVERY_USER, group: str = DELIVERY_GROUP, mode: int = 0o600) -> Path:
        shutil.chown(path, user, group)
        path.chmod(mode)
        return path

    def argv(self, *hops: Any, **arguments: Any) -> list[str]:
        become = ["setpriv", f"--reuid={DELIVERY_USER}", f"--regid={DELIVERY_GROUP}", "--clear-groups"]
        return [*become, "env", *self.environment, *super().argv(*hops, **arguments)]

    def good_at(self, **keys: Any) -> dict[str, Any]:
        return {"destination": "[good.test]:587", **self.account(**keys)}

    def assert_works(self, **keys: Any) -> Result:
        result = self.send(self.good_at(**keys))
        self.assertEqual(self.taken(result, "good.test").user, USER)
        return result

    def assert_no_secret(self, *words: str, **keys: Any) -> None:
        self.assert_passed_over({"destination": "[chain.test]:587", **self.account(**keys)}, *words, short="chain.test",
                                dsn=r"4\.3\.5")

    def script(self, text: str) -> str:
        path = self.directory / "command"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return str(path)

    def command(self, text: str, *words: str, **keys: Any) -> dict[str, Any]:
        return {"password_file": None, "password_command": [self.script(text), *words], **keys}


class PasswordFile(SecretCase):
    @each({"newline": (PASSWORD + "\n",), "none": (PASSWORD,), "crlf": (PASSWORD + "\r\n",)})
    def test_the_end_of_the_line(self, text: str) -> None:
        self.password_file.write_text(text)
        self.assert_works()

    @each({"own_group": (DELIVERY_USER, DELIVERY_GROUP, 0o640), "roots_for_the_group": ("root", DELIVERY_GROUP, 0o640),
           "read_only": (DELIVERY_USER, DELIVERY_GROUP, 0o400)})
    def test_rights_that_will_do(self, user: str, group: str, mode: int) -> None:
        self.own(self.password_file, user, group, mode)
        self.assert_works()

    @each({"others_read": (DELIVERY_USER, DELIVERY_GROUP, 0o604), "everybody_reads": ("root", "root", 0o644),
           "foreign_group": (DELIVERY_USER, OTHER_GROUP, 0o640), "others_write": (DELIVERY_USER, DELIVERY_GROUP, 0o602),
           "group_writes": (DELIVERY_USER, OTHER_GROUP, 0o620), "foreign_owner": ("daemon", DELIVERY_GROUP, 0o640)})
    def test_rights_that_are_refused(self, user: str, group: str, mode: int) -> None:
        self.own(self.password_file, user, group, mode)
        self.assert_no_secret(str(self.password_file))

    def test_unreadable(self) -> None:
        self.own(self.password_file, "root", "root")
        self.assert_no_secret(str(self.password_file), "ermission denied")

    def test_missing(self) -> None:
        self.password_file.unlink()
        self.assert_no_secret(str(self.password_file), "No such file")

    @each({"nothing": ("",), "newline": ("\n",)})
    def test_empty(self, text: str) -> None:
        self.password_file.write_text(text)
        self.assert_no_secret(str(self.password_file))

    def test_a_directory(self) -> None:
        self.password_file.unlink()
        self.password_file.mkdir()
        self.assert_no_secret(str(self.password_file))

    def test_a_pipe_is_not_waited_for(self) -> None:
        self.password_file.unlink()
        os.mkfifo(self.password_file)
        self.own(self.password_file)
        self.assert_no_secret(str(self.password_file))

    def test_everything_wrong_is_only_trouble_of_that_relay(self) -> None:
        """The file of one relay is missing; the next one has an account that works."""
        first = {"destination": "[chain.test]:587", **self.account(password_file=str(self.directory / "nothing"))}
        result = self.send(first, self.good_at())
        self.assertEqual(self.taken(result, "good.test").user, USER)

    @each({"missing": ("nothing", 0o600), "everybody_reads": ("password", 0o644)})
    def test_check_tells(self, name: str, mode: int) -> None:
        self.password_file.chmod(mode)
        path = self.directory / name
        self.write_config(self.good_at(password_file=str(path)))
        done = self.tool("check", "--config", str(self.config))
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(str(path), done.stdout)

    def test_a_credential_of_systemd(self) -> None:
        folder = self.directory / "credentials"
        folder.mkdir()
        self.own(folder, mode=0o500)
        path = folder / "relay"
        path.write_text(PASSWORD)
        self.own(path, mode=0o440)
        self.environment = (f"CREDENTIALS_DIRECTORY={folder}",)
        self.assert_works(password_file="${CREDENTIALS_DIRECTORY}/relay")

    def test_a_credential_without_systemd(self) -> None:
        self.assert_no_secret("CREDENTIALS_DIRECTORY", password_file="${CREDENTIALS_DIRECTORY}/relay")


class PasswordCommand(SecretCase):
    def test_its_first_line(self) -> None:
        text = f"cat {self.password_file}; echo something else"
        self.assert_works(**self.command(text))

    def test_no_shell_is_between(self) -> None:
        text = f'[ "$1" = "\\$HOME; false" ] && cat {self.password_file}'
        self.assert_works(**self.command(text, "$HOME; false"))

    def test_what_it_says_as_an_error_is_dropped(self) -> None:
        result = self.assert_works(**self.command(f"echo a warning of the command >&2; cat {self.password_file}"))
        self.assertNotIn("warning", result.text)

    @each({"fails": ("echo wrong; exit 3",), "prints_nothing": ("exit 0",), "dies": ("kill -9 $$",)})
    def test_no_password(self, text: str) -> None:
        self.assert_no_secret("/command ", **self.command(text))

    def test_missing(self) -> None:
        self.assert_no_secret("/nonexistent/command", password_file=None, password_command=["/nonexistent/command"])

    def test_hanging(self) -> None:
        pid_file = self.directory / "pids"
        pid_file.touch()
        pid_file.chmod(0o666)
        keys = self.command(f"echo $$ >> {pid_file}; exec sleep 600", secret_timeout="700ms")
        self.assert_no_secret("/command ", **keys)
        pids = pid_file.read_text().split()
        self.assertEqual(len(pids), 2)
        for pid in pids:
            wait_until(lambda: not Path(f"/proc/{pid}").exists() or not Path(f"/proc/{pid}/cmdline").read_bytes(),
                       f"the end of {pid}")

    def test_a_process_it_leaves_behind_holds_nobody_up(self) -> None:
        """Its output does not end then; a delivery that waited for that would be killed here."""
        self.assert_works(**self.command(f"sleep {LIMIT + 10} & cat {self.password_file}"))

    def test_endless_output(self) -> None:
        self.assert_no_secret("/command ", **self.command("exec cat /dev/zero", secret_timeout="2s"))


# Maps as Postfix reads them, with the relay's host and port in place of $HOST and $PORT.
MAPS = {
    "server_name": "$HOST  server:secret",
    "destination": "[$HOST]:$PORT  destination:secret",
    "server_name_first": "[$HOST]:$PORT  destination:secret\n$HOST server:secret",
    "other_port": "[$HOST]:1 other:secret",
    "other_host": "other.test server:secret\n[other.test]:$PORT other:secret",
    "colons": "$HOST  user:se:cr:et",
    "comments": "# a comment\n\n   # another\n$HOST  user:secret\n#$HOST wrong:wrong",
    "continued": "$HOST\n  user:secret\n",
    "tabs": "$HOST\t\tuser:secret   \t",
    "upper_case": "LOCAL.test  upper:secret",
    "sender_is_not_asked": "sender@example.org  sender:secret\n@example.org domain:secret",
}


class PasswordMap(SecretCase):
    def deliver_by(self, text: str, **keys: Any) -> Optional[tuple[str, str]]:
        """User and password that the relay was told."""
        relay, section = self.local("auth PLAIN\nstarttls $PEM\non mail: default")
        place = self.own(self.secret_file("sasl_passwd", self.filled(text, relay.port)))
        result = self.send({**section, "tls": "verify", "password_map": str(place), **keys})
        (connection,) = relay.connections
        logins = [(login["user"], login["secret"]) for login in connection["logins"]]
        self.assertEqual(result.status, 0 if logins else 75, result)
        return logins[0] if logins else None

    def filled(self, text: str, port: int) -> str:
        return text.replace("$HOST", "local.test").replace("$PORT", str(port)) + "\n"

    def looked_up(self, keys: tuple[str, ...]) -> Optional[tuple[str, str]]:
        """What Postfix finds under the first of these keys that is there; it wants a configuration, if an empty one."""
        (self.directory / "main.cf").touch()
        for key in keys:
            query = ["postmap", "-c", str(self.directory), "-q", key, f"texthash:{self.directory}/sasl_passwd"]
            found = subprocess.run(query, capture_output=True, text=True).stdout.rstrip("\n")
            if found:
                user, _, password = found.partition(":")
                return user, password
        return None

    @each({name: (text,) for name, text in MAPS.items()})
    def test_as_postfix(self, text: str) -> None:
        told = self.deliver_by(text)
        port = self.relays[0].port
        self.assertEqual(told, self.looked_up(("local.test", f"[local.test]:{port}")))

    @each({"address": ("sender@example.org sender:secret\n@example.org domain:secret\n$HOST server:secret",),
           "domain": ("@example.org domain:secret\n$HOST server:secret",),
           "none": ("other@example.org sender:secret\n$HOST server:secret",)})
    def test_sender_dependent(self, text: str) -> None:
        told = self.deliver_by(text, sender_dependent=True)
        keys = ("sender@example.org", "@example.org", "local.test", f"[local.test]:{self.relays[0].port}")
        self.assertEqual(told, self.looked_up(keys))

    def test_a_bad_line_of_another_relay(self) -> None:
        self.assertEqual(self.deliver_by("other.test  without_a_colon\n$HOST user:secret"), ("user", "secret"))

    def test_a_bad_line_of_this_relay(self) -> None:
        place = self.own(self.secret_file("sasl_passwd", "chain.test  Canary-without-a-colon\n"))
        section = {"destination": "[chain.test]:587", "tls": "verify", "password_map": str(place)}
        self.assert_passed_over(section, str(place), short="chain.test", dsn=r"4\.3\.5")
        self.assertNotIn("Canary", "".join(self.syslog.so_far()))

    @each({"missing": ("nothing", 0o600), "everybody_reads": ("sasl_passwd", 0o644)})
    def test_a_map_that_cannot_be_used(self, name: str, mode: int) -> None:
        self.own(self.secret_file("sasl_passwd", "other.test a:b\n"), mode=mode)
        place = str(self.directory / name)
        section = {"destination": "[chain.test]:587", "tls": "verify", "password_map": place}
        self.assert_passed_over(section, place, short="chain.test", dsn=r"4\.3\.5")

    def test_the_account_of_one_relay_is_never_said_to_another(self) -> None:
        """The first relay refuses its account; the second has none, though one map serves both."""
        first, section = self.local("auth PLAIN\nstarttls $PEM\non auth: reply 535 5.7.8 no")
        second, other = self.local("auth PLAIN\nstarttls $PEM")
        place = self.own(self.secret_file("sasl_passwd", f"[local.test]:{first.port} user:secret\n"))
        keys = {"tls": "verify", "password_map": str(place)}
        self.assertEqual(self.send({**section, **keys}, {**other, **keys}).status, 75)
        self.assertEqual(len(first.connections[0]["logins"]), 1)
        self.assertEqual(second.connections[0]["logins"], [])

    def test_in_defaults_it_serves_every_relay(self) -> None:
        first, section = self.local("auth PLAIN\nstarttls $PEM\non auth: reply 535 5.7.8 no")
        second, other = self.local("auth PLAIN\nstarttls $PEM")
        text = f"[local.test]:{first.port} first:one\n[local.test]:{second.port} second:two\n"
        self.defaults |= {"password_map": str(self.own(self.secret_file("sasl_passwd", text))), "tls": "verify"}
        self.assertEqual(self.send(section, other).status, 0)
        self.assertEqual([r.connections[0]["logins"][0]["secret"] for r in (first, second)], ["one", "two"])
