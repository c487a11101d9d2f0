"""By LMTP: connections are kept, and each recipient has a result."""

from __future__ import annotations

from https_case import MESSAGE, SECRET_KEY, HttpsCase, Play


class Lmtp(HttpsCase):
    def message(self, program: object, *recipients: str, number: int = 1, content: bytes = MESSAGE) -> list[str]:
        return program.message(*(recipients or ("rcpt@example.net",)), content=content, queue_id=f"4Q{number}")    # type: ignore[attr-defined]

    def test_the_connection_is_kept(self) -> None:
        api = self.api()
        program = self.lmtp(api)
        for number in range(3):
            (reply,) = self.message(program, number=number)
            self.assertTrue(reply.startswith(f"250 2.0.0 {api.name}: 200 MessageId"), reply)
        self.assertEqual(program.end(), 0)
        self.assertEqual((api.connections, len(api.messages)), (1, 3))

    def test_one_that_was_closed_is_dialled_anew(self) -> None:
        api = self.api("ses", Play(head=("Connection: keep-alive",)), Play())
        program = self.lmtp(api)
        self.message(program, number=1)
        api.drop_idle()
        (reply,) = self.message(program, number=2)
        self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual((api.connections, len(api.messages)), (2, 2))

    def test_one_that_says_close_is_not_kept(self) -> None:
        api = self.api("ses", Play(head=("Connection: close",)))
        program = self.lmtp(api)
        for number in range(2):
            (reply,) = self.message(program, number=number)
            self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual((api.connections, len(api.messages)), (2, 2))

    def test_one_after_a_refusal_is_kept(self) -> None:
        api = self.api("ses", Play(status=400, body=b'{"message": "Email address is not verified."}'))
        program = self.lmtp(api)
        (reply,) = self.message(program, number=1)
        self.assertTrue(reply.startswith("4"), reply)

    def test_many_recipients(self) -> None:
        """120 are three requests, each recipient once."""
        api = self.api()
        everybody = [f"r{n}@example.net" for n in range(120)]
        program = self.lmtp(api)
        replies = self.message(program, *everybody)
        self.assertTrue(all(reply.startswith(f"250 2.0.0 {api.name}: 200 ") for reply in replies), replies)
        self.assertEqual([r for message in api.messages for r in message.recipients], everybody)
        self.assertEqual((len(api.messages), api.connections), (3, 1))

    def test_a_part_that_is_lost(self) -> None:
        """The others have their results: those before are delivered, those after go on with the next relay."""
        api, second = self.api("ses", Play(), Play("body", "close")), self.relay()
        program = self.lmtp(api, second)
        replies = self.message(program, *[f"r{n}@example.net" for n in range(120)])
        self.assertTrue(all(reply.startswith(f"250 2.0.0 {api.name}") for reply in replies[:50]), replies)
        self.assertTrue(all(reply.startswith("451 4.4.2") for reply in replies[50:100]), replies)
        self.assertTrue(all(reply.startswith(f"250 2.0.0 {second.name}") for reply in replies[100:]), replies)

    def test_address_probes(self) -> None:
        api = self.api()
        program = self.lmtp(api)
        (reply,) = program.probe("rcpt@example.net")
        self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual(api.requests, [])

    def test_a_key_that_changes(self) -> None:
        """A kept connection whose key was taken away is no reason to wait."""
        api = self.api("mailgun")
        program = self.lmtp(api)
        self.message(program, number=1)
        api.refuse_next = 1
        (reply,) = self.message(program, number=2)
        self.assertTrue(reply.startswith("250"), reply)
        self.assertEqual((api.connections, len(api.messages)), (2, 2))
