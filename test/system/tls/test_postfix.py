"""The whole way: a Postfix with relaypipe in its master.cf, and relays that want TLS and an account."""

from __future__ import annotations

import shutil
from typing import Any

from support.mail_servers import PASSWORD, USER
from support.postfix import PostfixLab
from support.relays import binary_path
from support.runs import Result
from tls_case import TlsCase

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"
WRONG = "Canary-that-is-wrong"


class WholeWay(TlsCase):
    def setUp(self) -> None:
        super().setUp()
        self.wrong = self.secret_file("wrong", WRONG)
        for path in (self.wrong, self.password_file):    # as the manual says: root's, for the group of the user of master.cf
            shutil.chown(path, "root", "nogroup")
            path.chmod(0o640)

    def deliver_by(self, *relays: dict[str, Any]) -> Any:
        self.write_config(*relays)
        lab = self.enterContext(PostfixLab(binary_path(), "example.com relaypipe:all\n",
                                           arguments=f"--config {self.config} -o patience=20s"))
        self.lab = lab
        self.queue_id = lab.submit(MESSAGE, "user@example.com")
        delivery = lab.wait_for_delivery(self.queue_id)
        lab.wait_for_log(rf"{self.queue_id}: .*relay=.*status=\w+ \(.*(250|535)")
        for secret in (PASSWORD, WRONG):
            self.assertNotIn(secret, lab.log())
        return delivery

    def bad_at(self, host: str) -> dict[str, Any]:
        return {"destination": f"[{host}]:587", **self.account(password_file=str(self.wrong))}

    def good_at(self, host: str) -> dict[str, Any]:
        return {"destination": f"[{host}]:465", **self.account()}

    def test_past_a_relay_that_refuses_the_account(self) -> None:
        delivery = self.deliver_by(self.bad_at("plain.test"), self.good_at("cram.test"))
        self.assertEqual((delivery.status, delivery.dsn), ("sent", "2.0.0"), delivery)
        self.assertIn("tried plain.test: 535 5.7.8", delivery.text)
        text = delivery.text.partition("relaypipe service (")[2]
        taken = self.taken(Result(0, text.encode(), b"", 0.0, 0, []), "cram.test", 465)
        self.assertEqual((taken.tls, taken.mechanism, taken.user), ("TLSv1.3", "CRAM-MD5", USER))
        self.lab.wait_for_removal(self.queue_id)

    def test_where_all_refuse_it_the_mail_waits(self) -> None:
        delivery = self.deliver_by(self.bad_at("plain.test"), self.bad_at("login.test"))
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", "4.7.8"), delivery)
        self.assertIn("535 5.7.8", delivery.text)
        self.lab.wait_for_queue(self.queue_id, "deferred")

    def describe_failure(self) -> str:
        return self.lab.log()
