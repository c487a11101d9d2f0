"""The endpoint, the state directory, the files: everything that can be wrong with them. The mail waits or takes another
relay; nothing bounces, and the text says which it was."""

from __future__ import annotations

import os
import socket
from typing import Any

from oauth_case import FIRST, Endpoint, OauthCase
from support.case import each
from support.relays import RefusedPort
from support.runs import Surroundings


class EndpointTrouble(OauthCase):
    @each({
        "garbage": ("garbage", "answers something that is not a JSON object"),
        "array": ("array", "answers something that is not a JSON object"),
        "huge": ("huge", "answers with more than 65536 octets"),
        "endless": ("endless", "answers with more than 65536 octets"),
        "redirect": ("redirect", "HTTP status 307"),
        "close": ("close", "fails"),
        "status_404": (404, "HTTP status 404"),
        "status_503": (503, "says server_error"),
        "echo": ("echo", "invalid_grant"),
    })
    def test_misbehaving(self, mode: Any, words: str) -> None:
        self.endpoint.set(mode=mode)
        self.deferred("token endpoint 127.0.0.1", words)
        self.assertEqual(self.bearer.auth, [])
        self.assertEqual(len(self.endpoint.requests), 1, "a redirect was followed, or it was asked again")

    def test_hanging(self) -> None:
        self.endpoint.set(mode="hang")
        self.deferred("does not answer in time", secret_timeout="1s")

    def test_hanging_costs_the_patience_only(self) -> None:
        self.endpoint.set(mode="hang")
        other = self.relay()
        self.write(self.account(grant="client_credentials", refresh_token_file=None).replace(
            'tiers = [["one"]]', f'tiers = [["one"], ["{other.destination}"]]'))
        result = self.sent(patience="200ms", secret_timeout="30s")
        self.assertIn(other.name, result.text)
        self.assertLess(result.seconds, 20)

    def test_down(self) -> None:
        nobody = self.dead(RefusedPort)
        self.write(self.account(token_endpoint=f"https://127.0.0.1:{nobody.port}/token"))
        self.deferred("cannot be reached: Connection refused")

    def test_unknown_host(self) -> None:
        self.write(self.account(token_endpoint="https://endpoint.invalid/token"))
        self.deferred("token endpoint endpoint.invalid cannot be found in DNS")

    def test_no_tls_there(self) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)
        self.write(self.account(token_endpoint=f"https://127.0.0.1:{listener.getsockname()[1]}/token"))
        self.deferred("does not answer in time", secret_timeout="1s")

    @each({"expired": ("expired", "is the clock right?"), "early": ("early", "is the clock right?"),
           "other": ("other", "not trusted")})
    def test_certificate(self, kind: str, words: str) -> None:
        """A wrong clock looks like a certificate that is not valid yet, or no more."""
        endpoint = self.serve(Endpoint(self.certificates, kind))
        self.write(self.account(token_endpoint=f"{endpoint.url}/token"))
        self.deferred("has a certificate that is not trusted", words)
        self.assertEqual(endpoint.requests, [])

    def test_ca_file_missing(self) -> None:
        self.write(self.account(ca_file=str(self.directory / "nothing")))
        self.deferred("ca_file")

    def test_system_authorities_do_not_know_ours(self) -> None:
        self.write(self.account(ca_file=None))
        self.deferred("not trusted")

    def test_refused_by_the_endpoint(self) -> None:
        self.endpoint.tell(revoke=FIRST)
        self.deferred("says invalid_grant", f"put a new refresh token into {self.refresh}")
        # The next message does not ask again so soon; a new refresh token is tried at once.
        self.deferred("says invalid_grant")
        self.assertEqual(len(self.endpoint.token_requests), 1)
        self.secret("refresh", "refresh-another")
        self.secrets.add("refresh-another")
        self.deferred("says invalid_grant")
        self.assertEqual(len(self.endpoint.token_requests), 2)

    def test_what_to_do_is_said(self) -> None:
        self.endpoint.tell(revoke=FIRST)
        self.write(self.account(device_endpoint=f"{self.endpoint.url}/device"))
        self.deferred("run `relaypipe token one --authorize`")

    def test_wrong_client_secret(self) -> None:
        self.endpoint.set(secret="another/secret")
        self.deferred("invalid_client", "look at client_id and client_secret_file")

    def test_old_token_is_used_while_it_lasts(self) -> None:
        self.sent()
        self.age(3600 - 300)
        self.endpoint.set(mode=500)
        for _ in range(2):
            self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2, "within the pause nobody asks again")
        lines = self.log_lines("the old token is still good")
        self.assertEqual(len(lines), 1, lines)

    def test_next_relay(self) -> None:
        self.endpoint.set(mode="garbage")
        other = self.relay()
        self.write(self.account().replace('tiers = [["one"]]', f'tiers = [["one"], ["{other.destination}"]]'))
        self.assertIn(other.name, self.sent().text)


