"""The order of relays in a chain: tiers, weights, one relay per sender, relays of last resort."""

from __future__ import annotations

from collections import Counter

from support.case import RECIPIENT, each
from support.chain_case import DOWN, LATER, ChainCase
from support.relays import RefusedPort

TWO_TIERS = """
    [chain.outbound]
    tiers = [["one"], ["two"], ["three"]]
"""
ONE_TIER = """
    [chain.outbound]
    tiers = [["one", "two", "three"]]
"""
SENDERS = [f"user{n}@example.org" for n in range(8)]


class Tiers(ChainCase):
    def test_first_tier_first(self) -> None:
        one, two, three = self.relay(), self.relay(), self.relay()
        self.configure(TWO_TIERS, one=one, two=two, three=three)
        self.assert_sent(self.deliver("outbound"), by=one)
        self.assert_dialled(two, 0)
        self.assert_dialled(three, 0)

    @each({
        "refused": (None,),
        "greeting": (DOWN,),
        "recipient": (LATER,),
        "dot": ("on dot: reply 451 4.3.0 disk full",),
    })
    def test_next_tier(self, script: str | None) -> None:
        first = self.dead(RefusedPort) if script is None else self.relay(script)
        two, three = self.relay(), self.relay()
        self.configure(TWO_TIERS, one=first, two=two, three=three)
        result = self.deliver("outbound")
        self.assertEqual(self.carrier(result), two)
        self.assertIn("; tried ", result.text)
        self.assert_dialled(three, 0)

    def test_last_tier_when_all_others_are_down(self) -> None:
        three = self.relay()
        self.configure(TWO_TIERS, one=self.dead(RefusedPort), two=self.relay(DOWN), three=three)
        self.assertEqual(self.carrier(self.deliver("outbound")), three)

    def test_whole_tier_before_the_next(self) -> None:
        one, two, three = self.relay(LATER), self.relay(LATER), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one", "two"], ["three"]]', one=one, two=two, three=three)
        self.assertEqual(self.carrier(self.deliver("outbound")), three)
        self.assert_dialled(one)
        self.assert_dialled(two)

    def test_refusal_of_the_recipient_ends_the_chain(self) -> None:
        one, two = self.relay("on rcpt: reply 550 5.1.1 no such user"), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one"], ["two"]]', one=one, two=two)
        self.assert_bounced(self.deliver("outbound"), r"5\.1\.1", words=("no such user",))
        self.assert_dialled(two, 0)

    def test_all_down(self) -> None:
        self.configure(TWO_TIERS, one=self.dead(RefusedPort), two=self.relay(DOWN), three=self.relay(DOWN))
        self.assert_deferred(self.deliver("outbound"))

    def test_destinations_written_out(self) -> None:
        one, two, three = self.relay(LATER), self.relay(LATER), self.relay()
        self.configure('[chain.outbound]\ntiers = [["$one"], ["named"], ["$three"]]\n[relay.named]\n'
                       f'destination = "{two.destination}"')
        self.config.write_text(self.config.read_text().replace("$one", one.destination)
                               .replace("$three", three.destination))
        self.assertEqual(self.carrier(self.deliver("outbound")), three)
        self.assert_dialled(one)
        self.assert_dialled(two)

    def test_list_beside_a_file(self) -> None:
        """What names no chain is a list, whatever the file holds."""
        one, two = self.relay(), self.relay(LATER)
        self.configure('[chain.outbound]\ntiers = [["one"]]', one=one)
        third = self.relay()
        self.assertEqual(self.carrier(self.deliver(two, third)), third)
        self.assert_dialled(one, 0)

    def test_unknown_chain(self) -> None:
        """A lone word that is no chain is a host to be looked up, so plan cannot know; nothing may bounce."""
        self.dnsmasq("")
        self.configure('[chain.outbound]\ntiers = [["one"]]', one=self.relay())
        self.assert_deferred(self.deliver("outbuond"))


class Fallback(ChainCase):
    TEXT = """
        [chain.outbound]
        tiers = [["one"]]
        fallback = ["two", "three"]
    """

    def test_not_used_while_a_tier_works(self) -> None:
        one, two, three = self.relay(), self.relay(), self.relay()
        self.configure(self.TEXT, one=one, two=two, three=three)
        self.assert_sent(self.deliver("outbound"), by=one)
        self.assert_dialled(two, 0)

    def test_after_the_last_tier_in_the_order_written(self) -> None:
        one, two, three = self.relay(LATER), self.relay(), self.relay()
        self.configure(self.TEXT, one=one, two=two, three=three)
        self.assertEqual(self.carrier(self.deliver("outbound")), two)
        self.assert_dialled(three, 0)

    def test_written_out(self) -> None:
        one, two = self.relay(LATER), self.relay()
        self.configure('[chain.outbound]\ntiers = [["one"]]\nfallback = ["$two"]', one=one, two=two)
        self.assertEqual(self.carrier(self.deliver("outbound")), two)


