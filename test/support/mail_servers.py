"""The mail servers of the tests: Postfix with Dovecot's SASL, and Exim, which has neither code nor TLS library in common
with them. Each listens on ports 465 and 587 of its own loopback address, one for every kind of certificate or account."""

from __future__ import annotations

import base64
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from support.machine import wait_until
from support.postfix import PostfixLab

USER, PASSWORD = "relay@accounts.test", "correct horse:battery \"staple\""
OTHER_USER, OTHER_PASSWORD = "second@accounts.test", "pässwort mit Umlaut"
SIMPLE_USER, SIMPLE_PASSWORD = "simple@accounts.test", "nothing-to-quote"
TEMPORARY_USER = "busy@accounts.test"    # Exim looks for a file that is not there, and cannot say yes or no

DOVECOT = """\
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols =
ssl = no
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
auth_failure_delay = 0
auth_verbose = yes
passdb {{
  driver = passwd-file
  args = username_format=%u {home}/users-%d
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home=/nonexistent
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
service auth {{
  unix_listener {socket} {{
    mode = 0666
  }}
}}
"""

EXIM = r"""
primary_hostname = exim.test
spool_directory = {home}/spool
log_file_path = {home}/log/%slog
pid_file_path = {home}/pid
exim_user = nobody
exim_group = nogroup
never_users = root
local_interfaces = {address} : {unsafe_address}
daemon_smtp_ports = 587 : 465
tls_on_connect_ports = 465
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {certificate}
tls_require_ciphers = ${{if eq{{$received_ip_address}}{{{unsafe_address}}}{{NORMAL:-VERS-TLS1.3:%DISABLE_SAFE_RENEGOTIATION}}{{NORMAL}}}}
log_selector = +tls_cipher +tls_sni +smtp_protocol_error
auth_advertise_hosts = ${{if def:tls_in_cipher{{*}}}}
acl_smtp_rcpt = rcpt
rfc1413_hosts =
host_lookup =
helo_allow_chars = _
queue_only
begin acl
rcpt:
  accept authenticated = *
  accept condition = ${{if eq{{$received_ip_address}}{{{unsafe_address}}}}}
  deny message = authenticate first
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
begin authenticators
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if eq{{$auth1}}{{{temporary}}}{{${{readfile{{{home}/nothing}}}}}}\
    {{${{if and{{ {{eq{{$auth1}}{{{user}}}}} {{eq{{$auth2}}{{${{readfile{{{home}/secret}}}}}}}} }}}}}}}}
  server_set_id = $auth1
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth2}}{{{temporary}}}{{${{readfile{{{home}/nothing}}}}}}\
    {{${{if and{{ {{eq{{$auth2}}{{{user}}}}} {{eq{{$auth3}}{{${{readfile{{{home}/secret}}}}}}}} }}}}}}}}
  server_set_id = $auth2
"""


@dataclass(frozen=True)
class Host:
    """A name and address at which Postfix answers, with the options of its smtpd(8)."""

    name: str
    address: str
    certificate: Path
    options: tuple[str, ...] = ()

    def services(self) -> str:
        own = [f"smtpd_tls_chain_files={self.certificate}", *self.options]
        words = "".join(f"  -o {{ {option} }}\n" for option in own)
        return (f"{self.address}:587 inet n - n - - smtpd\n{words}"
                f"{self.address}:465 inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n{words}")


class MailServer(PostfixLab):
    """A Postfix that takes mail of authenticated clients at its hosts, and throws it away."""

    def __init__(self, hosts: list[Host], ca_file: Path) -> None:
        super().__init__(Path("/bin/true"), "", parameters={
            "myhostname": "postfix.test",
            "default_transport": "discard:",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_loglevel": "1",
            "smtpd_tls_CAfile": str(ca_file),
            "smtpd_tls_auth_only": "yes",
            "smtpd_sasl_auth_enable": "yes",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": "private/auth",
            "smtpd_recipient_restrictions": "permit_mynetworks, reject",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_client_connection_count_limit": "0",
            "smtpd_error_sleep_time": "0",
            "notify_classes": "",
        })
        self._hosts = hosts

    def entry(self) -> str:
        return "tlsmgr unix - - n 1000? 1 tlsmgr\n" + "".join(host.services() for host in self._hosts)


class Dovecot:
    """Only its SASL server, at the socket where Postfix looks for it."""

    def __init__(self, home: Path, socket: Path) -> None:
        home.mkdir()
        self._log = home / "log"
        users = {USER: PASSWORD, OTHER_USER: OTHER_PASSWORD, SIMPLE_USER: SIMPLE_PASSWORD}
        (home / "users-accounts.test").write_text("".join(f"{user}:{{PLAIN.b64}}{base64_of(password)}\n"
                                                          for user, password in users.items()))
        config = home / "dovecot.conf"
        config.write_text(DOVECOT.format(home=home, socket=socket))
        self._process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stdin=subprocess.DEVNULL,
                                         env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        try:
            wait_until(lambda: socket.exists() or self._process.poll() is not None, "Dovecot's socket")
            if self._process.poll() is not None:
                raise RuntimeError(f"Dovecot did not start: {self.log()}")
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


class Exim:
    """Keeps what it accepted in its spool. At its second address it wants no account and has no secure renegotiation
    (RFC 5746), as servers of before 2010, which OpenSSL cannot play."""

    def __init__(self, program: Path, home: Path, address: str, unsafe_address: str, certificate: Path) -> None:
        home.mkdir()
        for folder in ("spool", "log"):
            (home / folder).mkdir()
            shutil.chown(home / folder, "nobody", "nogroup")
        own = home / "certificate.pem"
        own.write_bytes(certificate.read_bytes())
        (home / "secret").write_text(PASSWORD)
        for path in (own, home / "secret"):
            shutil.chown(path, "nobody", "nogroup")
        config = home / "exim.conf"
        config.write_text(EXIM.format(home=home, address=address, unsafe_address=unsafe_address, certificate=own, user=USER,
                                      temporary=TEMPORARY_USER))
        self._home = home
        self._process = subprocess.Popen([program, "-C", str(config), "-bdf", "-oX", "587 : 465"], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL, stderr=(home / "stderr").open("wb"))
        try:
            wait_until(lambda: "daemon started" in self.log() or self._process.poll() is not None, "Exim")
            if self._process.poll() is not None:
                raise RuntimeError(f"Exim did not start: {self.log()}")
        except BaseException:
            self.stop()
            raise

    def log(self) -> str:
        files = [self._home / "stderr", *sorted((self._home / "log").iterdir())]
        return "".join(path.read_text(errors="replace") for path in files)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait()


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
