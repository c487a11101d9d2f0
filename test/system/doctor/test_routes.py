"""Parameters and tables that lead to relaypipe: chains that are not there, lists that cannot be read, relays that nothing
reaches."""

from __future__ import annotations

from doctor_case import GOOD, DoctorCase
from support.case import each


class Parameters(DoctorCase):
    @each({name: (name,) for name in ("default_transport", "relay_transport", "local_transport", "virtual_transport",
                                      "content_filter")})
    def test_misspelt_chain(self, name: str) -> None:
        self.write_postfix(**{name: "relaypipe:outbuond"})
        finding = self.assert_found("error", "names no chain", "did you mean outbound?", where=name)
        self.assert_mended(finding)
        self.assertEqual(self.postconf("-h", name), "relaypipe:outbound\n")

    def test_filter_of_a_service(self) -> None:
        master = self.postfix / "master.cf"
        self.write(master, master.read_text().replace(
            " - smtpd\n", " - smtpd\n  -o content_filter=relaypipe:secnod\n"))
        self.assert_mended(self.assert_found("error", "did you mean second?", where="inet/content_filter"))

    def test_unknown_chain(self) -> None:
        self.write_postfix(default_transport="relaypipe:partners")
        finding = self.assert_found("error", "names no chain: the chains are outbound, second")
        self.assertEqual(finding.fix, "")

    def test_unreadable_list(self) -> None:
        self.write_postfix(default_transport="relaypipe:[mail1.example.com:587")
        self.assert_found("error", '"]" is missing', "[mail1.example.com]:587", where="default_transport")

    def test_relayhost(self) -> None:
        """default_transport without a nexthop takes it from there."""
        self.write_postfix(default_transport="relaypipe", relayhost="[mail1.example.com]:587")
        self.assertEqual(self.diagnose().findings, [])
        self.write_postfix(default_transport="relaypipe", relayhost="outbuond")
        self.assert_found("error", "did you mean outbound?", where="relayhost")

    def test_domain(self) -> None:
        self.write_postfix(default_transport="relaypipe:example.com")
        self.assertEqual(self.diagnose().findings, [])

    def test_fixed_nexthop(self) -> None:
        """Where argv says where mail goes, Postfix's nexthop does not matter."""
        self.write_postfix({"${nexthop}": "second"}, default_transport="relaypipe:anything")
        self.assertEqual(self.diagnose().findings, [])
        self.write_postfix({"${nexthop}": "secnod"})
        self.assert_found("error", "did you mean second?", where="--nexthop")

    def test_no_way_leads_to_it(self) -> None:
        self.write_postfix(transport_maps="")
        self.assertEqual(self.assert_found("warning", "gets no mail").fix, "")
        self.write(self.config, '[chain.only]\ntiers = [["[mail1.example.com]"]]\n')
        self.assert_mended(self.assert_found("warning", "gets no mail"))
        self.assertEqual(self.postconf("-h", "default_transport"), "relaypipe:only\n")


