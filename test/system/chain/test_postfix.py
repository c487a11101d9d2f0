"""A real Postfix whose master.cf entry has --config: chains from transport_maps, and Postfix's own sender table."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from policy_lab import ScriptedPolicy
from support import networks
from support.case import MESSAGE
from support.chain_case import LATER, ChainCase
from support.machine import free_port
from support.postfix import PostfixLab
from support.relays import RefusedPort, Relay, binary_path

HERE = Path(__file__).resolve().parent
RECIPIENT = "user@example.com"
BULK_SENDER = "news@list.example"


class PostfixChain(ChainCase):
    def setUp(self) -> None:
        if not networks.may_isolate():
            self.skipTest("needs root, for a Postfix of its own")
        super().setUp()

    def start(self, transport: str, arguments: str = "", **parameters: str) -> None:
        self.lab: PostfixLab = self.enterContext(
            PostfixLab(binary_path(), transport, parameters=parameters, arguments=arguments))

    def start_chain(self, **parameters: str) -> None:
        self.start("example.com relaypipe:outbound\n", f"--config {self.config}", **parameters)

    def delivery(self, sender: str = "sender@sender.example", count: int = 1) -> Any:
        self.queue_id = self.lab.submit(MESSAGE, RECIPIENT, sender=sender)
        return self.lab.wait_for_delivery(self.queue_id, count)

    def assert_sent_by(self, relay: Relay, delivery: Any) -> None:
        self.assertEqual((delivery.daemon, delivery.status, delivery.dsn), ("pipe", "sent", "2.0.0"), delivery)
        self.assertTrue(delivery.text.startswith("delivered via relaypipe service ("), delivery)
        self.assertIn(f"{relay.name}: 250 ", delivery.text)

    def assert_as_planned(self, relay: Relay, sender: str) -> None:
        """The relay that has it is the first leg of what plan says for the same message."""
        first = self.plan("--json", "--nexthop", "outbound", sender=sender, to=(RECIPIENT,)).json["legs"][0]
        self.assertEqual((first["host"], first["port"]), (relay.host, relay.port))
        self.assert_sent_by(relay, self.delivery(sender))


class Chains(PostfixChain):
    def test_tiers_senders_and_rules(self) -> None:
        one, two, three = self.relay(), self.relay(), self.relay()
        self.configure("""
            [relay.one]
            senders = ["@sender.example"]
            [chain.outbound]
            tiers = [["one"], ["two"]]
            by_sender = { "@list.example" = "lists" }
            [chain.lists]
            tiers = [["three"]]
        """, one=one, two=two, three=three)
        self.start_chain()
        self.assert_as_planned(one, "sender@sender.example")
        self.assert_as_planned(two, "sender@elsewhere.example")
        self.assert_as_planned(two, "")
        self.assert_as_planned(three, BULK_SENDER)

    def test_next_tier(self) -> None:
        two = self.relay()
        self.configure('[chain.outbound]\ntiers = [["dead"], ["one"], ["two"]]\n',
                       dead=self.dead(RefusedPort), one=self.relay(LATER), two=two)
        self.start_chain()
        delivery = self.delivery()
        self.assert_sent_by(two, delivery)
        self.assertIn("; tried ", delivery.text)

    def test_weights(self) -> None:
        """Two relays of one weight: all 24 messages on the same one comes once in eight million runs."""
        one, two = self.relay(), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one", "two"]]\n', one=one, two=two)
        self.start_chain()
        ids = [self.lab.submit(MESSAGE, RECIPIENT) for _ in range(24)]
        for queue_id in ids:
            self.assertEqual(self.lab.wait_for_delivery(queue_id).status, "sent")
        self.assertEqual(len(one.accepted) + len(two.accepted), 24)
        self.assertTrue(one.accepted and two.accepted)

    def test_nothing_left(self) -> None:
        one = self.relay()
        self.configure('[relay.one]\nsenders = ["@other.example"]\n[chain.outbound]\ntiers = [["one"]]\n', one=one)
        self.start_chain()
        delivery = self.delivery()
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", "4.3.5"), delivery)
        self.assertIn("may not carry the sender <sender@sender.example>", delivery.text)
        self.assert_dialled(one, 0)

    def test_broken_file_and_mended(self) -> None:
        one = self.relay()
        self.configure('[defaults]\ntsl = "may"\n[chain.outbound]\ntiers = [["one"]]\n', one=one)
        self.start_chain()
        delivery = self.delivery()
        self.assertEqual((delivery.status, delivery.dsn), ("deferred", "4.3.5"), delivery)
        self.assertIn(f"{self.config.name}:2:1: error: [defaults] tsl: unknown key; did you mean tls?",
                      delivery.text)
        self.assertIn("relaypipe check", delivery.text)
        self.lab.wait_for_queue(self.queue_id, "deferred")
        self.config.write_text(self.config.read_text().replace("tsl", "tls"))
        self.lab.flush()
        self.assert_sent_by(one, self.lab.wait_for_delivery(self.queue_id, 2))


class Policy(PostfixChain):
    TABLE = f"{BULK_SENDER} bulk\nheld@sender.example DEFER 4.7.1 held by policy\n@gone.example REJECT 5.7.1 closed\n"
    TEXT = """
        [chain.outbound]
        tiers = [["one"]]
        policy = "%s"
        [chain.bulk]
        tiers = [["two"]]
    """

    def assert_decisions(self) -> None:
        self.assert_as_planned(self.one, "sender@sender.example")
        self.assert_as_planned(self.two, BULK_SENDER)
        held, gone = self.delivery("held@sender.example"), self.delivery("a@gone.example")
        self.assertEqual((held.status, held.dsn), ("deferred", "4.7.1"), held)
        self.assertEqual((gone.status, gone.dsn), ("bounced", "5.7.1"), gone)

    def set_up_chain(self, where: str) -> None:
        self.one, self.two = self.relay(), self.relay()
        self.configure(self.TEXT % where, one=self.one, two=self.two)
        self.start_chain()

    def test_unix_socket(self) -> None:
        server = ScriptedPolicy(self.directory, f"unix:{self.directory}/policy", self.TABLE)
        self.addCleanup(server.stop)
        self.set_up_chain(server.where)
        self.assert_decisions()
        request = next(request for request in server.requests if request["queue_id"])    # the others are plan's
        self.assertEqual((request["recipient"], request["relaypipe_nexthop"]), (RECIPIENT, "outbound"))
        self.assertGreater(int(request["size"]), 0)

    def test_spawn(self) -> None:
        """The script as a service of master(8), as its head comment says."""
        port = free_port()
        table, script = self.write(self.TABLE, self.directory / "senders"), self.directory / "policy_server.py"
        shutil.copy(HERE / "policy_server.py", script)
        script.chmod(0o755)
        self.set_up_chain(f"inet:127.0.0.1:{port}")
        entry = f"127.0.0.1:{port} inet n n n - 0 spawn user=nobody argv={script} {table}\n"
        self.lab.write_config("master.cf", (self.lab.config / "master.cf").read_text() + entry)
        self.lab.command("postfix", "reload")
        self.lab.wait_for_log("reload -- version")
        self.assert_decisions()
        self.assertEqual(self.logged("policy server"), [])


class SenderTable(PostfixChain):
    def test_sender_dependent_default_transport_maps(self) -> None:
        """Without any file: Postfix chooses the list by sender."""
        one, two, three = self.relay(LATER), self.relay(), self.relay()
        table = self.write(f"@list.example relaypipe:{one.destination},{two.destination}\n"
                           f"@sender.example relaypipe:{three.destination}\n", self.directory / "senders")
        self.start("nowhere.example discard:\n",
                   sender_dependent_default_transport_maps=f"texthash:{table}")
        self.assert_sent_by(two, self.delivery(BULK_SENDER))
        self.assert_sent_by(three, self.delivery("a@sender.example"))
        self.assertEqual(self.delivery("a@elsewhere.example").daemon, "discard")
        self.assertEqual((len(two.accepted), len(three.accepted)), (1, 1))

    def test_chains_from_the_table(self) -> None:
        one, two = self.relay(), self.relay()
        self.configure('[chain.first]\ntiers = [["one"]]\n[chain.second]\ntiers = [["two"]]\n', one=one, two=two)
        table = self.write("@list.example relaypipe:first\n@sender.example relaypipe:second\n",
                           self.directory / "senders")
        self.start("nowhere.example discard:\n", f"--config {self.config}",
                   sender_dependent_default_transport_maps=f"texthash:{table}")
        self.assert_sent_by(one, self.delivery(BULK_SENDER))
        self.assert_sent_by(two, self.delivery("a@sender.example"))
