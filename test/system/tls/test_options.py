"""Names, authorities, versions, pinned keys and client certificates."""

from __future__ import annotations

from typing import Any

from support.case import each
from tls_case import SMTPS, TlsCase

WRONG_KEY = "sha256//" + "A" * 43 + "="


class Options(TlsCase):
    def fingerprint(self, host: str) -> str:
        known = dict(line.split() for line in (self.place / "fingerprints").read_text().splitlines())
        return known[host]

    def assert_tls(self, host: str, version: str = "TLSv1.3", port: int = 587, **keys: Any) -> None:
        result = self.send({"destination": f"[{host}]:{port}", "tls": "verify", **keys})
        self.assertEqual(self.taken(result, host, port).tls, version)

    def assert_no_tls(self, host: str, *words: str, dsn: str = r"4\.7\.5", **keys: Any) -> None:
        self.assert_passed_over({"destination": f"[{host}]:587", "tls": "verify", **keys}, host, *words, dsn=dsn)

    def test_tls_name_is_the_name_verified(self) -> None:
        self.assert_tls("wrongname.test", tls_name="elsewhere.test")
        self.assert_no_tls("chain.test", "not for other.test", tls_name="other.test")

    def test_a_wildcard_stands_for_one_label(self) -> None:
        self.assert_tls("good.test", tls_name="mail.wild.test")
        self.assert_no_tls("good.test", "wrong name", tls_name="a.mail.wild.test")

    @each({"host": ({}, "local.test"), "tls_name": ({"tls_name": "other.test", "tls": "encrypt"}, "other.test")})
    def test_the_name_is_sent_as_sni(self, keys: dict[str, str], name: str) -> None:
        relay, section = self.local("starttls $PEM")
        self.assert_sent_to_local(self.send({**section, "tls": "verify", **keys}))
        self.assertEqual(relay.connections[-1]["server_name"], name)

    def test_no_sni_for_an_address(self) -> None:
        relay, section = self.local("starttls $PEM")
        result = self.send({"destination": f"[127.0.0.1]:{relay.port}", "tls": "encrypt"})
        self.assert_sent_to_local(result)
        self.assertIsNone(relay.connections[-1]["server_name"])

    def assert_sent_to_local(self, result: Any) -> None:
        self.assertEqual(result.status, 0, result)

    def test_tls_ca_file_is_trusted_and_nothing_else(self) -> None:
        root, other = str(self.pki / "root" / "ca.pem"), str(self.pki / "other" / "ca.pem")
        self.assert_tls("good.test", tls_ca_file=root)
        self.assert_tls("otherca.test", tls_ca_file=other)
        # The directory still has the authority of good.test; a file takes the directory away.
        self.assert_no_tls("chain.test", "unknown authority", tls_ca_file=other)

    def test_tls_ca_path(self) -> None:
        self.assert_tls("otherca.test", tls_ca_path=str(self.pki / "trust-other"))
        self.assert_no_tls("chain.test", "unknown authority", tls_ca_path=str(self.pki / "trust-other"))

    def test_the_system_does_not_trust_these_authorities(self) -> None:
        self.assert_no_tls("chain.test", "unknown authority", tls_ca_path="/etc/ssl/certs")

    @each({"missing": ("nothing.pem",), "empty": ("empty.pem",)})
    def test_a_ca_file_that_is_none(self, name: str) -> None:
        path = self.directory / name
        if name == "empty.pem":
            path.touch()
        self.assert_no_tls("chain.test", str(path), dsn=r"4\.3\.5", tls_ca_file=str(path))

    def test_a_ca_path_that_is_none(self) -> None:
        path = str(self.directory / "nothing")
        self.assert_no_tls("chain.test", path, dsn=r"4\.3\.5", tls_ca_path=path)

    def test_tls_min_version(self) -> None:
        self.assert_tls("tls12.test", "TLSv1.2", tls_min_version="1.2")
        self.assert_tls("old.test", "TLSv1.1", tls_min_version="1.1")
        self.assert_tls("old.test", "TLSv1.1", tls_min_version="1.0", port=SMTPS)
        self.assert_no_tls("tls12.test", "no common TLS version; tls_min_version is 1.3", tls_min_version="1.3")

    def test_the_pinned_key_alone_counts_below_verify(self) -> None:
        for host in ("selfsigned.test", "expired.test", "wrongname.test", "otherca.test"):
            self.assert_tls(host, tls="encrypt", tls_fingerprint=[self.fingerprint(host)])

    def test_a_wrong_key(self) -> None:
        self.assert_no_tls("chain.test", "tls_fingerprint", self.fingerprint("chain.test"), tls="encrypt",
                           tls_fingerprint=[WRONG_KEY])

    def test_a_wrong_key_of_a_trusted_certificate(self) -> None:
        self.assert_no_tls("chain.test", "tls_fingerprint", tls_fingerprint=[WRONG_KEY])

    @each({"old_first": (0,), "new_first": (1,)})
    def test_several_keys_for_rollover(self, place: int) -> None:
        keys = [WRONG_KEY, self.fingerprint("chain.test")]
        self.assert_tls("chain.test", tls_fingerprint=keys if place else keys[::-1])

    def test_with_verify_the_key_does_not_make_up_for_trust(self) -> None:
        self.assert_no_tls("otherca.test", "unknown authority", tls_fingerprint=[self.fingerprint("otherca.test")])

    def test_a_pinned_key_protects_credentials(self) -> None:
        keys = {"tls": "encrypt", "tls_fingerprint": [self.fingerprint("selfsigned.test")], **self.account()}
        result = self.send({"destination": "[selfsigned.test]:587", **keys})
        self.assertIsNotNone(self.taken(result, "selfsigned.test").user)


class ClientCertificate(TlsCase):
    def relay_with(self, **files: str) -> dict[str, str]:
        own = {key: str(self.pki / name) for key, name in files.items()}
        return {"destination": "[clientcert.test]:587", "tls": "verify", **own}

    @each({"one_file": ({"tls_cert_file": "client.pem"},),
           "two_files": ({"tls_cert_file": "client.cert", "tls_key_file": "client.key"},)})
    def test_trusted(self, files: dict[str, str]) -> None:
        self.assertTrue(self.taken(self.send(self.relay_with(**files)), "clientcert.test").trusted_client)

    def test_none(self) -> None:
        self.assert_passed_over(self.relay_with(), "clientcert.test")

    def test_of_an_authority_it_does_not_know(self) -> None:
        self.assert_passed_over(self.relay_with(tls_cert_file="stranger.pem"), "clientcert.test")

    @each({"missing": ({"tls_cert_file": "nothing.pem"},), "no_key": ({"tls_cert_file": "client.cert"},),
           "foreign_key": ({"tls_cert_file": "client.cert", "tls_key_file": "root/ca.key"},)})
    def test_files_that_cannot_be_used(self, files: dict[str, str]) -> None:
        self.assert_passed_over(self.relay_with(**files), "tls_cert_file", dsn=r"4\.3\.5")
