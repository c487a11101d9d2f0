"""The service of spawn(8) that runs `relaypipe lmtp`, and the lmtp(8) in front of it: each fault is found and fixed."""

from __future__ import annotations

from typing import Mapping

from doctor_case import DoctorCase
from support.case import each
from support.postfix import (BASE_SERVICES, EXAMPLE_PROGRAM, EXAMPLE_USER, UNPRIVILEGED_USER, example_lmtp_entry,
                             example_lmtp_parameters, replaced)

SERVICE = "relaypipe-lmtp/unix"
WAY = "lmtp:unix:private/relaypipe-lmtp"
CLIENT = "lmtp unix - - n - - lmtp\n"


class LmtpDoctorCase(DoctorCase):
    """Only the second entry of master.cf.example, and what leads to it."""

    def write_postfix(self, entry_edits: Mapping[str, str] | None = None, entry: str | None = None,
                      client: str = CLIENT, **parameters: str | None) -> None:
        good = replaced(example_lmtp_entry(), {f"{EXAMPLE_PROGRAM} lmtp": f"argv={self.program} lmtp {self.own_arguments()}",
                                               EXAMPLE_USER: UNPRIVILEGED_USER})
        broken = replaced(good, entry_edits or {}) if entry is None else entry
        self.write(self.postfix / "master.cf", BASE_SERVICES.format(port=10025) + client + broken)
        main = {"compatibility_level": "3.6", "queue_directory": str(self.directory / "queue"), "default_transport": WAY,
                **example_lmtp_parameters(), **parameters}
        self.write(self.postfix / "main.cf", "".join(f"{k} = {v}\n" for k, v in main.items() if v is not None))


class Good(LmtpDoctorCase):
    def test_nothing_to_say(self) -> None:
        diagnosis = self.diagnose()
        self.assertEqual((diagnosis.status, diagnosis.findings), (0, []))
        self.assertEqual(diagnosis.services, [SERVICE])

    def test_beside_pipe(self) -> None:
        """Both front ends of master.cf.example, each with mail of its own."""
        lmtp = (self.postfix / "master.cf").read_text().split(CLIENT)[1]
        parameters = dict(line.split(" = ", 1) for line in (self.postfix / "main.cf").read_text().splitlines())
        DoctorCase.write_postfix(self, **parameters)
        master = self.postfix / "master.cf"
        self.write(master, master.read_text() + CLIENT + lmtp)
        self.write(self.postfix / "main.cf", (self.postfix / "main.cf").read_text() +
                   f"transport_maps = texthash:{self.transport}\n")
        diagnosis = self.diagnose()
        self.assertEqual(diagnosis.findings, [])
        self.assertEqual(diagnosis.services, ["relaypipe/unix", SERVICE])

    @each({"whole_path": ("lmtp:unix:{queue}/private/relaypipe-lmtp",),
           "other_service": ("relay-lmtp:unix:private/relaypipe-lmtp",)})
    def test_other_ways_to_it(self, way: str) -> None:
        way = way.format(queue=self.directory / "queue")
        self.write_postfix(client=CLIENT + "relay-lmtp unix - - n - - lmtp\n", default_transport=way)
        self.assertEqual(self.diagnose().findings, [])

    def test_by_a_table(self) -> None:
        self.write(self.transport, f"example.com {WAY}\n")
        self.write_postfix(default_transport=None, transport_maps=f"texthash:{self.transport}")
        self.assertEqual(self.diagnose().findings, [])

    def test_long_deadline(self) -> None:
        """A delivery by LMTP ends after nine minutes."""
        self.write(self.config, 'deadline = "2h"\n' + self.config.read_text())
        self.assertEqual(self.diagnose().findings, [])


