#!/usr/bin/python3
"""Makes certificates for 127.0.0.1, localhost and token.provider.test in a folder: good, early (not valid yet), expired,
and one of another authority; each NAME.pem holds the certificate, NAME.key its key, and ca.pem the authority.

Usage: certificates.py FOLDER
"""

from __future__ import annotations

import datetime
import ipaddress
import sys
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.utcnow()
Key = ec.EllipticCurvePrivateKey


def named(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def certificate(subject: str, issuer: str, key: Key, signer: Key, first: datetime.datetime,
                extension: x509.ExtensionType) -> bytes:
    built = (x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(first).not_valid_after(first + 5 * DAY)
             .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
             .sign(signer, hashes.SHA256()))
    return built.public_bytes(serialization.Encoding.PEM)


def store(folder: Path, name: str, pem: bytes, key: Key) -> None:
    (folder / f"{name}.pem").write_bytes(pem)
    (folder / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def main(folder: Path) -> None:
    names = [x509.DNSName(name) for name in ("localhost", "token.provider.test")]
    hosts = x509.SubjectAlternativeName([*names, x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    authorities = {}
    for name in ("ca", "other-ca"):
        authorities[name] = ec.generate_private_key(ec.SECP256R1())
        pem = certificate(name, name, authorities[name], authorities[name], NOW - 3 * DAY,
                          x509.BasicConstraints(ca=True, path_length=None))
        store(folder, name, pem, authorities[name])
    for name, authority, first in (("good", "ca", NOW - DAY), ("early", "ca", NOW + DAY), ("expired", "ca", NOW - 9 * DAY),
                                   ("other", "other-ca", NOW - DAY)):
        key = ec.generate_private_key(ec.SECP256R1())
        store(folder, name, certificate(name, authority, key, authorities[authority], first, hosts), key)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