class FileTrouble(OauthCase):
    def test_state_directory_missing(self) -> None:
        self.state.rmdir()
        self.sent()
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.assertTrue(self.log_lines(str(self.state), "cannot be used as state_directory"))

    def test_state_directory_not_writable(self) -> None:
        self.needs_root()
        self.state.chmod(0o755)    # of root, and the delivery is another user's
        for path in (self.client_secret, self.refresh):
            os.chown(path, 65534, 65534)
        self.sent(around=Surroundings(self.queue, user="nobody"))
        self.assertTrue(self.log_lines("cannot be used as state_directory: Permission denied"))

    def test_full_disk_and_rotation(self) -> None:
        """The mail goes, and nobody can miss the warning."""
        self.endpoint.set(rotate=True)
        self.sent(around=Surroundings(self.queue, file_size_limit=0))
        lines = self.log_lines("THE NEW REFRESH TOKEN IS LOST", "File too large")
        self.assertEqual(len(lines), 1, self.syslog.lines)

    @each({"cut": (lambda text: text[:-30],), "empty": (lambda text: "",), "noise": (lambda text: "\0" * 500,),
           "changed": (lambda text: text.replace("access-", "acceSS-"),),
           "version": (lambda text: text.replace("token 1", "token 9"),)})
    def test_damaged_record(self, damage: Any) -> None:
        self.sent()
        self.record_file.write_text(damage(self.record_file.read_text()))
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.assertTrue(self.log_lines(str(self.record_file)))

    def test_record_is_a_link(self) -> None:
        self.sent()
        self.record_file.rename(self.directory / "elsewhere")
        self.record_file.symlink_to(self.directory / "elsewhere")
        self.sent()
        self.assertEqual(len(self.endpoint.token_requests), 2)
        self.assertFalse(self.record_file.is_symlink())

    def test_record_open_to_others_is_closed(self) -> None:
        self.sent()
        self.record_file.chmod(0o644)
        self.record_file.parent.chmod(0o777)
        self.sent()
        self.age(4000)
        self.sent()
        self.assertEqual(self.record_file.stat().st_mode & 0o077, 0)
        self.assertEqual(self.record_file.parent.stat().st_mode & 0o022, 0)

    @each({"refresh": ("refresh",), "client": ("client",)})
    def test_rights_of_secrets(self, name: str) -> None:
        (self.directory / name).chmod(0o644)
        self.deferred(str(self.directory / name))
        self.assertEqual(self.endpoint.requests, [])

    @each({"refresh": ("refresh",), "client": ("client",)})
    def test_missing_secrets(self, name: str) -> None:
        (self.directory / name).unlink()
        self.deferred(str(self.directory / name))
        self.assertEqual(self.endpoint.requests, [])

    def test_nobody_holds_the_lock_for_ever(self) -> None:
        """A process that stopped while it renewed: the others give up in time."""
        self.sent()
        self.age(4000)
        import fcntl
        with open(self.record_file.with_suffix(".lock"), "r+", encoding="ascii") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            self.deferred("another process has been renewing the token for 1s", secret_timeout="1s")
        self.sent()

    def needs_root(self) -> None:
        if os.geteuid() != 0:
            self.skipTest("only root can run a delivery as another user")


class OtherSources(OauthCase):
    def table(self, **keys: Any) -> str:
        none = dict.fromkeys(("token_endpoint", "client_id", "scope", "client_secret_file", "refresh_token_file",
                              "ca_file"))
        return self.account(**{**none, **keys})

    def test_token_file(self) -> None:
        self.secrets.add("token-of-a-file")
        self.write(self.table(token_file=str(self.secret("bearer", "token-of-a-file"))))
        self.sent()
        self.assertEqual(self.bearer.auth[0][2], "token-of-a-file")

    def test_token_file_refused(self) -> None:
        self.secrets.add("token-of-a-file")
        self.bearer.tell(accept=[])
        self.write(self.table(token_file=str(self.secret("bearer", "token-of-a-file"))))
        self.deferred("535")

    def test_token_command(self) -> None:
        self.secrets.add("token-of-a-command")
        kept = self.secret("bearer", "token-of-a-command")
        self.write(self.table(token_command=["/bin/cat", str(kept)]))
        self.sent()
        self.assertEqual(self.bearer.auth[0][2], "token-of-a-command")

    def test_token_command_hangs(self) -> None:
        self.write(self.table(token_command=["/bin/sleep", "60"]))
        self.deferred("/bin/sleep", secret_timeout="500ms")
