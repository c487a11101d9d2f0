"""The whole way: a Postfix with relaypipe in its master.cf, whose first relay swallows packets and whose second is HTTPS."""

from __future__ import annotations

import shutil

from https_case import KEY_ID, SECRET_KEY, HttpsCase, Play
from support import networks
from support.postfix import PostfixLab
from support.relays import BlackHole, binary_path

MESSAGE = b"From: sender@sender.example\nTo: user@example.com\nSubject: a test\n\nHello.\n"


class WholeWay(HttpsCase):
    def setUp(self) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a Postfix of its own")
        super().setUp()
        pair = self.secret("pair", f"AWS_ACCESS_KEY_ID={KEY_ID}\nAWS_SECRET_ACCESS_KEY={SECRET_KEY}")
        # As the manual says: root's, for the group of the user of master.cf.
        shutil.chown(pair, "root", "nogroup")
        (self.directory / "pair").chmod(0o640)
        self.authority.file.chmod(0o644)
        self.authority.home.chmod(0o755)
        self.pair = pair

    def deliver_by(self, *plays: Play) -> tuple[object, object]:
        api = self.api("ses", *plays)
        keys = self.keys_of(api, username=None, password_file=self.pair)
        self.configure_chain({"destination": self.dead(BlackHole).destination}, keys)
        lab = self.enterContext(PostfixLab(binary_path(), "example.com relaypipe:out\n",
                                           arguments=f"--config {self.config} -o patience=500ms"))
        self.queue_id = lab.submit(MESSAGE, "user@example.com")
        delivery = lab.wait_for_delivery(self.queue_id)
        self.printed.append(lab.log())
        self.lab = lab
        return api, delivery

    def test_past_a_black_hole(self) -> None:
        api, delivery = self.deliver_by()
        self.assertEqual((delivery.status, delivery.dsn), ("sent", "2.0.0"), delivery)    # type: ignore[attr-defined]
        self.assertIn(f"{api.name}: 200 MessageId 0102-1", delivery.text)    # type: ignore[attr-defined]
        self.assertEqual([message.recipients for message in api.messages], [["user@example.com"]])    # type: ignore[attr-defined]
        self.lab.wait_for_removal(self.queue_id)

    def test_an_answer_that_never_comes(self) -> None:
        """It waits in the queue, and the next attempt is for the same interface alone."""
        api, delivery = self.deliver_by(Play("body", "close"))
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", "4.4.2"), delivery)    # type: ignore[attr-defined]
        self.lab.wait_for_queue(self.queue_id, "deferred")
        self.lab.flush()
        again = self.lab.wait_for_delivery(self.queue_id, 2)
        self.assertEqual(again.status, "sent", again)
        self.assertEqual(len(api.messages), 1)    # type: ignore[attr-defined]
