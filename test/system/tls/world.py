"""The world all tests of this folder share: names, certificates, mail servers, on a network of their own.

It is built once, before the tests are forked. Where things are stands in the environment, for the tests.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Iterator

from support import networks
from support.certificates import DAY, Authority, fingerprint, openssl, self_signed, trust_directory
from support.mail_servers import Dovecot, Exim, Host, MailServer

PLACE = "RELAYPIPE_TLS_WORLD"
EXIM_ADDRESS, UNSAFE_ADDRESS = "127.1.0.100", "127.1.0.101"
TOOLS = Path("/var/cache/relaypipe-test")
TLS_1_1 = ("smtpd_tls_protocols = TLSv1.1", "smtpd_tls_mandatory_protocols = TLSv1.1",
           "tls_medium_cipherlist = ALL:@SECLEVEL=0")
SIGNED_IN = ("smtpd_recipient_restrictions = permit_sasl_authenticated, reject",
             "smtpd_relay_restrictions = permit_sasl_authenticated, reject")
TLS_1_2 = ("smtpd_tls_protocols = TLSv1.2", "smtpd_tls_mandatory_protocols = TLSv1.2")


def make_hosts(pki: Path) -> list[Host]:
    root, stranger = Authority(pki / "root", "trusted authority"), Authority(pki / "other", "unknown authority")
    middle = Authority(pki / "middle", "intermediate authority", root)
    good = root.certificate("good.test", "*.wild.test", "127.1.0.1")
    ours = root.certificate("client.test")
    (pki / "local.pem").write_bytes(root.certificate("local.test").read_bytes())
    (pki / "rsa.pem").write_bytes(root.certificate("local.test", key=("rsa:2048",)).read_bytes())
    openssl("dhparam", "-dsaparam", "-out", str(pki / "dh1024.pem"), "1024")
    (pki / "address.pem").write_bytes(root.certificate("127.0.0.1").read_bytes())
    (pki / "address-as-name.pem").write_bytes(root.common_name_alone("127.0.0.1").read_bytes())
    (pki / "name-alone.pem").write_bytes(root.common_name_alone("local.test").read_bytes())
    (pki / "client.pem").write_bytes(ours.read_bytes())
    (pki / "client.key").write_bytes(ours.with_suffix(".key").read_bytes())
    (pki / "client.cert").write_bytes(ours.with_suffix(".signed").read_bytes())
    (pki / "stranger.pem").write_bytes(stranger.certificate("client.test").read_bytes())
    trust_directory(pki / "trust", root)
    trust_directory(pki / "trust-other", stranger)
    kinds: dict[str, tuple[Path, tuple[str, ...]]] = {
        "good": (good, ()),
        "expired": (root.certificate("expired.test", begins=-30 * DAY, ends=-DAY), ()),
        "future": (root.certificate("future.test", begins=DAY), ()),
        "wrongname": (root.certificate("elsewhere.test"), ()),
        "otherca": (stranger.certificate("otherca.test"), ()),
        "selfsigned": (self_signed(pki, "selfsigned.test"), ()),
        "weak": (root.certificate("weak.test", key=("rsa:1024",)), ("tls_medium_cipherlist = ALL:@SECLEVEL=0",)),
        "chain": (middle.certificate("chain.test", chain=middle.file.read_bytes()), ()),
        "broken": (middle.certificate("broken.test"), ()),
        "old": (root.certificate("old.test"), TLS_1_1),
        "tls12": (root.certificate("tls12.test"), TLS_1_2),
        "clientcert": (root.certificate("clientcert.test"),
                       ("smtpd_tls_security_level = encrypt", "smtpd_tls_req_ccert = yes")),
        "plain": (root.certificate("plain.test"), ("smtpd_sasl_mechanism_filter = plain", *SIGNED_IN)),
        "login": (root.certificate("login.test"), ("smtpd_sasl_mechanism_filter = login", *SIGNED_IN)),
        "cram": (root.certificate("cram.test"), ("smtpd_sasl_mechanism_filter = cram-md5", *SIGNED_IN)),
        "owners": (root.certificate("owners.test"),
                   ("smtpd_sender_login_maps = static:relay@accounts.test",
                    "smtpd_sender_restrictions = reject_sender_login_mismatch")),
        "open": (root.certificate("open.test"), ("smtpd_sasl_auth_enable = no",)),
        "clear": (good, ("smtpd_tls_security_level = none", "smtpd_tls_auth_only = no")),
    }
    # smtpd(8) reads its key as root; nobody else has to.
    return [Host(f"{name}.test", f"127.1.0.{number}", certificate, options)
            for number, (name, (certificate, options)) in enumerate(kinds.items(), 1)]


def replace_names(directory: Path, hosts: list[Host]) -> None:
    names = "".join(f"{host.address} {host.name}\n" for host in hosts)
    networks.replace_file("/etc/hosts", directory, f"127.0.0.1 localhost\n{names}{EXIM_ADDRESS} exim.test\n{UNSAFE_ADDRESS} unsafe.test\n"
                                                  "127.1.0.1 mail.wild.test\n127.0.0.1 local.test\n")
    # Exim, which is unpacked but not installed, wants its user to exist.
    for path, line in (("/etc/passwd", "Debian-exim:x:65533:65534::/nonexistent:/usr/sbin/nologin\n"),
                       ("/etc/group", "Debian-exim:x:65533:\n")):
        before = Path(path).read_text()
        if "Debian-exim" not in before:
            networks.replace_file(path, directory, before + line)


def exim_program() -> Path:
    return Path(os.environ.get("RELAYPIPE_TEST_TOOLS") or TOOLS) / "exim4-daemon-light" / "usr" / "sbin" / "exim4"


@contextlib.contextmanager
def world() -> Iterator[Path]:
    """Needs root."""
    networks.leave_machine()
    with contextlib.ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="relaypipe-tls-")))
        place.chmod(0o755)
        pki = place / "pki"
        pki.mkdir()
        hosts = make_hosts(pki)
        (place / "fingerprints").write_text("".join(f"{h.name} {fingerprint(h.certificate)}\n" for h in hosts))
        replace_names(place, hosts)
        server = stack.enter_context(MailServer(hosts, pki / "root" / "ca.pem"))
        (place / "postfix.log").symlink_to(server.log_file)
        dovecot = Dovecot(place / "dovecot", server.queue / "private" / "auth")
        stack.callback(dovecot.stop)
        if exim_program().exists():
            certificate = Authority(pki / "exim", "second trusted authority")
            (pki / "trust" / "exim.pem").write_bytes(certificate.file.read_bytes())
            openssl("rehash", str(pki / "trust"))
            exim = Exim(exim_program(), place / "exim", EXIM_ADDRESS, UNSAFE_ADDRESS, certificate.certificate("exim.test"))
            stack.callback(exim.stop)
        os.environ[PLACE] = str(place)
        yield place