class Broken(LmtpDoctorCase):
    @each({
        "unpriv": ({"unix - n n": "unix - - n"}, "error", "unpriv is -", "spawn(8) does not start"),
        "chroot": ({"unix - n n": "unix - n y"}, "error", "chroot is y"),
        "no_user": ({UNPRIVILEGED_USER: ""}, "error", "user is missing: spawn(8)"),
        "few_processes": ({"- 20 spawn": "- 5 spawn"}, "warning", "maxproc is 5", "concurrency_limit is 20"),
        "time_limit": ({"  user=": "  -o relaypipe-lmtp_time_limit=600s user="}, "error", "is 600s", "again for 5m",
                       "take 9m"),
        "misplaced": ({"  user=": "  -o deadline=5m user="}, "error", "-o deadline stands before argv="),
    })
    def test_entry(self, edits: dict[str, str], severity: str, *words: str) -> None:
        self.write_postfix(edits)
        found = self.diagnose().findings
        self.assertEqual([(f.severity, f.where) for f in found], [(severity, SERVICE)], found)
        for word in words:
            self.assertIn(word, found[0].text)
        if "user is missing" in found[0].text:    # relaypipe is no user of this machine
            self.assertIn("user=relaypipe", found[0].fix)
            return
        self.assert_mended(found[0])

    @each({
        "no_nexthop": ({"--nexthop outbound": ""}, "argv has no --nexthop NAME"),
        "macro": ({"outbound": "${nexthop}"}, "spawn(8) puts nothing in its place"),
        "unknown_option": ({"--nexthop": "--queue-id x --nexthop"}, "argv is refused, and all mail deferred"),
        "misspelt_chain": ({"outbound": "outbuond"}, "did you mean outbound?"),
    })
    def test_argv(self, edits: dict[str, str], words: str) -> None:
        self.write_postfix(edits)
        found = self.diagnose().findings
        self.assertTrue(any(words in f.text and f.severity == "error" for f in found), found)

    @each({
        "xforward": ({"lmtp_send_xforward_command": None}, "warning", "told neither queue ids"),
        "probes": ({"lmtp_address_verify_target": "data"}, "error", "address probes"),
        "recipients": ({"lmtp_destination_recipient_limit": "1"}, "warning", "a transaction for each"),
        "final": ({"lmtp_assume_final": "yes"}, "warning", "reported as delivered"),
        "cache": ({"lmtp_connection_cache_destinations": None}, "warning", "private/relaypipe-lmtp is not in it"),
        "cache_of_others": ({"lmtp_connection_cache_destinations": "a.example, b.example"}, "warning", "is not in it"),
        "data_done": ({"lmtp_data_done_timeout": "300s"}, "error", "the deadline of relaypipe is 9m"),
        "concurrency": ({"lmtp_destination_concurrency_limit": "0"}, "warning", "lmtp_destination_concurrency_limit is 0"),
        "time_limit": ({"relaypipe-lmtp_time_limit": "5m"}, "error", "relaypipe-lmtp_time_limit is 5m"),
        "time_limit_of_all": ({"command_time_limit": "899s"}, "error", "is 899s"),
    })
    def test_parameter(self, parameters: dict[str, str | None], severity: str, words: str) -> None:
        self.write_postfix(**parameters)
        self.assert_mended(self.assert_found(severity, words))

    def test_parameter_of_the_client_in_master_cf(self) -> None:
        """What stands there holds, whatever main.cf says: it is fixed there."""
        self.write_postfix(client=CLIENT + "  -o lmtp_send_xforward_command=no\n")
        finding = self.assert_found("warning", "told neither queue ids")
        self.assertIn("-P lmtp/unix/lmtp_send_xforward_command=yes", finding.fix)
        self.assert_mended(finding)

    def test_client_of_its_own(self) -> None:
        """Its faults are fixed in its entry, so that those of mailbox servers stay as they are."""
        self.write_postfix(client=CLIENT + "relay-lmtp unix - - n - - lmtp\n",
                           default_transport=WAY.replace("lmtp:", "relay-lmtp:", 1), lmtp_send_xforward_command=None,
                           **{"relay-lmtp_destination_recipient_limit": "1"})
        found = {f.where: f.fix for f in self.diagnose().findings}
        self.assertEqual(set(found), {"lmtp_send_xforward_command", "relay-lmtp_destination_recipient_limit"})
        self.assertIn("-P relay-lmtp/unix/lmtp_send_xforward_command=yes", found["lmtp_send_xforward_command"])
        self.assertIn("-e relay-lmtp_destination_recipient_limit=50", found["relay-lmtp_destination_recipient_limit"])
        for fix in found.values():
            self.shell(fix)
        self.assertEqual(self.diagnose().findings, [])

    def test_taken_for_a_transport(self) -> None:
        self.write_postfix(default_transport="relaypipe-lmtp:outbound")
        found = self.diagnose().findings
        self.assertEqual([f.severity for f in found], ["error", "warning"], found)
        self.assertIn("is a service of spawn(8) and no transport: mail waits", found[0].text)
        self.assertIn("gets no mail", found[1].text)
        self.assert_mended(found[0])
        self.assertEqual(self.postconf("-h", "default_transport"), f"{WAY}\n")

    def test_no_way_leads_to_it(self) -> None:
        self.write_postfix(default_transport=None)
        self.assert_mended(self.assert_found("warning", f"gets no mail: {WAY} is named in no parameter", where=SERVICE))

    def test_port_instead_of_a_socket(self) -> None:
        self.write_postfix({"relaypipe-lmtp unix -": "127.0.0.1:2424 inet n"}, default_transport="lmtp:inet:127.0.0.1:2424",
                           lmtp_connection_cache_destinations=None)
        self.assertEqual(self.assert_found("warning", "everybody on this machine").fix, "")

    def test_what_its_user_may_not_read(self) -> None:
        self.config.chmod(0o600)
        self.assert_mended(self.assert_found("error", "cannot be read by", "whose only group under spawn(8) is"))

    def test_all_at_once(self) -> None:
        """The lines may be used in any order."""
        self.write_postfix({"- n n - 20": "- - n - 5", "  user=": "  -o deadline=5m user="},
                           lmtp_send_xforward_command=None, lmtp_data_done_timeout="60s")
        found = self.diagnose().findings
        self.assertEqual(len(found), 5, found)
        for fix in reversed([f.fix for f in found]):
            self.shell(fix)
        self.assertEqual(self.diagnose().findings, [])

    def test_fix(self) -> None:
        """As for pipe(8): the commands are shown, and run by who says yes."""
        self.write_postfix({"- 20 spawn": "- 5 spawn"}, lmtp_address_verify_target="data")
        told = self.fix("y\n")
        self.assertIn(f"    postconf -c {self.postfix} -F {SERVICE}/process_limit=20\n", told)
        self.assertIn(f"    postconf -c {self.postfix} -e lmtp_address_verify_target=rcpt\n", told)
        self.assertIn("Run the 2 commands above? [y/N]", told)
        self.assertTrue(told.endswith(f"{self.postfix}: 1 service; 0 errors, 0 warnings\n"), told)
        self.assertEqual(self.diagnose().findings, [])
