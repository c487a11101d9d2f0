"""What deliveries remember, as people and programs see it; and what the administrator does about it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import time
import unittest
from pathlib import Path

from state_case import StateCase
from support.relays import binary_path

PROMTOOL = Path(os.environ.get("RELAYPIPE_TEST_TOOLS") or "/var/cache/relaypipe-test") / "prometheus/usr/bin/promtool"


class StatusCase(StateCase):
    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = self.counting(), self.counting()
        self.write_configuration()

    def write_configuration(self, more: str = "") -> None:
        self.configure(f'state_directory = "{self.state}"\n{more}'
                       f'[defaults]\nhostname = "client.example"\n[relay.first]\ndestination = "{self.first.destination}"\n'
                       f'[relay.second]\ndestination = "{self.second.destination}"\n'
                       'quota = ["4 messages/24h", "100/day Europe/Berlin"]\nrate = "1000/h"\nconnections = 3\n'
                       '[chain.out]\ntiers = [["first"], ["second"]]\n')

    def first_is_down(self) -> None:
        self.first.stop()
        self.assert_all_sent([self.one("out", name="DOWN")])


class Status(StatusCase):
    def test_before_anything_was_sent(self) -> None:
        text = self.tool("status")
        self.assertRegex(text, r"(?m)^chain out: first \| second$")
        self.assertRegex(text, r"(?m)^first +unknown +0 +- +-$")
        self.assertIn("no relay has changed its state yet", self.tool("log"))

    def test_a_relay_that_is_down(self) -> None:
        self.first_is_down()
        text = self.tool("status")
        self.assertRegex(text, r"(?m)^first +cooling-down +0 .*since \d+s, next try in \d+s$")
        self.assertRegex(text, r"(?m)^ +network: connect to 127\.0\.0\.1.*Connection refused$")
        self.assertRegex(text, r"(?m)^second +up +1 +\d+ ms +\d+ ms$")
        self.assertRegex(text, r"(?m)^ +\[#####\.+\] quota 1 of 4  4 messages/24h$")
        self.assertRegex(text, r"(?m)^ +0 of 3 connections$")
        self.assertRegex(self.tool("log"), r"^\d{4}-\d\d-\d\d [\d:]+ UTC  down +first, until .*, network: connect to")
        first, second = self.relay_status("first"), self.relay_status("second")
        self.assertEqual((first["state"], first["cause"]), ("cooling-down", "network"))
        self.assertEqual(second["today"], 1)
        self.assertEqual(second["limits"][0], {"limit": "4 messages/24h", "kind": "quota", "used": 1, "count": 4,
                                                "reserved": 0})

    def test_a_relay_that_no_file_names(self) -> None:
        self.assert_all_sent([self.one(self.second.destination, name="LIST")])
        known = self.relay_status(self.second.destination)
        self.assertEqual((known["destination"], known["state"], known["today"]), (None, "up", 1))

    def test_unconfirmed_messages(self) -> None:
        lost = self.counting(dot_lost=True)
        self.assertEqual(self.one(lost.destination, name="LOST").status, 75)
        (message,) = json.loads(self.tool("status", "--json"))["unconfirmed"]
        self.assertEqual((message["queue_id"], message["recipient"], message["relay"]),
                         ("LOST", "LOST@example.net", lost.destination))
        self.assertIn("LOST to LOST@example.net", self.tool("status"))

    @unittest.skipUnless(PROMTOOL.exists(), "no promtool")
    def test_promtool_finds_nothing_wrong(self) -> None:
        self.first_is_down()
        metrics = self.tool("status", "--format=prometheus")
        self.assertIn('relaypipe_relay_state{relay="first",state="cooling-down"} 1\n', metrics)
        self.assertIn('relaypipe_relay_failed_total{relay="first",cause="network"} 1\n', metrics)
        self.assertIn('relaypipe_relay_accepted_total{relay="second"} 1\n', metrics)
        checked = subprocess.run([PROMTOOL, "check", "metrics"], input=metrics, capture_output=True, text=True, timeout=60)
        self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_what_is_not_known_is_no_number(self) -> None:
        metrics = self.tool("status", "--format=prometheus")
        for name in ("next_try_timestamp_seconds", "ready_seconds", "acceptance_seconds"):
            self.assertNotIn(f"relaypipe_relay_{name}", metrics)
        self.assertNotIn("1970", self.tool("status"))

    def test_failures_and_deferrals_are_counted_by_cause(self) -> None:
        self.first.stop()
        self.second.stop()
        for name in ("ONE", "TWO"):
            self.assertEqual(self.one(f"{self.first.destination},{self.second.destination}", name=name,
                                      max_wait="0s").status, 75)
        told = json.loads(self.tool("status", "--json"))
        self.assertEqual(sum(each["count"] for each in told["deferred"]), 2)
        self.assertEqual({each["cause"] for each in told["failed"]}, {"network"})
        metrics = self.tool("status", "--format=prometheus")
        self.assertRegex(metrics, r'(?m)^relaypipe_deferred_total\{cause="network"\} 2$')
        self.assertRegex(metrics, rf'(?m)^relaypipe_relay_failed_total\{{relay="\[127\.0\.0\.1\]:\d+",cause="network"\}} \d$')

    def test_reserve_is_shown_where_it_is_the_reason(self) -> None:
        self.configure(f'state_directory = "{self.state}"\n[relay.only]\ndestination = "{self.first.destination}"\n'
                       'quota = "4/24h"\nreserve = { percent = 50, for = ["@alerts.example"] }\n'
                       '[chain.out]\ntiers = [["only"]]\n')
        self.assert_all_sent([self.one("out", name=f"N{i}") for i in range(2)])
        refused = self.one("out", name="OVER", max_wait="0s")
        self.assertEqual(refused.status, 75)
        self.assertIn("50 % of it, which reserve keeps for other senders", refused.text)
        self.assertIn("quota 2 of 4  4/24h, the last 2 kept by reserve", self.tool("status"))

    def test_wrong_input(self) -> None:
        self.assertIn("write table, json or prometheus", self.tool("status", "--format=xml", status=2))
        self.assertIn("--interval", self.tool("status", "--interval=0", status=2))
        self.assertIn("-n", self.tool("log", "-n", "0", status=2))
        self.assertIn("did you mean first?", self.tool("suspend", "frist", status=2))
        self.assertIn("--for", self.tool("suspend", "first", "--for", "2", status=2))
        self.assertIn("state = no", self.tool("status", "-o", "state=no", status=1))
        self.assertIn("install -d", self.tool("status", "-o", "state_directory=/nonexistent", status=1))

    def test_watch_looks_again(self) -> None:
        watcher = subprocess.Popen([binary_path(), "status", "--interval=1", *self.configuration],
                                   stdout=subprocess.PIPE, text=True)
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        seen = 0
        for line in watcher.stdout:
            seen += line.startswith("relay ")
            if seen == 2:
                break
        watcher.stdout.close()
        self.assertEqual(seen, 2)


class Plan(StatusCase):
    def test_says_who_rests_and_why(self) -> None:
        self.first_is_down()
        legs = json.loads(self.tool("plan", "--from", "a@example.com", "--to", "b@example.net", "--json"))["legs"]
        self.assertEqual([leg["relay"] for leg in legs], ["second", "first"])
        self.assertRegex(legs[1]["reason"], r"^tier 1; cools down until .* UTC: connect to")

    def test_without_the_right_to_look(self) -> None:
        self.first_is_down()
        self.state.chmod(0o755)
        done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", binary_path(), "plan", "--explain",
                               "--from", "a@example.com", "--to", "b@example.net", *self.configuration],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done)
        self.assertIn("what deliveries remember is left out: this has to run as root", done.stdout)


class Control(StatusCase):
    def test_a_suspended_relay_gets_no_mail(self) -> None:
        self.assertIn("first is suspended until `relaypipe resume first`", self.tool("suspend", "first"))
        self.assert_all_sent(self.at_once(3, "out"))
        self.assertEqual((len(self.first.sessions), len(self.second.accepted)), (0, 3))
        self.assertEqual(self.relay_status("first")["state"], "suspended")
        self.tool("resume", "first")
        self.assert_all_sent([self.one("out", name="AGAIN")])
        self.assertEqual(len(self.first.accepted), 1)
        self.assertEqual([line.split()[3] for line in self.tool("log").splitlines()], ["suspended", "resumed"])

    def test_for_a_time(self) -> None:
        self.tool("suspend", "first", "--for", "2h")
        self.assertRegex(self.tool("status"), r"(?m)^first +suspended .* for 1h$|^first +suspended .* for 2h$|^first +suspended .* for 119m$")

    def test_reset_lets_a_relay_be_tried_at_once(self) -> None:
        port = int(self.first.destination.rsplit(":", 1)[1])
        self.first_is_down()
        back = self.counting(port=port)
        self.assert_all_sent([self.one("out", name="STILL")])
        self.assertEqual(len(back.sessions), 0)
        self.tool("reset", "first")
        self.assert_all_sent([self.one("out", name="RESET")])
        self.assertEqual(len(back.accepted), 1)

    def test_reset_keeps_the_quota_unless_told(self) -> None:
        self.assert_all_sent(self.at_once(2, "out"))
        self.tool("suspend", "first")
        self.assert_all_sent(self.at_once(2, "out", name="R"))
        used = self.relay_status("second")["limits"][0]["used"]
        self.tool("reset", "second")
        self.assertEqual(self.relay_status("second")["limits"][0]["used"], used)
        self.tool("reset", "second", "--quota")
        self.assertEqual(self.relay_status("second")["limits"][0]["used"], 0)

    def test_reset_without_a_name_is_of_all(self) -> None:
        port = int(self.first.destination.rsplit(":", 1)[1])
        self.first_is_down()
        back = self.counting(port=port)
        told = self.tool("reset")
        self.assertEqual(told, "first: its health is forgotten\nsecond: its health is forgotten\n")
        self.assert_all_sent([self.one("out", name="RESET")])
        self.assertEqual(len(back.accepted), 1)

    def test_reset_of_several_changes_nothing_where_one_is_a_mistake(self) -> None:
        self.first_is_down()
        self.assertIn("there is no relay secnod; did you mean second?", self.tool("reset", "first", "secnod", status=2))
        self.assertEqual(self.relay_status("first")["state"], "cooling-down")
        self.tool("reset", "first", "second")
        self.assertEqual(self.relay_status("first")["state"], "unknown")

    def test_a_relay_that_is_gone_can_be_forgotten(self) -> None:
        self.assert_all_sent([self.one("out", name="BEFORE")])
        self.configure(f'state_directory = "{self.state}"\n[relay.second]\n'
                       f'destination = "{self.second.destination}"\n[chain.out]\ntiers = [["second"]]\n')
        self.assertIn("gone from the configuration: `relaypipe reset first` forgets it", self.tool("status"))
        self.assertTrue(self.relay_status("first")["gone"])
        self.assertIn("first: its health is forgotten", self.tool("reset"))
        self.assertIn("everything about it is forgotten", self.tool("reset", "first"))
        self.assertNotIn("first", self.tool("status"))
        self.assertIn("there is no relay first", self.tool("reset", "first", status=2))

    def test_times_are_local_for_people_and_utc_for_programs(self) -> None:
        self.tool("suspend", "first", "--for", "2h")
        self.zone = "XST-5:30"
        self.assertRegex(self.tool("log"), r"^\d{4}-\d\d-\d\d [\d:]+ XST  suspended first, until .* XST$")
        self.assertRegex(self.tool("suspend", "first", "--for", "2h"), r"suspended until \S+ \S+ XST;")
        self.assertRegex(self.relay_status("first")["suspended_until"], r"^\d{4}-\d\d-\d\dT[\d:]+Z$")

    def test_what_root_looks_at_stays_the_owners(self) -> None:
        os.chown(self.state, 65534, 65534)
        self.state.chmod(0o700)
        self.tool("suspend", "first")
        self.tool("status")
        owners = {path.name: path.stat().st_uid for path in self.state.iterdir()}
        self.assertEqual(set(owners.values()), {65534}, owners)
        self.assertIn("state.db", owners)


class Hook(StatusCase):
    def hear(self, file: Path) -> None:
        end = time.monotonic() + 30
        while not file.read_text().endswith("}\n"):
            self.assertLess(time.monotonic(), end, "the hook was never told")
            time.sleep(0.02)

    def test_is_told_once_of_a_change_by_many(self) -> None:
        told = self.directory / "told"
        told.touch()
        told.chmod(0o666)
        script = self.directory / "tell"
        script.write_text(f"#!/bin/sh\ncat >>{told}\n")
        script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        self.write_configuration(f'on_change = ["{script}"]\n')
        self.first.stop()
        self.tool("reset", "second")
        self.at_once(20, "out")
        self.hear(told)
        changes = [json.loads(line) for line in told.read_text().splitlines()]
        self.assertEqual([(c["change"], c["relay"], c["cause"]) for c in changes], [("down", "first", "network")])
        told.write_text("")
        self.tool("reset", "first")
        self.hear(told)
        (change,) = [json.loads(line) for line in told.read_text().splitlines()]
        self.assertEqual((change["change"], change["relay"], change["cause"]), ("up", "first", "network"))

    def test_one_that_cannot_run_stops_no_mail(self) -> None:
        self.write_configuration('on_change = ["/nonexistent/tell"]\n')
        self.first_is_down()
        self.assertTrue(self.whole_log(r"on_change /nonexistent/tell: No such file"))
