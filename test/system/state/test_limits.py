"""Rate, quota and connections of a relay hold over all processes together: never one above."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from counting_relay import CountingRelay
from state_case import LONG, StateCase
from storm import COUNT, StormCase, arrived
from support.case import each

MANY = 400 if LONG else 50


class LimitsCase(StateCase):
    def limited(self, limits: str, **behaviour) -> tuple[CountingRelay, CountingRelay]:
        """A relay with these limits, and one without any for what they keep away."""
        first, second = self.counting(**behaviour), self.counting()
        self.configure(f'[relay.first]\ndestination = "{first.destination}"\n{limits}\n'
                       f'[relay.second]\ndestination = "{second.destination}"\n'
                       '[chain.out]\ntiers = [["first"], ["second"]]\n[chain.only]\ntiers = [["first"]]\n')
        return first, second


class Connections(LimitsCase):
    def test_never_one_more_at_a_time(self) -> None:
        first, second = self.limited("connections = 3", reply_delay=0.01)
        self.assert_all_sent(self.at_once(MANY, "out", max_wait="0s"))
        self.assertLessEqual(first.peak(), 3)
        self.assertEqual(len(first.accepted) + len(second.accepted), MANY)
        self.assertGreaterEqual(len(first.accepted), 3)

    def test_a_place_is_waited_for(self) -> None:
        """With nowhere else to go and enough patience all of them get through, three at a time."""
        first, _ = self.limited("connections = 3", reply_delay=0.01)
        self.assert_all_sent(self.at_once(20, "only", max_wait="25s"))
        self.assertLessEqual(first.peak(), 3)
        self.assertEqual(len(first.accepted), 20)

    def test_no_place_in_time_is_deferred_and_says_so(self) -> None:
        first, _ = self.limited("connections = 1", greets=False)
        holder = self.begin("only", name="HOLDS")
        first.wait_for(lambda r: r.sessions, "the first session")
        result = self.one("only", name="NEXT", max_wait="0s")
        self.assertEqual(result.status, 75)
        self.assertIn("connections are in use", result.text)
        self.assertEqual(len(first.sessions), 1)
        first.greet_now()
        self.assertEqual(self.finish(holder).status, 0)
        self.assertEqual(self.one("only", name="LAST").status, 0)


class Quota(LimitsCase):
    def test_never_one_message_above(self) -> None:
        first, second = self.limited('quota = ["20 messages/24h"]', reply_delay=0.005)
        self.assert_all_sent(self.at_once(MANY, "out"))
        self.assert_all_sent(self.at_once(10, "out", name="R"))
        self.assertEqual((len(first.accepted), len(second.accepted)), (20, MANY + 10 - 20))

    def test_what_was_not_accepted_is_given_back(self) -> None:
        first, second = self.limited('quota = ["20 messages/24h"]', dot="451 4.3.0 not now")
        self.assert_all_sent(self.at_once(MANY, "out"))
        self.assertEqual(len(second.accepted), MANY)
        first.behaviour.dot = "250 2.0.0 Ok"
        self.assert_all_sent(self.at_once(MANY, "out", name="R"))
        self.assertEqual(len(first.accepted), 20)

    def test_several_windows_and_the_text(self) -> None:
        first, _ = self.limited('quota = ["30 messages/24h", "5 recipients/h"]')
        results = self.at_once(10, "only", max_wait="0s")
        self.assertEqual(sorted(r.status for r in results), [0] * 5 + [75] * 5)
        self.assertEqual(len(first.accepted), 5)
        refused = next(r for r in results if r.status == 75)
        self.assertRegex(refused.text, r"^4\.\d\.\d .*until \d{4}-\d\d-\d\d .*5 recipients/h")

    def test_a_day_ends_at_midnight_of_its_zone(self) -> None:
        first, _ = self.limited('quota = "1/day Asia/Kathmandu"')

        def next_midnight() -> str:
            day = datetime.now(ZoneInfo("Asia/Kathmandu")).replace(hour=0, minute=0, second=0) + timedelta(days=1)
            return day.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")

        ends = next_midnight()
        first_one, second_one = self.one("only", name="ONE"), self.one("only", name="TWO", max_wait="0s")
        if next_midnight() != ends:
            self.skipTest("midnight in Kathmandu has just passed")
        self.assertEqual((first_one.status, second_one.status, len(first.accepted)), (0, 75, 1))
        self.assertIn(f"until {ends} UTC", second_one.text)

    def test_the_reserve_is_for_urgent_mail(self) -> None:
        reserve = 'reserve = { percent = 20, for = ["@alerts.example.com"] }'
        first, _ = self.limited(f'quota = ["10 messages/24h"]\n{reserve}')
        self.assertEqual(sum(r.status == 0 for r in self.at_once(20, "only", max_wait="0s")), 8)
        urgent = self.at_once(5, "only", name="URGENT", sender="root@alerts.example.com", max_wait="0s")
        self.assertEqual(sum(r.status == 0 for r in urgent), 2)
        self.assertEqual(len(first.accepted), 10)


class ManyAtOnce(LimitsCase):
    def test_the_last_places_of_a_quota(self) -> None:
        first, second = self.limited('connections = 5\nquota = ["60 messages/24h"]', reply_delay=0.005)
        for i in range(11):
            self.assertEqual(self.one("only", name=f"USED{i}").status, 0)
        self.assert_all_sent(self.at_once(MANY, "out", max_wait="60s"))
        self.assertLessEqual(first.peak(), 5)
        self.assertLessEqual(len(first.accepted), 60)
        self.assertEqual(len(first.accepted) + len(second.accepted), 11 + MANY)
        self.assertEqual(len(first.accepted), min(60, 11 + MANY), "a place was left")
        self.assertEqual(self.whole_log("state: "), [])


OWN_PIDS = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")


def own_proc(options: str) -> tuple[str, ...]:
    """As a service manager hides processes: a /proc of one's own, and no rights to look past it."""
    return ("unshare", "--mount", "sh", "-c", f'mount -t proc -o {options} proc /proc && '
            'exec setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"', "sh")


