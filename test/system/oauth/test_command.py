"""relaypipe token: how tokens stand, a new one, and a person's consent."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from typing import Any

from oauth_case import FIRST, Endpoint, OauthCase
from support.case import each
from support.machine import wait_until
from support.relays import LIMIT, binary_path

NOBODY = 65534


class State(OauthCase):
    def test_none_yet(self) -> None:
        told = self.token()
        self.assertEqual(told.status, 0, told)
        self.assertEqual(told.lines[0], f"one: token_endpoint {self.endpoint.url}/token (grant refresh_token)")
        self.assertIn("none yet; the next message fetches one", told.lines[1])
        self.assertIn("from refresh_token_file", told.lines[2])
        self.assertEqual(self.endpoint.requests, [], "it asks nobody")

    def test_fresh(self) -> None:
        self.endpoint.set(rotate=True, refresh_ends=90 * 86400)
        self.sent()
        told = self.token("one")
        self.assertEqual(told.status, 0, told)
        self.assertRegex(told.lines[1], r"good until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \w+ \((59m|1h) left\), fetched ")
        self.assertRegex(told.lines[2], r"kept since .* \(\d+s\), (89|90) days left")

    def test_json(self) -> None:
        self.sent()
        state = self.token_json()
        left = state.pop("seconds_left")
        self.assertGreater(left, 3500)
        self.assertLessEqual(left, 3600)
        for name in ("obtained", "ends"):
            self.assertRegex(state.pop(name), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(state, {
            "relay": "one", "source": "token_endpoint", "where": f"{self.endpoint.url}/token", "grant": "refresh_token",
            "state": "fresh", "refresh_token": "file", "refresh_obtained": None, "refresh_ends": None,
            "refresh_seconds_left": None, "failed": None, "failure": None, "problem": None})

    @each({"due": (3300, "due", "the next message renews it"), "ended": (4000, "ended", "ended ")})
    def test_age(self, seconds: int, state: str, words: str) -> None:
        self.sent()
        self.age(seconds)
        self.assertEqual(self.token_json()["state"], state)
        self.assertIn(words, self.token().text)

    def test_failure(self) -> None:
        self.endpoint.tell(revoke=FIRST)
        self.deferred("invalid_grant")
        told = self.token()
        self.assertEqual(told.status, 1, told)
        self.assertRegex(told.text, r"last renewal:  failed .*: token endpoint .* says invalid_grant")

    def test_missing_refresh_token(self) -> None:
        self.write(self.account(refresh_token_file=None, device_endpoint=f"{self.endpoint.url}/device"))
        told = self.token()
        self.assertEqual(told.status, 1, told)
        self.assertIn("run `relaypipe token one --authorize`", told.text)

    def test_rights(self) -> None:
        self.refresh.chmod(0o644)
        told = self.token()
        self.assertEqual(told.status, 1, told)
        self.assertIn(str(self.refresh), told.text)

    def test_damaged(self) -> None:
        self.sent()
        self.record_file.write_text("x")
        told = self.token()
        self.assertEqual(told.status, 1, told)
        self.assertIn(str(self.record_file), told.text)

    def test_token_file(self) -> None:
        kept = self.secret("bearer", "token-of-a-file")
        self.secrets.add("token-of-a-file")
        self.write(self.account(token_endpoint=None, client_id=None, scope=None, client_secret_file=None,
                                refresh_token_file=None, ca_file=None, token_file=str(kept)))
        state = self.token_json()
        self.assertEqual((state["source"], state["where"], state["state"]), ("token_file", str(kept), "unknown"))
        self.assertEqual(self.token("one", "--refresh").status, 2)

    @each({"unknown": (("two",), "two is not a relay with"), "option": (("--bogus",), "--help"),
           "both": (("one", "--authorize", "--refresh"), "--authorize stands alone")})
    def test_usage(self, words: tuple[str, ...], text: str) -> None:
        told = self.token(*words)
        self.assertEqual(told.status, 2, told)
        self.assertIn(text, told.text)

    def test_no_relay_with_oauth2(self) -> None:
        self.write('[relay.one]\ndestination = "[mail.example]"\n[chain.a]\ntiers = [["one"]]\n')
        self.assertIn("no relay has a [relay.NAME.oauth2]", self.token().text)

    def test_bad_configuration(self) -> None:
        self.write("nonsense = 1\n")
        told = self.token()
        self.assertEqual(told.status, 2, told)
        self.assertIn("relaypipe check", told.text)


class Refresh(OauthCase):
    def test_refresh(self) -> None:
        self.sent()
        told = self.token("one", "--refresh")
        self.assertEqual(told.status, 0, told)
        self.assertIn("good until", told.text)
        self.sent()
        self.assertEqual(self.bearer.auth[1][2], self.endpoint.access_tokens[1])

    def test_refresh_does_not_wait_after_a_failure(self) -> None:
        self.endpoint.set(mode=500)
        self.deferred("server_error")
        self.endpoint.set(mode="well")
        self.assertEqual(self.token("one", "--refresh").status, 0)

    def test_refresh_in_vain(self) -> None:
        self.endpoint.tell(revoke=FIRST)
        told = self.token("one", "--refresh")
        self.assertEqual(told.status, 1, told)
        self.assertIn("says invalid_grant", told.lines[0])

    def test_proxies_of_the_environment_are_not_used(self) -> None:
        os.environ["https_proxy"] = os.environ["HTTPS_PROXY"] = os.environ["ALL_PROXY"] = "http://127.0.0.1:1"
        self.assertEqual(self.token("one", "--refresh").status, 0)

    def test_written_for_the_owner_of_the_state_directory(self) -> None:
        self.needs_root()
        for path in (self.state, self.client_secret, self.refresh):
            os.chown(path, NOBODY, NOBODY)
        told = self.token("one", "--refresh")
        self.assertEqual(told.status, 0, told)
        for path in (self.record_file, self.record_file.parent):
            self.assertEqual(path.stat().st_uid, NOBODY)

    def test_a_delivery_by_root_leaves_it_to_the_owner(self) -> None:
        self.needs_root()
        for path in (self.state, self.client_secret, self.refresh):
            os.chown(path, NOBODY, NOBODY)
        self.sent()
        for path in (self.record_file, self.record_file.parent, self.record_file.with_suffix(".lock")):
            self.assertEqual(path.stat().st_uid, NOBODY)

    def test_probe_has_tokens_too(self) -> None:
        told = self.tool("probe", "--config", str(self.config), "one")
        self.printed.append(told.text)
        self.assertEqual(told.status, 0, told)
        self.assertEqual([entry[3] for entry in self.bearer.auth], [True])

    def test_what_the_owner_may_not_read_shows_itself(self) -> None:
        self.needs_root()
        os.chown(self.state, NOBODY, NOBODY)
        told = self.token("one", "--refresh")
        self.assertEqual(told.status, 1, told)
        self.assertIn(str(self.client_secret), told.text)

    def test_another_user_may_not(self) -> None:
        self.needs_root()
        done = subprocess.run([binary_path(), "token", "--config", self.config, "one", "--refresh"], user="nobody",
                              capture_output=True, text=True, timeout=LIMIT, check=False)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("this has to run as root, to whom", done.stdout)

    def test_state_directory_missing(self) -> None:
        self.state.rmdir()
        told = self.token("one", "--refresh")
        self.assertEqual(told.status, 1, told)
        self.assertIn("install -d -m 700 -o USER", told.text)

    def needs_root(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")


class Authorize(OauthCase):
    def setUp(self) -> None:
        super().setUp()
        self.write(self.account(refresh_token_file=None, device_endpoint=f"{self.endpoint.url}/device"))

    def start(self) -> tuple[Any, str]:
        """The program, which waits, and the code it showed."""
        command = [binary_path(), "token", "--config", self.config, "one", "--authorize"]
        program = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True)
        self.addCleanup(self.end, program)
        assert program.stdout
        code = ""
        for line in program.stdout:
            self.printed.append(line)
            if found := re.match(r"    ([A-Z]{4}-[A-Z]{4})$", line):
                code = found[1]
            if line.startswith("Waiting for that"):
                return program, code
        raise AssertionError(f"no code was shown: {self.printed}")

    @staticmethod
    def end(program: Any) -> None:
        program.kill()
        program.wait()
        program.stdout.close()

    def finish(self, program: Any) -> tuple[int, str]:  # type: ignore[override]
        text, _ = program.communicate(timeout=LIMIT)
        self.printed.append(text)
        return program.returncode, text

    def test_whole(self) -> None:
        program, code = self.start()
        shown = "".join(self.printed)
        self.assertIn("https://login.example/device\n", shown)
        self.assertIn("signed in as mailbox@example.org", shown)
        self.endpoint.tell(approve=code)
        status, text = self.finish(program)
        self.assertEqual(status, 0, text)
        self.assertIn(f"https://login.example/device?user_code={code}", shown)
        self.assertIn(f"Done: {self.record_file} is kept", text)
        self.assertEqual(stat.S_IMODE(self.record_file.stat().st_mode), 0o600)
        self.sent()
        self.age(4000)
        self.sent()
        grants = [form["grant_type"] for form in self.endpoint.token_requests]
        self.assertEqual(grants[-1], "refresh_token")
        self.assertEqual(self.token_json()["refresh_token"], "kept")

    def test_wins_over_the_file(self) -> None:
        """What is consented to now is newer than what the file holds."""
        self.secret("refresh", "refresh-of-old-times")
        self.write(self.account(device_endpoint=f"{self.endpoint.url}/device"))
        self.deferred("run `relaypipe token one --authorize`")
        program, code = self.start()
        self.endpoint.tell(approve=code)
        self.assertEqual(self.finish(program)[0], 0)
        self.age(4000)
        self.sent()

    def test_slow_down(self) -> None:
        self.endpoint.set(slow_down=1)
        program, code = self.start()
        self.wait_for_polls(2)    # the first one is counted before it is answered
        self.endpoint.tell(approve=code)
        self.assertEqual(self.finish(program)[0], 0)
        times = [r["at"] for r in self.endpoint.requests if r["path"] == "/token"]
        self.assertGreaterEqual(times[1] - times[0], 5.9)

    def test_endpoint_down_for_a_while(self) -> None:
        program, code = self.start()
        self.endpoint.set(mode="close")
        self.wait_for_polls(1)
        self.endpoint.set(mode="well")
        self.endpoint.tell(approve=code)
        self.assertEqual(self.finish(program)[0], 0)

    def test_declined(self) -> None:
        program, code = self.start()
        self.endpoint.tell(deny=code)
        status, text = self.finish(program)
        self.assertEqual(status, 1, text)
        self.assertIn("declined in the browser", text)
        self.assertFalse(self.record_file.exists())

    def test_expired(self) -> None:
        self.endpoint.set(code_life=2)
        program, _ = self.start()
        status, text = self.finish(program)
        self.assertEqual(status, 1, text)
        self.assertIn("not entered in time", text)

    def test_no_refresh_token(self) -> None:
        self.endpoint.set(offline=False)
        program, code = self.start()
        self.endpoint.tell(approve=code)
        status, text = self.finish(program)
        self.assertEqual(status, 1, text)
        self.assertIn("gave no refresh token", text)

    def test_scope_that_the_provider_does_not_give(self) -> None:
        self.write(self.account(refresh_token_file=None, device_endpoint=f"{self.endpoint.url}/device", scope="other"))
        told = self.token("one", "--authorize")
        self.assertEqual(told.status, 1, told)
        self.assertIn("invalid_scope", told.text)

    def test_without_device_endpoint(self) -> None:
        self.write(self.account())
        told = self.token("one", "--authorize")
        self.assertEqual(told.status, 2, told)
        self.assertIn("no device_endpoint or authorization_endpoint", told.text)

    def test_with_client_credentials(self) -> None:
        self.write(self.account(grant="client_credentials", refresh_token_file=None))
        self.assertEqual(self.token("one", "--authorize").status, 2)

    def test_certificate(self) -> None:
        endpoint = self.serve(Endpoint(self.certificates, "other"))
        self.write(self.account(refresh_token_file=None, device_endpoint=f"{endpoint.url}/device"))
        told = self.token("one", "--authorize")
        self.assertEqual(told.status, 1, told)
        self.assertIn("device endpoint", told.text)
        self.assertIn("not trusted", told.text)

    def paste(self, change: Any) -> tuple[int, str, str]:
        """The other way: the person opens a page and pastes what the browser ended at, after `change`."""
        self.write(self.account(refresh_token_file=None, authorization_endpoint=f"{self.endpoint.url}/authorize"))
        program = subprocess.Popen([binary_path(), "token", "--config", self.config, "one", "--authorize"],
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(self.end, program)
        assert program.stdout
        url = next(line.strip() for line in program.stdout if line.startswith("    https://"))
        ended = str(self.endpoint.tell(consent=url))
        text, _ = program.communicate(change(ended) + "\n", timeout=LIMIT)
        self.printed += [url, text]
        return program.returncode, text, ended

    def test_in_the_browser(self) -> None:
        status, text, ended = self.paste(lambda url: url)
        self.assertTrue(ended.startswith("http://127.0.0.1:1/?code="), ended)
        self.assertEqual(status, 0, text)
        self.age(4000)
        self.sent()

    @each({"another_try": (lambda url: re.sub("state=[^&]*", "state=other", url), "another try"),
           "nothing": (lambda url: "", "not the address"),
           "declined": (lambda url: "http://127.0.0.1:1/?error=access_denied", "access_denied"),
           "wrong_code": (lambda url: re.sub("code=[^&]*", "code=wrong", url), "token endpoint")})
    def test_in_the_browser_in_vain(self, change: Any, words: str) -> None:
        status, text, _ = self.paste(change)
        self.assertEqual(status, 1, text)
        self.assertIn(words, text)
        self.assertFalse(self.record_file.exists())

    def wait_for_polls(self, count: int) -> None:
        wait_until(lambda: len(self.endpoint.token_requests) >= count, f"{count} polls")