class Weights(ChainCase):
    def test_share(self) -> None:
        """Five to one over 60 messages. Below 38 for the heavy one comes by right weights once in 25,000 runs, no
        message at all for the light one once in 50,000; a fair coin gets through once in 50."""
        heavy, light = self.relay(), self.relay()
        self.configure('[relay.heavy]\nweight = 5\n[chain.outbound]\ntiers = [["heavy", "light"]]',
                       heavy=heavy, light=light)
        for _ in range(60):
            self.carrier(self.deliver("outbound"))
        self.assertEqual(len(heavy.accepted) + len(light.accepted), 60)
        self.assertGreaterEqual(len(heavy.accepted), 38)
        self.assertGreaterEqual(len(light.accepted), 1)

    def test_nothing_while_another_is_there(self) -> None:
        spare, used = self.relay(), self.relay()
        self.configure('[relay.spare]\nweight = 0\n[chain.outbound]\ntiers = [["spare", "used"]]',
                       spare=spare, used=used)
        for _ in range(12):
            self.assertEqual(self.carrier(self.deliver("outbound")), used)
        self.assert_dialled(spare, 0)

    def test_weight_zero_is_the_way_out(self) -> None:
        spare = self.relay()
        self.configure('[relay.spare]\nweight = 0\n[chain.outbound]\ntiers = [["spare", "used"]]',
                       spare=spare, used=self.relay(LATER))
        self.assertEqual(self.carrier(self.deliver("outbound")), spare)


class BySenderBalance(ChainCase):
    TEXT = ONE_TIER + 'balance = "sender"\n'

    def test_one_relay_for_one_sender(self) -> None:
        relays = {"one": self.relay(), "two": self.relay(), "three": self.relay()}
        self.configure(self.TEXT, **relays)
        used: Counter[str] = Counter()
        for sender in SENDERS:
            names = {next(n for n, r in relays.items() if r is self.carrier(self.deliver("outbound", sender=sender)))
                     for _ in range(3)}
            self.assertEqual(names, {self.legs(sender=sender)[0]}, sender)
            used.update(names)
        self.assertGreater(len(used), 1, "all senders on one relay")

    def test_letter_case_is_no_other_sender(self) -> None:
        self.configure(self.TEXT, one=self.relay(), two=self.relay(), three=self.relay())
        for sender in SENDERS:
            self.assertEqual(self.legs(sender=sender), self.legs(sender=sender.upper()))

    def test_next_relay_while_its_own_is_down(self) -> None:
        relays = {"one": self.relay(DOWN), "two": self.relay(), "three": self.relay()}
        self.configure(self.TEXT, **relays)
        plans = {sender: self.legs(sender=sender) for sender in SENDERS}
        moved = [sender for sender, plan in plans.items() if plan[0] == "one"]
        self.assertTrue(moved)
        for sender in SENDERS:
            expected = plans[sender][1 if sender in moved else 0]
            self.assertEqual(self.carrier(self.deliver("outbound", sender=sender)), relays[expected])

    def test_others_stay_when_a_relay_is_taken_out(self) -> None:
        self.configure(self.TEXT, one=self.relay(), two=self.relay(), three=self.relay())
        before = {sender: self.legs(sender=sender) for sender in SENDERS}
        self.config.write_text(self.config.read_text().replace('["one", "two", "three"]', '["two", "three"]'))
        for sender, plan in before.items():
            self.assertEqual(self.legs(sender=sender), [name for name in plan if name != "one"])

    def test_null_sender_is_nobody(self) -> None:
        """One in 3^19 that 20 draws are all the same."""
        self.configure(self.TEXT, one=self.relay(), two=self.relay(), three=self.relay())
        first = {self.legs(sender="")[0] for _ in range(20)}
        self.assertGreater(len(first), 1)


class Rules(ChainCase):
    TEXT = """
        [chain.outbound]
        tiers = [["one"]]
        by_sender = { "news@example.org" = "bulk", "@example.org" = "$three", "<>" = "bulk" }
        by_recipient = { "@partner.example" = "bulk" }
        [chain.bulk]
        tiers = [["two"]]
    """

    def setUp(self) -> None:
        super().setUp()
        self.one, self.two, self.three = self.relay(), self.relay(), self.relay()
        self.configure(self.TEXT.replace("$three", self.three.destination), one=self.one, two=self.two)

    @each({
        "address": ("news@example.org", RECIPIENT, "two"),
        "domain": ("other@example.org", RECIPIENT, "three"),
        "null_sender": ("", RECIPIENT, "two"),
        "sub_domain_is_another": ("a@sub.example.org", RECIPIENT, "one"),
        "letter_case": ("NEWS@Example.ORG", RECIPIENT, "two"),
        "no_rule": ("a@elsewhere.example", RECIPIENT, "one"),
        "recipient": ("a@elsewhere.example", "b@partner.example", "two"),
        "recipient_before_sender": ("other@example.org", "b@partner.example", "two"),
    })
    def test_rule(self, sender: str, recipient: str, relay: str) -> None:
        result = self.deliver("outbound", sender=sender, to=(recipient,))
        self.assert_sent(result, by=getattr(self, relay))

    def test_recipients_that_need_different_chains(self) -> None:
        result = self.deliver("outbound", to=("b@partner.example", RECIPIENT))
        self.assert_refused(result, "relaypipe_destination_recipient_limit = 1")

    def test_recipients_that_need_the_same_chain(self) -> None:
        result = self.deliver("outbound", to=("b@partner.example", "c@partner.example"))
        self.assert_sent(result, by=self.two)

    def test_rules_of_a_chain_reached_by_a_rule(self) -> None:
        """From chain to chain, as far as the rules go."""
        self.configure("""
            [chain.a]
            tiers = [["one"]]
            by_sender = { "@example.org" = "b" }
            [chain.b]
            tiers = [["one"]]
            by_recipient = { "@example.net" = "c" }
            [chain.c]
            tiers = [["two"]]
        """, one=self.one, two=self.two)
        self.assert_sent(self.deliver("a"), by=self.two)
