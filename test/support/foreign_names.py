"""What a machine may add to a name that is looked up: its search domains, its own domain, its environment.

In each of them a lookup by the C library's rules tries names below example.com too, of which every one exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from support import networks

# Every name but the test's own leads to TRAP: so does whatever is made of a name and a domain.
TRAP, TRAP6 = "127.0.0.66", "::1"
WILDCARD = f"""
* A    {TRAP}
* AAAA {TRAP6}
* MX   10 trap.example.com
* SRV  0 0 25 trap.example.com
"""
SERVER = "nameserver 127.0.0.1\n"


@dataclass(frozen=True)
class Machine:
    resolv_conf: str = SERVER
    host_name: str = "mail.example.com"
    environment: dict[str, str] = field(default_factory=dict)

    def enter(self, directory: Path) -> None:
        """This process, in namespaces of its own already, and its children are on that machine from here on."""
        networks.name_machine(self.host_name)
        networks.replace_file("/etc/resolv.conf", directory, self.resolv_conf)
        (directory / "aliases").write_text("relay smtp.example.com\nprovider.test smtp.example.com\n")

    def exported(self, directory: Path) -> dict[str, str]:
        return {name: value.format(directory=directory) for name, value in self.environment.items()}


MACHINES = {
    "domain_of_the_host_name": (Machine(),),
    "no_resolv_conf": (Machine(resolv_conf=""),),
    "search": (Machine(SERVER + "search example.com\n"),),
    "domain": (Machine(SERVER + "domain example.com\n", host_name="mail"),),
    "kubernetes": (Machine(SERVER + "search default.svc.example.com svc.example.com\noptions ndots:5\n"),),
    "localdomain": (Machine(environment={"LOCALDOMAIN": "example.com"}, host_name="mail"),),
    "res_options": (Machine(SERVER + "search example.com\n", environment={"RES_OPTIONS": "ndots:9"}),),
    "hostaliases": (Machine(environment={"HOSTALIASES": "{directory}/aliases"}),),
}
