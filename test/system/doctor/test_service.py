"""The service in master.cf and its limits in main.cf: each fault is found, and its line fixes it."""

from __future__ import annotations

import re

from doctor_case import FILTER, GOOD, DoctorCase
from support.case import each


class Good(DoctorCase):
    def test_nothing_to_say(self) -> None:
        diagnosis = self.diagnose()
        self.assertEqual((diagnosis.status, diagnosis.findings), (0, []))
        self.assertEqual(diagnosis.services, ["relaypipe/unix"])

    def test_text(self) -> None:
        self.assertEqual(self.run_doctor(), (0, f"{self.postfix}: 1 service; 0 errors, 0 warnings\n"))

    def test_defaults_of_main_cf(self) -> None:
        """1000 s are more than 15 minutes."""
        self.write_postfix(relaypipe_time_limit=None)
        self.assertEqual(self.diagnose().findings, [])

    def test_two_services(self) -> None:
        self.write_postfix()
        master = self.postfix / "master.cf"
        text = master.read_text()
        entry = text[text.index("relaypipe unix"):]
        self.write(master, text + entry.replace("relaypipe unix", "bulk unix", 1))
        main = self.postfix / "main.cf"
        self.write(main, main.read_text() + "default_transport = bulk:second\n")
        diagnosis = self.diagnose()
        self.assertEqual(diagnosis.services, ["relaypipe/unix", "bulk/unix"])
        self.assertEqual([(f.where, f.fix) for f in diagnosis.findings], [
            ("bulk/unix", f"postconf -c {self.postfix} -e bulk_destination_recipient_limit=1")])
        self.assert_mended(diagnosis.findings[0])

    def test_filter_of_main_cf(self) -> None:
        """Where all pipe(8) services share a filter, the service needs none of its own."""
        self.write_postfix({FILTER: ""}, pipe_delivery_status_filter=FILTER.split("= ", 1)[1].rstrip("} \n") + " } }")
        self.assertEqual(self.diagnose().findings, [])

    def test_other_spellings_of_macros(self) -> None:
        self.write_postfix({"${sender}": "$sender", "${size}": "$(size)", "--queue-id ${queue_id}":
                            "--queue-id=${queue_id}"})
        self.assertEqual(self.diagnose().findings, [])


