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
                *extensions: x509.ExtensionType) -> bytes:
    """With what X509_V_FLAG_X509_STRICT asks for too, which Python sets from 3.13 on."""
    keys = (x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()))
    built = (x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named(issuer))
             .public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(first).not_valid_after(first + 5 * DAY))
    for extension in (*keys, *extensions):
        built = built.add_extension(extension, critical=isinstance(extension, (x509.BasicConstraints, x509.KeyUsage)))
    return built.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def usage(authority: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    return x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority,
                         **dict.fromkeys(others, False))


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
                          x509.BasicConstraints(ca=True, path_length=None), usage(True))
        store(folder, name, pem, authorities[name])
    for name, authority, first in (("good", "ca", NOW - DAY), ("early", "ca", NOW + DAY), ("expired", "ca", NOW - 9 * DAY),
                                   ("other", "other-ca", NOW - DAY)):
        key = ec.generate_private_key(ec.SECP256R1())
        store(folder, name, certificate(name, authority, key, authorities[authority], first, hosts,
                                        usage(False)), key)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
