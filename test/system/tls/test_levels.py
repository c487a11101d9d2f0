"""The four levels of TLS against certificates of every kind, with STARTTLS and with implicit TLS."""

from __future__ import annotations

import re

from support.case import each
from tls_case import SMTPS, SUBMISSION, TlsCase

# What is wrong with the certificate, in the words of the log; nothing: it is fine.
KINDS = {
    "good": (), "chain": (), "tls12": (),
    "expired": ("the certificate of expired.test expired 2",),
    "future": ("the certificate of future.test is not valid before 2",),
    "wrongname": ("wrong name: the certificate is for elsewhere.test, not for wrongname.test",),
    "otherca": ("unknown authority", "unknown authority: the certificate is issued by unknown authority"),
    "selfsigned": ("self-signed certificate of selfsigned.test",),
    "broken": ("unknown authority: the certificate is issued by intermediate authority",),
    "weak": ("key too",),
}
VERSION = {"tls12": "TLSv1.2"}
PORTS = {"starttls": SUBMISSION, "implicit": SMTPS}
ROWS = {f"{kind}_{how}": (kind, port, words) for kind, words in KINDS.items() for how, port in PORTS.items()}


class Levels(TlsCase):
    def relay_at(self, kind: str, port: int, **keys: str) -> dict[str, str]:
        return {"destination": f"[{kind}.test]:{port}", **keys}

    @each({kind: (kind,) for kind in ("good", "expired", "clear")})
    def test_none(self, kind: str) -> None:
        result = self.send(self.relay_at(kind, SUBMISSION, tls="none"))
        self.assertIsNone(self.taken(result, f"{kind}.test").tls)

    @each({f"{level}_{row}": (level, *ROWS[row][:2]) for row in ROWS for level in ("may", "encrypt")
           if (level, ROWS[row][1]) != ("may", SMTPS)})
    def test_unverified(self, level: str, kind: str, port: int) -> None:
        result = self.send(self.relay_at(kind, port, tls=level))
        self.assertEqual(self.taken(result, f"{kind}.test", port).tls, VERSION.get(kind, "TLSv1.3"))

    @each(ROWS)
    def test_verify(self, kind: str, port: int, words: tuple[str, ...]) -> None:
        relay = self.relay_at(kind, port, tls="verify")
        if words:
            self.assert_passed_over(relay, f"{kind}.test", *words, dsn=r"4\.7\.5")
        else:
            self.assertEqual(self.taken(self.send(relay), f"{kind}.test", port).tls, VERSION.get(kind, "TLSv1.3"))

    def test_the_days_a_certificate_has_left(self) -> None:
        """Of the certificate that a delivery saw; in clear text there is none."""
        found = []
        for script in ("", "starttls $PEM"):
            self.assertEqual(self.send(self.local(script)[1]).status, 0)
            metrics = self.tool("status", "--config", str(self.config), "-o", f"state_directory={self.state}",
                                "--format=prometheus").stdout
            found.append(re.findall(r'(?m)^relaypipe_relay_certificate_days_left\{relay="relay1"\} ([\d.]+)$', metrics))
        self.assertEqual([len(days) for days in found], [0, 1])
        self.assertTrue(88 < float(found[1][0]) < 91, found)

    def test_may_goes_on_in_clear_text_where_tls_is_not_offered(self) -> None:
        self.assertIsNone(self.taken(self.send(self.relay_at("clear", SUBMISSION, tls="may")), "clear.test").tls)

    def test_may_goes_on_in_clear_text_once_after_a_failed_handshake(self) -> None:
        self.assertIsNone(self.taken(self.send(self.relay_at("old", SUBMISSION, tls="may")), "old.test").tls)

    @each({"encrypt": ("encrypt",), "verify": ("verify",)})
    def test_no_delivery_without_tls(self, level: str) -> None:
        self.assert_passed_over(self.relay_at("clear", SUBMISSION, tls=level),
                                "TLS is required, but was not offered by host clear.test",
                                short="clear.test: does not offer TLS", dsn=r"4\.7\.4")

    @each({f"{level}_{how}": (level, port) for level in ("encrypt", "verify") for how, port in PORTS.items()})
    def test_a_protocol_that_is_too_old(self, level: str, port: int) -> None:
        self.assert_passed_over(self.relay_at("old", port, tls=level), "no common TLS version; tls_min_version is 1.2",
                                dsn=r"4\.7\.5")

    def test_implicit_tls_is_not_opportunistic(self) -> None:
        result = self.send(self.relay_at("good", SMTPS, tls="may"))
        self.assert_deferred(result, r"4\.3\.5", words=("[relay.relay1] tls", "encrypt"))

    def test_implicit_tls_never_falls_back(self) -> None:
        """In the transport table the level is may, also for port 465."""
        self.write_config()
        result = self.deliver("[old.test]:465")
        self.assert_deferred(result, r"4\.7\.5", words=("old.test", "no common TLS version"))

    def test_both_kinds_of_tls_in_one_chain(self) -> None:
        """The dead one first, whichever it is."""
        for dead, alive in ((SUBMISSION, SMTPS), (SMTPS, SUBMISSION)):
            bad = self.relay_at("expired", dead, tls="verify")
            result = self.send(bad, self.relay_at("chain", alive, tls="verify"))
            self.assertEqual(self.taken(result, "chain.test", alive).tls, "TLSv1.3")

    def test_the_prefix_is_implicit_tls_too(self) -> None:
        for destination in ("smtps:[good.test]", "smtps:[good.test]:465"):
            result = self.send({"destination": destination, "tls": "verify"})
            self.assertEqual(self.taken(result, "good.test", SMTPS).tls, "TLSv1.3")

    def test_an_address_in_the_certificate(self) -> None:
        result = self.send({"destination": "[127.1.0.1]:587", "tls": "verify"})
        self.assertEqual(result.status, 0, result)
        other = self.send({"destination": "[127.1.0.8]:587", "tls": "verify"})
        self.assert_deferred(other, r"4\.7\.5", words=("wrong name", "127.1.0.8"))

    def test_a_list_in_the_transport_table(self) -> None:
        """Without anything else said the level is may, so the machine's own trust does not matter."""
        self.write_config()
        result = self.deliver("[expired.test]:465,[good.test]:587")
        self.assertEqual(self.taken(result, "expired.test", SMTPS).tls, "TLSv1.3")