class Broken(DoctorCase):
    @each({
        "unpriv": ({"-       n       n": "-       y       n"}, "error", "unpriv", "all mail waits"),
        "unpriv_by_default": ({"-       n       n": "-       -       n"}, "error", "unpriv"),
        "chroot": ({"-       n       n": "-       n       y"}, "error", "chroot", "resolv.conf"),
        "no_quotes": ({"flags=q": "flags="}, "warning", "has no q"),
        "no_flags": ({"flags=q ": ""}, "warning", "has no q"),
        "delivered_to": ({"flags=q": "flags=Dq"}, "error", "D adds Delivered-To"),
        "mailbox_flags": ({"flags=q": "flags=qFBO>R.Xhu"}, "error", "F puts", "R adds", ". doubles", "u lower-cases"),
        "unknown_flag": ({"flags=q": "flags=qZ"}, "error", "Z is not a flag"),
        "no_null_sender": ({" null_sender=": ""}, "warning", "MAILER-DAEMON"),
        "null_sender": ({"null_sender=": "null_sender=bounces@example.com"}, "error", "null_sender is bounces@example.com"),
        "pipe_chroot": ({"flags=q": "flags=q chroot=/"}, "warning", "chroot=/"),
        "line_end": ({"flags=q": "flags=q eol=\\r\\n"}, "error", "LF"),
        "no_separator": ({"-- ${recipient}": "${recipient}"}, "warning", "no -- before"),
        "no_recipient": ({"-- ${recipient}": "--"}, "error", "no ${recipient}"),
        "no_queue_id": ({"--queue-id ${queue_id}": ""}, "warning", "no --queue-id"),
        "no_size": ({"--size ${size}": ""}, "error", "no --size ${size}", "breaks off"),
        "no_nexthop": ({"--nexthop ${nexthop}": ""}, "error", "no --nexthop ${nexthop}"),
        "no_sender": ({"-f ${sender}": ""}, "error", "no -f ${sender}"),
        "joined_sender": ({"-f ${sender}": "-f${sender}"}, "error", "one word"),
        "fixed_sender": ({"-f ${sender}": "-f me@example.com"}, "error", "instead of -f ${sender}"),
        "no_filter": ({FILTER: ""}, "error", "status 127", "bounce"),
        "other_filter": ({FILTER: "  -o pipe_delivery_status_filter=inline:{a=b}\n"}, "error", "status 127"),
    })
    def test_entry(self, edits: dict[str, str], severity: str, *words: str) -> None:
        self.write_postfix(edits)
        self.assert_mended(self.assert_found(severity, *words, where="relaypipe/unix"))

    @each({
        "recipient_limit": ({"relaypipe_destination_recipient_limit": None}, "warning", "limit is 50"),
        "recipient_limit_of_all": ({"default_destination_recipient_limit": "10",
                                    "relaypipe_destination_recipient_limit": None}, "warning", "limit is 10"),
        "time_limit": ({"relaypipe_time_limit": "5m"}, "error", "relaypipe_time_limit is 5m", "15m"),
        "time_limit_of_all": ({"relaypipe_time_limit": None, "command_time_limit": "900s"}, "error", "is 900s"),
        "chroot_by_default": ({"compatibility_level": "0"}, "error", "below compatibility_level 1"),
    })
    def test_parameter(self, parameters: dict[str, str], severity: str, *words: str) -> None:
        edits = {"-       n       n": "-       n       -"} if "compatibility_level" in parameters else {}
        self.write_postfix(edits, **parameters)
        self.assert_mended(self.assert_found(severity, *words, where="relaypipe/unix"))

    def test_deadline_of_the_configuration(self) -> None:
        text = self.config.read_text()
        self.write(self.config, 'deadline = "2h"\n' + text)
        self.assert_mended(self.assert_found("error", "is 3600s", "2h"))
        self.assertIn("7260s", self.postconf("relaypipe_time_limit"))

    @each({"option": ("-o deadline=90m",), "short": ("--deadline 90m",)})
    def test_deadline_of_argv(self, option: str) -> None:
        self.write_postfix({"-f ${sender}": f"{option} -f ${{sender}}"})
        self.assert_mended(self.assert_found("error", "is 3600s", "90m"))

    def test_setting_where_nobody_reads_it(self) -> None:
        """`postconf -P relaypipe/unix/deadline=14m` puts it before the attributes, as a parameter of pipe(8)."""
        self.shell(f"postconf -c {self.postfix} -P relaypipe/unix/deadline=14m")
        self.assert_mended(self.assert_found("error", "-o deadline stands before argv=", where="relaypipe/unix"))
        self.assertIn("-o deadline=14m", self.postconf("-M", "relaypipe/unix"))
        self.assertNotIn("deadline", self.postconf("-P"))

    @each({"header_checks": ("smtp_header_checks", "regexp:{{/x/ IGNORE}}", "changes no header"),
           "generic": ("smtp_generic_maps", "inline:{a=b}", "changes no address"),
           "tls": ("smtp_tls_security_level", "secure", "tls ="),
           "sasl": ("smtp_sasl_password_maps", "hash:/etc/postfix/sasl_passwd", "password_map"),
           "source": ("smtp_bind_address", "192.0.2.1", "bind_address"),
           "keywords": ("smtp_discard_ehlo_keywords", "chunking", "discard_ehlo_keywords")})
    def test_setting_of_smtp(self, parameter: str, value: str, words: str) -> None:
        self.write_postfix(**{parameter: value})
        self.assert_found("warning", "holds for smtp(8) and not for relaypipe", words, where=parameter)

    def test_setting_of_smtp_that_has_its_counterpart(self) -> None:
        self.write(self.config, '[defaults]\ntls = "encrypt"\nbind_address = "192.0.2.1"\n'
                   'discard_ehlo_keywords = "chunking"\n' + GOOD)
        self.write_postfix(smtp_tls_security_level="may", smtp_bind_address="192.0.2.1",
                           smtp_discard_ehlo_keywords="chunking")
        self.assertEqual(self.diagnose().findings, [])

    def test_limits_in_master_cf(self) -> None:
        """What stands there holds, whatever main.cf says: it is fixed there."""
        self.write_postfix({"  flags=q": "  -o relaypipe_time_limit=60s\n  flags=q"})
        self.assert_mended(self.assert_found("error", "is 60s"))
        self.assertIn("relaypipe_time_limit = 3600s", self.postconf("-P", "relaypipe/unix/relaypipe_time_limit"))

    def test_recipient_limit_of_qmgr(self) -> None:
        master = self.postfix / "master.cf"
        self.write(master, master.read_text().replace(
            "1 qmgr\n", "1 qmgr\n  -o relaypipe_destination_recipient_limit=20\n"))
        finding = self.assert_found("warning", "limit is 20")
        self.assertIn("-P qmgr/unix/relaypipe_destination_recipient_limit=1", finding.fix)
        self.assert_mended(finding)

    def test_filters_that_are_there_stay(self) -> None:
        self.write_postfix({FILTER: "  -o pipe_delivery_status_filter=inline:{a=b}\n"})
        self.assert_mended(self.assert_found("error", "status 127"))
        self.assertIn("inline:{a=b}", self.postconf("-P"))

    def test_unknown_option(self) -> None:
        self.write_postfix({"-f ${sender}": "--sizzle 5 -f ${sender}"})
        self.assert_found("error", "argv is refused", "--sizzle")

    def test_no_service(self) -> None:
        """The line that it prints is the entry of master.cf.example."""
        self.write_postfix()
        example = self.postconf("-M", "relaypipe/unix")
        self.write_postfix(entry="")
        self.write(self.transport, "example.net smtp:[elsewhere.example]\n")
        finding = self.assert_found("error", "no service of pipe(8) or spawn(8) runs relaypipe", where="master.cf")
        self.shell(finding.fix)
        expected = re.sub(r" --config \S+( -o \S+=\S+)+", "", example).replace("user=nobody:nogroup", "user=relaypipe")
        self.assertEqual(self.postconf("-M", "relaypipe/unix").split(), expected.split())
        self.assertEqual(self.diagnose().services, ["relaypipe/unix"])


