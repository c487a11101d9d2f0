"""A certificate authority of its own for a test, made with openssl(1), and the certificates it signs."""

from __future__ import annotations

import subprocess
from pathlib import Path


# What X509_V_FLAG_X509_STRICT asks for, which Python sets from 3.13 on; the rest is in OpenSSL's own configuration.
AUTHORITY = "keyUsage=critical,keyCertSign,cRLSign"
LEAF = """\
basicConstraints=critical,CA:false
keyUsage=critical,digitalSignature
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
"""


class Authority:
    """`ca_file` is what a client has to trust; certificates are PEM files with key and chain, as a relay reads them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.ca_file = directory / "ca.pem"
        self._key = directory / "ca.key"
        self._request(self._key, self.ca_file, "test authority", "-x509", "-days", "3650", "-addext", AUTHORITY)

    def certificate(self, *names: str) -> Path:
        """For these host names and addresses; the first one is the subject."""
        base = self._directory / names[0]
        key, request, signed = (base.with_name(f"{base.name}.{kind}") for kind in ("key", "request", "signed"))
        self._request(key, request, names[0], "-new")
        kinds = ",".join(f"{'IP' if name[-1].isdigit() else 'DNS'}:{name}" for name in names)
        extensions = base.with_name(f"{base.name}.extensions")
        extensions.write_text(f"{LEAF}subjectAltName={kinds}\n")
        self._openssl("x509", "-req", "-in", str(request), "-CA", str(self.ca_file), "-CAkey", str(self._key), "-days",
                      "3650", "-CAcreateserial", "-extfile", str(extensions), "-out", str(signed))
        found = base.with_name(f"{base.name}.pem")
        found.write_bytes(key.read_bytes() + signed.read_bytes())
        return found

    def _request(self, key: Path, out: Path, subject: str, *options: str) -> None:
        self._openssl("req", *options, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
                      f"/CN={subject}", "-keyout", str(key), "-out", str(out))

    @staticmethod
    def _openssl(*words: str) -> None:
        done = subprocess.run(["openssl", *words], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"openssl {words[0]}: {done.stderr}")