class Tables(DoctorCase):
    WRONG = "example.com relaypipe:outbuond\nexample.net relaypipe:outbound\n"

    @each({"texthash": ("texthash",), "hash": ("hash",), "through_proxymap": ("proxy:hash",)})
    def test_file(self, kind: str) -> None:
        self.write(self.transport, self.WRONG)
        self.write_postfix(transport_maps=f"{kind}:{self.transport}")
        if "hash" != kind.removeprefix("text"):
            self.shell(f"/usr/sbin/postmap -c {self.postfix} hash:{self.transport}")
        elif kind == "hash":
            finding = self.assert_found("error", "cannot be read", "Postfix defers mail", where="transport_maps")
            self.shell(f"PATH=$PATH:/usr/sbin MAIL_CONFIG={self.postfix} {finding.fix}")
        finding = self.assert_found("error", "did you mean outbound?", where=f"hash:{self.transport}, example.com")
        self.assertEqual(finding.fix, "")

    @each({
        "inline": ("inline:{{ {{example.com = relaypipe:outbuond}} }}", "example.com"),
        "static": ("static:relaypipe:outbuond", "every key"),
        "regexp": ("regexp:{file}", "/example.*com$/"),
        "cidr_like": ("regexp:{{ {{ /x y/ relaypipe:outbuond }} }}", "/x y/"),
    })
    def test_without_list(self, table: str, key: str) -> None:
        file = self.write(self.directory / "patterns",
                          "# comment\nif /com/\n/example.*com$/  relaypipe:outbuond\nendif\n!/x/ relaypipe:outbound\n")
        self.write_postfix(transport_maps=table.format(file=file))
        self.assert_found("error", "did you mean outbound?", where=f", {key}")

    def test_by_sender(self) -> None:
        table = self.write(self.directory / "senders", "@example.org relaypipe:secnod\n<> relaypipe:[a.example]:25\n")
        self.write_postfix(sender_dependent_default_transport_maps=f"texthash:{table}")
        self.assert_found("error", "did you mean second?", where="sender_dependent_default_transport_maps")

    def test_missing_table(self) -> None:
        self.write_postfix(transport_maps=f"texthash:{self.directory}/nowhere")
        self.assert_found("error", "cannot be read", "No such file", where="transport_maps")

    def test_key_that_is_there_twice(self) -> None:
        """postmap(1) only warns; trivial-rewrite(8) refuses the table."""
        self.write(self.transport, "example.com relaypipe:outbound\nexample.net smtp:\nexample.com relaypipe:second\n")
        self.assert_found("error", f"{self.transport}, line 3: duplicate entry", "trivial-rewrite(8) refuses",
                          where="transport_maps")

    @each({"table": (True,), "parameter": (False,)})
    def test_value_in_quotes(self, in_table: bool) -> None:
        if in_table:
            self.write(self.transport, 'example.com "relaypipe:outbound"\nexample.net relaypipe:outbound\n')
            self.assert_found("error", "is in quotes", "write relaypipe:outbound", where="example.com")
        else:
            self.write_postfix(default_transport='"relaypipe:outbound"')
            finding = self.assert_found("error", "is in quotes", where="default_transport")
            self.assert_mended(finding)
            self.assertEqual(self.postconf("-h", "default_transport"), "relaypipe:outbound\n")

    def test_many_wrong_lines(self) -> None:
        self.write(self.transport, "".join(f"d{n}.example relaypipe:outbuond\n" for n in range(25)))
        findings = self.diagnose().findings
        self.assertEqual(len(findings), 11, findings)
        self.assertIn("15 more", findings[-1].text)

    def test_table_that_cannot_be_listed(self) -> None:
        """Nothing is claimed of what cannot be seen: not that no mail comes, either."""
        self.write_postfix(transport_maps="tcp:127.0.0.1:1")
        self.assertEqual(self.diagnose().findings, [])


class Relays(DoctorCase):
    def test_senders_that_the_chain_sends_elsewhere(self) -> None:
        self.write(self.config, GOOD.replace('tiers = [["one"]]', 'tiers = [["three"], ["one"]]') +
                   '[relay.three]\ndestination = "[mail3.example.com]"\nsenders = ["news@example.org"]\n')
        finding = self.assert_found("warning", "[relay.three] gets no mail", "by_sender of [chain.outbound]")
        self.assertIn(f"{self.config}:11:", finding.text)

    def test_recipients_that_the_chain_sends_elsewhere(self) -> None:
        self.write(self.config, GOOD.replace('tiers = [["one"]]', 'tiers = [["three"], ["one"]]\n'
                                             'by_recipient = { "@.example.net" = "second" }') +
                   '[relay.three]\ndestination = "[mail3.example.com]"\nrecipients = ["@a.example.net"]\n')
        self.assert_found("warning", "[relay.three] gets no mail", "by_recipient of [chain.outbound]")

    def test_chain_that_only_other_senders_reach(self) -> None:
        self.write(self.config, GOOD.replace('senders = ["@example.org", "<>"]', 'senders = ["@example.net"]'))
        self.assert_found("warning", "[relay.two] gets no mail", "only by_sender leads to [chain.second]")

    def test_chain_that_postfix_names(self) -> None:
        self.write(self.config, GOOD.replace('senders = ["@example.org", "<>"]', 'senders = ["@example.net"]'))
        self.write_postfix(default_transport="relaypipe:second")
        self.assertEqual(self.diagnose().findings, [])