class EverythingAtOnce(DoctorCase):
    BROKEN = {FILTER: "", "-       n       n": "-       y       y", "flags=q": "flags=DRhu", " null_sender=": "",
              "--size ${size}": "", "-f ${sender}": "-f${sender}", "-- ${recipient}": "${recipient}"}

    @each({"forwards": (1,), "backwards": (-1,), "last_one_first": (2,)})
    def test_in_any_order(self, order: int) -> None:
        self.write_postfix(self.BROKEN, relaypipe_destination_recipient_limit=None, relaypipe_time_limit="60")
        findings = self.diagnose().findings
        self.assertGreaterEqual(len(findings), 10, findings)
        lines = [finding.fix for finding in findings]
        for line in lines[::order] if abs(order) == 1 else lines[-1:] + lines[:-1]:
            self.shell(line)
        self.assertEqual(self.diagnose().findings, [])

    def test_text(self) -> None:
        """For a person each line stands once, below the last finding it fixes."""
        self.write_postfix(self.BROKEN)
        status, text = self.run_doctor()
        self.assertEqual(status, 2)
        self.assertEqual(text.count("relaypipe/unix/command="), 1)
        for line in re.findall(r"^    (.+)$", text, re.MULTILINE):
            self.shell(line)
        self.assertEqual(self.run_doctor()[0], 0)


class Trouble(DoctorCase):
    def test_no_configuration(self) -> None:
        (self.postfix / "main.cf").unlink()
        status, text = self.run_doctor()
        self.assertEqual(status, 2)
        self.assertRegex(text, r"^postconf: fatal: open .*main\.cf: No such file")

    def test_unknown_option(self) -> None:
        self.assertEqual(self.run_doctor("--bogus")[0], 2)

    def test_help(self) -> None:
        status, text = self.run_doctor("--help")
        self.assertEqual(status, 0)
        self.assertIn("--config-directory", text)
