"""The judge finds every kind of fault: a run that could not fail would prove nothing."""

from __future__ import annotations

import time
import unittest
from dataclasses import replace
from typing import Any

from evidence import Copy, Evidence, copy_of
from judge import KILLED, STOPPED, UNCONFIRMED, Judgement, judge
from messages import Message
from troubles import Trouble
from victims import Victim

MESSAGE = Message(1, "seed", "text", "s@sender.example", ("m",), ("chain.example",))
REFUSED = Message(2, "seed", "text", "s@sender.example", ("r",), ("chain.example",))
TO, TO_REFUSED = MESSAGE.recipients[0], REFUSED.recipients[0]
FIRST = Copy("one", 1, "", 100.0, 100.5, 100.1, 100.2, 100.3, MESSAGE.sender, (TO,), MESSAGE.checksum, True, True)
LATER = replace(FIRST, session=2, connected=110.0, left=110.5, mail=110.1, data=110.2, dot=110.3)


def killed(kind: str, at: float, to: str = TO, started: float = 99.9) -> Trouble:
    return Trouble(kind, at, at, "", [Victim(7, started, "4jb", [to])])


def judged(*copies: Copy, messages: tuple[Message, ...] = (MESSAGE,), troubles: tuple[Trouble, ...] = (), log: str = "",
           left: int = 0, **fields: Any) -> Judgement:
    evidence = Evidence(list(messages), list(copies), list(troubles), left, **fields)
    evidence.read_log(log, {"9": "one", "8": "two"})
    return judge(evidence)


def pipe_line(to: str, rest: str) -> str:
    return f"Nov 27 12:00:00 lab postfix/pipe[9]: 4jb: to=<{to}>, relay=relaypipe, delay=1, delays=0/0/0/1, {rest}\n"


class Single(unittest.TestCase):
    def assert_one_fault(self, judgement: Judgement, begins: str) -> None:
        (fault,) = judgement.faults(guard=True)
        self.assertTrue(fault.startswith(begins), fault)

    def test_good(self) -> None:
        judgement = judged(FIRST, log=pipe_line(TO, "dsn=2.0.0, status=sent (ok)"))
        self.assertEqual((judgement.faults(guard=True), judgement.delivered, judgement.duplicates), ([], 1, {}))

    def test_no_relay_has_it(self) -> None:
        self.assert_one_fault(judged(), "lost: ")
        self.assert_one_fault(judged(replace(FIRST, accepted=False)), "lost: ")

    def test_logged_as_sent_while_others_wait(self) -> None:
        faults = judged(left=1, log=pipe_line(TO, "dsn=2.0.0, status=sent (ok)")).faults(guard=True)
        self.assertEqual([fault.split(":")[0] for fault in faults], ["lost", "1 messages are still in the queue"])

    def test_left_in_the_queue(self) -> None:
        self.assert_one_fault(judged(left=1), "1 messages")

    def test_changed(self) -> None:
        self.assert_one_fault(judged(replace(FIRST, checksum="0" * 64)), "truncated or changed: ")
        self.assert_one_fault(judged(replace(FIRST, sender="other@sender.example")), "truncated or changed: ")
        self.assert_one_fault(judged(FIRST, bare=1), "truncated or changed: ")

    def test_changed_and_not_accepted(self) -> None:
        """The relay might have accepted it: the dot was sent."""
        other = replace(LATER, accepted=False, checksum="0" * 64)
        self.assert_one_fault(judged(FIRST, other), "truncated or changed: ")

    def test_unknown_recipient(self) -> None:
        self.assert_one_fault(judged(FIRST, replace(LATER, recipients=("x@y.example",))), "truncated or changed: ")

    def test_bounced(self) -> None:
        log = pipe_line(TO, "dsn=5.3.0, status=bounced (Command died with status 3)")
        faults = judged(log=log).faults(guard=True)
        self.assertEqual({fault.split(":")[0] for fault in faults},
                         {"lost", "bounced without a refusal", "died by itself"})

    def test_bounced_by_the_word_of_relaypipe(self) -> None:
        own = f"postfix/relaypipe[9]: 4jb: to=<{TO}>, relay=none, delay=0, dsn=5.7.1, verdict=bounced (x)\n"
        self.assertIn("bounced without a refusal", "".join(judged(log=own).faults(guard=True)))

    def test_refused(self) -> None:
        good = pipe_line(TO_REFUSED, "dsn=5.1.1, status=bounced (host one said: 550 5.1.1 no such user)")
        self.assertEqual(judged(messages=(REFUSED,), log=good).faults(guard=True), [])
        other = pipe_line(TO_REFUSED, "dsn=5.7.1, status=bounced (over quota)")
        self.assert_one_fault(judged(messages=(REFUSED,), log=other), "refused but not bounced: ")
        self.assert_one_fault(judged(messages=(REFUSED,)), "refused but not bounced: ")

    def test_deaths(self) -> None:
        line = pipe_line(TO, 'dsn=4.3.0, status=deferred (Command died with signal %d: "relaypipe")')
        kill = killed("kill relaypipe", 90)
        self.assert_one_fault(judged(FIRST, log=line % 11, troubles=(kill,)), "died by itself: ")
        self.assert_one_fault(judged(FIRST, log=line % 9), "died by itself: ")
        self.assert_one_fault(judged(FIRST, log=2 * (line % 9), troubles=(kill,)), "died by itself: ")
        self.assertEqual(judged(FIRST, log=line % 9, troubles=(kill,)).faults(guard=True), [])

    def test_a_damaged_file_is_no_excuse(self) -> None:
        line = pipe_line(TO, 'dsn=4.3.0, status=deferred (Command died with signal 6: "relaypipe")')
        noon = time.mktime(time.strptime(f"{time.localtime().tm_year} Nov 27 12", "%Y %b %d %H"))
        trouble = Trouble("damage state", noon, noon + 1, "garbage")
        self.assertEqual(len(judged(FIRST, log=line, troubles=(trouble,)).own_deaths), 1)


    def test_deaths_that_spawn_tells_of(self) -> None:
        line = "Nov 27 12:00:00 lab postfix/spawn[9]: warning: command /x/relaypipe %s\n"
        killed_one = line % "killed by signal 9"
        kill = killed("kill relaypipe", 90)
        self.assertEqual(judged(FIRST, log=killed_one, troubles=(kill,)).faults(guard=True), [])
        self.assert_one_fault(judged(FIRST, log=killed_one), "died by itself: ")
        self.assert_one_fault(judged(FIRST, log=2 * killed_one, troubles=(kill,)), "died by itself: ")
        self.assert_one_fault(judged(FIRST, log=line % "killed by signal 11", troubles=(kill,)), "died by itself: ")
        self.assert_one_fault(judged(FIRST, log=line % "exit status 1"), "died by itself: ")


