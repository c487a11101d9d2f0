"""The main job: the message goes to the first relay of the list that takes it."""

from __future__ import annotations

from postfix_case import MESSAGE, PostfixCase


class Failover(PostfixCase):
    def deliver_past(self, first: object, arguments: str = "", content: bytes = MESSAGE) -> None:
        """The second relay must have the message, and only once; Postfix logs it as sent."""
        second = self.sink()
        lab = self.postfix(first, second, arguments=arguments, parameters={"message_size_limit": "0"})
        queue_id = lab.submit(content, "user@example.com")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0", second.name)
        lab.wait_for_removal(queue_id)
        (message,) = second.messages()
        self.assertEqual(message.recipients, ("<user@example.com>",))
        self.assertTrue(message.content.endswith(content.partition(b"\n\n")[2]))
        # relaypipe tells Postfix first and logs afterwards, so its own line may come after Postfix's last.
        lab.wait_for_log(rf"{queue_id}: to=<.*relay=127\.0\.0\.1\[127\.0\.0\.1\]:\d+, .*verdict=sent")

    def test_first_relay_takes_it(self) -> None:
        first, second = self.sink(), self.sink()
        lab = self.postfix(first, second)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0", first.name)
        self.assertEqual((len(first.messages()), len(second.messages())), (1, 0))

    def test_first_refuses_the_connection(self) -> None:
        self.deliver_past(self.refusing())

    def test_first_is_silent(self) -> None:
        self.deliver_past(self.scripted("on greeting: silent"), "-o greeting_timeout=500ms")

    def test_first_says_451_to_the_recipient(self) -> None:
        self.deliver_past(self.scripted("on rcpt: reply 451 4.3.0 not now"))

    def test_first_says_451_to_the_dot(self) -> None:
        self.deliver_past(self.scripted("on dot: reply 451 4.3.0 disk full"))

    def test_first_refuses_to_talk_for_good(self) -> None:
        self.deliver_past(self.scripted("on greeting: reply 554 5.7.1 your address is listed"))

    def test_first_closes_in_the_content(self) -> None:
        """The content is larger than all buffers on the way, so that the dot cannot have been sent."""
        content = MESSAGE + b"A line of text\n" * 1_500_000
        self.deliver_past(self.scripted("on content after 1000: reset"), content=content)

    def test_first_says_421_after_ehlo(self) -> None:
        self.deliver_past(self.scripted("on mail: reply 421 4.3.2 shutting down ; close"))

    def test_first_has_no_quota_left(self) -> None:
        """Amazon SES says so at the dot: the account's trouble, so nothing bounces, and one log line tells it."""
        quota = "454 Throttling failure: Daily message quota exceeded."
        first, second = self.scripted(f"on dot: reply {quota}"), self.sink()
        lab = self.postfix(first, second)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        delivery = lab.wait_for_delivery(queue_id)
        self.assert_delivery(delivery, "sent", "2.0.0", second.name)
        self.assertIn(f"; tried 127.0.0.1: {quota[:30]}", delivery.text)    # pipe(8) quotes 100 characters
        lab.wait_for_removal(queue_id)
        lab.wait_for_log(rf"relaypipe\[\d+\]: {queue_id}: to=<.*verdict=sent")
        said = f"host {first.name} said: {quota} (in reply to end of DATA command)"
        (line,) = [each for each in lab.log_of(queue_id).splitlines() if said in each and "attempt=" in each]
        self.assertRegex(line, rf"{queue_id}: to=<user@example\.com>, relay=127\.0\.0\.1\[127\.0\.0\.1\]:{first.port}, .*"
                               r"attempt=failed")
        self.assertEqual((len(first.accepted), len(second.messages())), (0, 1))

    def test_no_relay_has_quota_left(self) -> None:
        """Also where all say it as 5yz: the message stays in the queue."""
        quota = "550 5.7.1 Daily SMTP relay limit exceeded for customer."
        first, second = (self.scripted(f"on rcpt: reply {quota}") for _ in range(2))
        lab = self.postfix(first, second)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "deferred", "4.7.1", quota)
        lab.wait_for_queue(queue_id, "deferred")

    def test_the_success_line_names_the_dead_relay(self) -> None:
        first, second = self.refusing(), self.sink()
        lab = self.postfix(first, second)
        delivery = lab.wait_for_delivery(lab.submit(MESSAGE, "user@example.com"))
        self.assertIn("; tried ", delivery.text)

    def test_all_down_defers_and_names_both(self) -> None:
        first, second = self.refusing(), self.refusing()
        lab = self.postfix(first, second)
        queue_id = lab.submit(MESSAGE, "user@example.com")
        delivery = lab.wait_for_delivery(queue_id)
        self.assert_delivery(delivery, "deferred", "4.4.1", "Connection refused")
        self.assertIn(f":{second.port}: Connection refused; tried 127.0.0.1: ", delivery.text)
        lab.wait_for_log(rf"127\.0\.0\.1\[127\.0\.0\.1\]:{first.port}: Connection refused")
        lab.wait_for_queue(queue_id, "deferred")

    def test_the_list_of_a_whole_transport(self) -> None:
        """default_transport with a list needs no transport table; blanks and prefixes are part of the nexthop."""
        first, second = self.refusing(), self.sink()
        nexthop = f"relaypipe:smtp:{first.destination}, smtp:{second.destination}"
        lab = self.postfix(parameters={"default_transport": nexthop})
        queue_id = lab.submit(MESSAGE, "user@elsewhere.example")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0", second.name)
