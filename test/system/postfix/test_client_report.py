"""XFORWARD and XCLIENT with a real Postfix on either side: what the relay's own log makes of the client."""

from __future__ import annotations

from types import SimpleNamespace

from postfix_case import MESSAGE, PostfixCase
from support.postfix import PostfixLab

TRUSTED = {"smtpd_authorized_xforward_hosts": "127.0.0.0/8", "smtpd_authorized_xclient_hosts": "127.0.0.0/8"}


class ClientReport(PostfixCase):
    def receiving(self, trusted: bool = True) -> PostfixLab:
        """A Postfix that takes mail and throws it away."""
        return self.postfix(transport="", parameters={**(TRUSTED if trusted else {}), "smtpd_client_port_logging": "yes"})

    def sending(self, relay: PostfixLab, report: str) -> PostfixLab:
        """A Postfix that sends to the other one, and tells it of its clients."""
        destination = SimpleNamespace(destination=f"[127.0.0.1]:{relay.port}")
        return self.postfix(destination, parameters={"smtpd_client_port_logging": "yes"},
                            arguments=f"-o client_report={report}")

    def deliver(self, lab: PostfixLab) -> tuple[str, str]:
        """The queue id of a message that came by SMTP, and the port of the client."""
        queue_id = lab.submit_smtp(MESSAGE, "user@example.com", helo="far.client.example")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")
        return queue_id, lab.wait_for_log(rf"{queue_id}: client=\S+\[127\.0\.0\.1\]:(\d+)").group(1)

    def test_the_relay_logs_the_client_and_the_queue_id(self) -> None:
        relay = self.receiving()
        queue_id, port = self.deliver(self.sending(relay, "xforward"))
        relay.wait_for_log(rf"orig_queue_id={queue_id}, orig_client=\S+\[127\.0\.0\.1\]:{port}")

    def test_a_message_made_here_has_only_its_queue_id(self) -> None:
        relay = self.receiving()
        lab = self.sending(relay, "xforward")
        queue_id = lab.submit(MESSAGE, "user@example.com")
        self.assert_delivery(lab.wait_for_delivery(queue_id), "sent", "2.0.0")
        self.assertNotIn("orig_client", relay.wait_for_log(rf".*orig_queue_id={queue_id}.*").group())

    def test_the_relay_takes_the_session_for_the_clients(self) -> None:
        """The port is that of the client at the first Postfix, which nobody could know at the second."""
        relay = self.receiving()
        _, port = self.deliver(self.sending(relay, "xclient"))
        relay.wait_for_log(rf": client=\S+\[127\.0\.0\.1\]:{port}\n")

    def test_a_relay_that_does_not_trust_us(self) -> None:
        """It offers neither, so nothing is told and the message goes."""
        relay = self.receiving(trusted=False)
        for report in ("xforward", "xclient"):
            self.deliver(self.sending(relay, report))
        self.assertNotIn("orig_", relay.log())
