"""The certificates of the tests: one authority that is trusted, one that is not, and certificates of every kind."""

from __future__ import annotations

import datetime
import subprocess
from pathlib import Path

DAY = datetime.timedelta(days=1)
EC = ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
CONFIG = """\
[ca]
default_ca = own
[own]
database = {home}/index.txt
new_certs_dir = {home}
rand_serial = yes
default_md = sha256
policy = anything
copy_extensions = copy
unique_subject = no
x509_extensions = leaf
[anything]
commonName = supplied
[req]
distinguished_name = name
[name]
[leaf]
basicConstraints = critical,CA:false
keyUsage = critical,digitalSignature,keyEncipherment
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[middle]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(*words: str, content: bytes = b"") -> bytes:
    done = subprocess.run(["openssl", *words], input=content, capture_output=True)
    if done.returncode:
        raise RuntimeError(f"openssl {words[0]}: {done.stderr.decode()}")
    return done.stdout


def fingerprint(pem: Path) -> str:
    """The public key of the file's first certificate as tls_fingerprint wants it."""
    key = openssl("x509", "-in", str(pem), "-noout", "-pubkey")
    digest = openssl("dgst", "-sha256", "-binary", content=openssl("pkey", "-pubin", "-outform", "der", content=key))
    return "sha256//" + openssl("base64", "-A", content=digest).decode()


def alternative_names(names: tuple[str, ...]) -> str:
    return ",".join(f"{'IP' if name[-1].isdigit() else 'DNS'}:{name}" for name in names)


class Authority:
    """Signs with openssl-ca(1), the only way of OpenSSL 3.0 to certificates that are not valid now."""

    def __init__(self, home: Path, name: str = "test authority", above: Authority | None = None) -> None:
        home.mkdir(exist_ok=True)
        self._config, self.key, self.file = home / "ca.cnf", home / "ca.key", home / "ca.pem"
        self._config.write_text(CONFIG.format(home=home))
        (home / "index.txt").touch()
        self.home = home
        if above:
            request = self._request(self.key, name, EC)
            above._sign(request, self.file, -DAY, 3650 * DAY, "middle")
        else:
            openssl("req", "-x509", "-newkey", *EC, "-nodes", "-days", "3650", "-subj", f"/CN={name}", "-addext",
                    "keyUsage=critical,keyCertSign,cRLSign", "-keyout", str(self.key), "-out", str(self.file))

    def certificate(self, *names: str, begins: datetime.timedelta = -DAY, ends: datetime.timedelta = 90 * DAY,
                    key: tuple[str, ...] = EC, chain: bytes = b"") -> Path:
        """A PEM file with key, certificate and `chain`, for these host names and addresses; the first is the subject."""
        base = self.home / f"{names[0]}.{len(list(self.home.iterdir()))}"
        key_file, signed, found = (base.with_name(f"{base.name}.{kind}") for kind in ("key", "signed", "pem"))
        request = self._request(key_file, names[0], key, "-addext", f"subjectAltName={alternative_names(names)}")
        self._sign(request, signed, begins, ends, "leaf")
        found.touch(mode=0o600)
        found.write_bytes(key_file.read_bytes() + signed.read_bytes() + chain)
        return found

    def common_name_alone(self, name: str) -> Path:
        """A PEM file for a certificate that has its name in the subject, and no alternative names."""
        key, signed, found = (self.home / f"{name}.alone.{kind}" for kind in ("key", "signed", "pem"))
        self._sign(self._request(key, name, EC), signed, -DAY, 90 * DAY, "leaf")
        found.touch(mode=0o600)
        found.write_bytes(key.read_bytes() + signed.read_bytes())
        return found

    def _request(self, key: Path, name: str, kind: tuple[str, ...], *options: str) -> Path:
        request = key.with_suffix(".request")
        openssl("req", "-config", str(self._config), "-new", "-newkey", *kind, "-nodes", "-subj", f"/CN={name}", *options,
                "-keyout", str(key), "-out", str(request))
        return request

    def _sign(self, request: Path, out: Path, begins: datetime.timedelta, ends: datetime.timedelta, kind: str) -> None:
        now = datetime.datetime.now(datetime.timezone.utc)
        times = [(now + span).strftime("%Y%m%d%H%M%SZ") for span in (begins, ends)]
        openssl("ca", "-batch", "-notext", "-config", str(self._config), "-extensions", kind, "-keyfile", str(self.key),
                "-cert", str(self.file), "-startdate", times[0], "-enddate", times[1], "-in", str(request), "-out", str(out))


def self_signed(home: Path, name: str) -> Path:
    found = home / f"{name}.self-signed.pem"
    key, certificate = home / f"{name}.self.key", home / f"{name}.self.cert"
    openssl("req", "-x509", "-newkey", *EC, "-nodes", "-days", "90", "-subj", f"/CN={name}", "-addext",
            f"subjectAltName={alternative_names((name,))}", "-keyout", str(key), "-out", str(certificate))
    found.write_bytes(key.read_bytes() + certificate.read_bytes())
    return found


def trust_directory(home: Path, *authorities: Authority) -> Path:
    """A directory as tls_ca_path wants it."""
    home.mkdir()
    for number, authority in enumerate(authorities):
        (home / f"{number}.pem").write_bytes(authority.file.read_bytes())
    openssl("rehash", str(home))
    return home