class Hidden(LimitsCase):
    """Limits hold though no delivery can see the processes of the others."""

    before: tuple[str, ...] = ()

    def argv(self, *hops, **arguments) -> list[str]:
        return [*self.before, *super().argv(*hops, **arguments)]

    @each({"own_pids": (OWN_PIDS,), "hidepid": (own_proc("hidepid=2"),), "subset": (own_proc("subset=pid"),)})
    def test_places_and_quota(self, before: tuple[str, ...]) -> None:
        first, second = self.limited('connections = 2\nquota = ["6 messages/24h"]', reply_delay=0.02)
        if "setpriv" in " ".join(before):
            shutil.chown(self.state, 65534, 65534)
        self.before = before
        self.assert_all_sent(self.at_once(20, "out", max_wait="0s"))
        self.assertLessEqual(first.peak(), 2)
        self.assert_all_sent(self.at_once(20, "out", name="R", max_wait="0s"))
        self.assertLessEqual(first.peak(), 2)
        self.assertLessEqual(len(first.accepted), 6)
        self.assertGreaterEqual(len(first.accepted), 2)
        self.assertEqual(len(first.accepted) + len(second.accepted), 40)
        self.assertEqual(self.whole_log("state: "), [])


class Rate(LimitsCase):
    def test_never_one_above(self) -> None:
        first, second = self.limited('rate = "5/m"')
        self.assert_all_sent(self.at_once(MANY, "out", max_wait="0s"))
        self.assertEqual(len(first.sessions), 5)
        self.assertEqual(len(second.accepted), MANY - 5)

    def test_it_goes_on_second_by_second(self) -> None:
        first, _ = self.limited('rate = "5/s"')
        self.assert_all_sent(self.at_once(20, "only", max_wait="25s"))
        times = sorted(session.began for session in first.sessions)
        # Each five begin a second after the five before them; the first may have been slow to dial.
        self.assertGreater(times[-1] - times[0], 2.0)


class LimitsAmongTheDead(StormCase, LimitsCase):
    """The storm of test_killed over a relay with limits."""

    def test_places_and_quota_survive(self) -> None:
        """Leases come back with the death of their holders; a quota counts all but what nobody could know."""
        quota = COUNT + 20
        first, second = self.limited(f'connections = 4\nquota = ["{quota} messages/24h"]')
        lived, killed = self.storm("out", max_wait="0s")
        self.assert_all_sent(lived)
        again = self.deliver_again(killed, "out")
        self.assert_well(killed, lived + again, first, second)
        self.assertLessEqual(first.peak(), 4 + len(killed))
        taken, unknown = len(first.accepted), sum(times - 1 for times in arrived(first, second).values())
        # All places are free again.
        before = len(second.accepted)
        self.assert_all_sent([self.one("out", name=f"FREE{i}") for i in range(4)])
        self.assertEqual(len(second.accepted), before, "a dead one's place was kept")
        self.use_up(second)
        # The rest of the quota, to the last message but those that were accepted when their process died.
        self.assertGreaterEqual(len(first.accepted), quota)
        self.assertLessEqual(len(first.accepted), quota + unknown)
        print(f"quota {quota}: {len(first.accepted)} accepted, {taken} in the storm; {unknown} nobody knew of")
        self.assert_store_is_well()

    def use_up(self, second: CountingRelay) -> None:
        """Delivers until the first relay's quota is used up."""
        for i in range(COUNT + 20):
            before = len(second.accepted)
            self.assertEqual(self.one("out", name=f"REST{i}").status, 0)
            if len(second.accepted) > before:
                return
        self.fail("the quota is never used up")