class Journal(unittest.TestCase):
    """What a session of a relay says of its dots."""

    DOT = {"mail": 101.0, "kept": False, "data": 101.1, "dot": 101.2, "sender": "", "recipients": [], "checksum": "",
           "accepted": True, "replied": 101.3}
    ROW = {"relay": "one", "session": 1, "fault": "", "connected": 100.0, "gone": 110.0, "ended": 110.1}

    def test_the_only_transaction(self) -> None:
        copy = copy_of(self.ROW, {**self.DOT, "next": 101.4})
        self.assertEqual((copy.connected, copy.left, copy.confirmed), (100.0, 101.4, True))

    def test_one_of_several(self) -> None:
        self.assertEqual(copy_of(self.ROW, {**self.DOT, "kept": True, "next": 101.4}).connected, 101.0)

    def test_a_client_that_says_nothing_more(self) -> None:
        copy = copy_of(self.ROW, self.DOT)
        self.assertEqual((copy.left, copy.confirmed), (110.0, False))
        self.assertFalse(copy_of(self.ROW, {**self.DOT, "replied": None, "next": 101.4}).confirmed)


class Copies(unittest.TestCase):
    def explanation(self, *copies: Copy, **fields: Any) -> str:
        judgement = judged(*copies, **fields)
        (found,) = judgement.duplicates
        self.assertEqual(judgement.duplicates[found], 1)
        self.assertEqual(bool(judgement.unexplained), found == "unexplained")
        return found

    def test_for_no_reason(self) -> None:
        self.assertEqual(self.explanation(FIRST, LATER), "unexplained")
        self.assertIn("unexplained copy", "".join(judged(FIRST, LATER).faults(guard=False)))

    def test_lost_reply(self) -> None:
        self.assertEqual(self.explanation(replace(FIRST, fault="lost, taken", confirmed=False), LATER), UNCONFIRMED)

    def test_time_out(self) -> None:
        """The client left by itself: only relaypipe's own word makes it an unconfirmed dot."""
        early = replace(FIRST, confirmed=False)
        own = "dsn=4.4.2, status=deferred (no reply (timed out) from a[127.0.0.1]:%d while sending end of data -- x)"
        self.assertEqual(self.explanation(early, LATER), "unexplained")
        self.assertEqual(self.explanation(early, LATER, log=pipe_line(TO, own % 9)), UNCONFIRMED)
        self.assertEqual(self.explanation(early, LATER, log=pipe_line(TO, own % 8)), "unexplained")
        self.assertEqual(self.explanation(FIRST, LATER, log=pipe_line(TO, own % 9)), "unexplained")

    def test_answers_that_are_no_receipt(self) -> None:
        """Over HTTPS relaypipe says what came instead of one."""
        early = replace(FIRST, confirmed=False)
        own = "dsn=4.4.2, status=deferred (%s a[127.0.0.1]:9 while %s -- x)"
        for said, doing, explanation in (
                ("no answer (timed out) from", "sending end of data", UNCONFIRMED),
                ("200 Words, which is no receipt from", "sending end of data", UNCONFIRMED),
                ("a line that begins no answer (x) from", "sending end of data", UNCONFIRMED),
                ("lost connection with", "sending end of data", "unexplained"),
                ("no answer (timed out) from", "sending message body", "unexplained")):
            self.assertEqual(self.explanation(early, LATER, log=pipe_line(TO, own % (said, doing))), explanation, said)

    def test_kill(self) -> None:
        self.assertEqual(self.explanation(FIRST, LATER, troubles=(killed("kill relaypipe", 100.4),)),
                         f"{KILLED}: relaypipe")
        for daemon in ("pipe", "lmtp"):
            self.assertEqual(self.explanation(FIRST, LATER, troubles=(killed(f"kill {daemon}", 100.4),)),
                             f"{KILLED}: {daemon}")

    def test_kill_of_a_message_by_its_queue_id(self) -> None:
        """Of a message that came by LMTP only that is known; the log tells the recipients."""
        for queue_id, explanation in (("4jb", f"{KILLED}: relaypipe"), ("4jc", "unexplained")):
            trouble = Trouble("kill relaypipe", 100.4, 100.4, "", [Victim(7, 99.9, queue_id, [])])
            log = pipe_line(TO, "dsn=2.0.0, status=sent (ok)").replace("postfix/pipe", "postfix/lmtp")
            self.assertEqual(self.explanation(FIRST, LATER, troubles=(trouble,), log=log), explanation)

    def test_kill_of_another(self) -> None:
        for trouble in (killed("kill relaypipe", 100.4, to="other@chain.example"), killed("kill relaypipe", 90.0),
                        killed("kill relaypipe", 115.0), killed("kill relaypipe", 108.0, started=107.0),
                        killed("kill pipe", 108.0, started=107.0)):
            self.assertEqual(self.explanation(FIRST, LATER, troubles=(trouble,)), "unexplained", trouble)

    def test_stop(self) -> None:
        stop = Trouble("stop", 100.0, 101.0)
        self.assertEqual(self.explanation(FIRST, LATER, troubles=(stop,)), STOPPED)
        for begun, ended in ((97.0, 98.0), (101.0, 102.0), (110.2, 110.3)):
            other = replace(stop, begun=begun, ended=ended)
            self.assertEqual(self.explanation(FIRST, LATER, troubles=(other,)), "unexplained", other)

    def test_side_by_side(self) -> None:
        waiting = replace(FIRST, left=111.0)
        judgement = judged(waiting, LATER, troubles=(Trouble("stop", 101.0, 102.0),))
        self.assertEqual((len(judgement.side_by_side), judgement.unexplained), (1, []))
        self.assertEqual(judgement.faults(guard=False), [])
        self.assertIn("while an earlier copy ran", "".join(judgement.faults(guard=True)))

    def test_side_by_side_without_a_state_directory(self) -> None:
        stop, waiting = Trouble("stop", 101.0, 102.0), replace(FIRST, left=111.0)
        for damaged, repaired, allowed in ((90.0, 99.0, False), (90.0, 105.0, True), (105.0, 106.0, True),
                                           (112.0, 113.0, False)):
            troubles = (stop, Trouble("damage state", damaged, damaged), Trouble("state repaired", repaired, repaired))
            judgement = judged(waiting, LATER, troubles=troubles)
            self.assertEqual((judgement.faults(guard=True) == [], len(judgement.side_by_side_unaware)),
                             (allowed, int(allowed)), troubles)

    def test_side_by_side_of_a_process_that_never_had_a_state_directory(self) -> None:
        """It started while there was none, and its session began after the repair."""
        waiting = replace(FIRST, left=111.0)
        damage = (Trouble("damage state", 98.0, 98.0), Trouble("state repaired", 99.8, 99.8))
        for started, allowed in ((99.5, True), (99.9, False)):
            stop = Trouble("stop", 101.0, 102.0, "", [Victim(7, started, "4jb", [TO])])
            judgement = judged(waiting, LATER, troubles=(*damage, stop))
            self.assertEqual(judgement.faults(guard=True) == [], allowed, started)

    def test_slow_reader_of_a_killed_process(self) -> None:
        """The relay has read to the dot of the dead process when its successor has long delivered."""
        dead = replace(FIRST, dot=112.0, left=112.1)
        kill = killed("kill relaypipe", 100.4)
        self.assertEqual(judged(dead, LATER, troubles=(kill,)).faults(guard=True), [])
        self.assertEqual(self.explanation(dead, LATER, troubles=(kill,)), f"{KILLED}: relaypipe")
        successor = killed("kill relaypipe", 115.0, started=109.0)
        self.assertEqual(judged(dead, LATER, troubles=(kill, successor)).faults(guard=True), [])
        unkilled = judged(dead, LATER, troubles=(successor,)).faults(guard=True)
        self.assertIn("while an earlier copy ran", "".join(unkilled))

    def test_dot_without_a_parent(self) -> None:
        late = replace(FIRST, data=105.0, dot=105.1, left=105.2)
        for trouble in (killed("kill pipe", 100.1), killed("kill lmtp", 100.1), Trouble("stop", 100.05, 101.0)):
            self.assertIn("dot after the death", "".join(judged(late, troubles=(trouble,)).faults(guard=False)))
        self.assertEqual(judged(late, troubles=(killed("kill pipe", 100.1, to="x@y.example"),)).faults(guard=True), [])
        self.assertEqual(judged(FIRST, troubles=(killed("kill pipe", 100.1),)).faults(guard=True), [])
