"""A whole cluster in a lab, made by the commands a person types."""

from collections.abc import Callable

from paceline.lab.lab import Lab, LabError
from paceline.lab.layout import NETWORKS, address

# Known on purpose: a lab is to be tried by hand.
PASSWORD = "paceline"
CLUSTER_NAME = "lab"
_START_TIMEOUT_S = 120


def set_password(lab: Lab, password: str = PASSWORD) -> None:
    """Give `hacluster` a password on every node."""
    for node in lab.nodes:
        node.run(["chpasswd"], text=f"hacluster:{password}\n").check()


def set_up_commands(lab: Lab) -> tuple[tuple[str, ...], ...]:
    """Return the commands, for the first node, that make and start the cluster."""
    names = lab.spec.node_names
    nodes = [
        word
        for name in names
        for word in (name, *(f"addr={address(name, network)}" for network in NETWORKS))
    ]
    # Corosync adds 650 ms for each node above two; a lab's token is what was asked.
    totem = ["totem", f"token={lab.spec.token_ms}", "token_coefficient=0"]
    return (
        ("pcs", "host", "auth", *names, "-u", "hacluster", "-p", PASSWORD),
        ("pcs", "cluster", "setup", CLUSTER_NAME, *nodes, *totem),
        ("pcs", "cluster", "start", "--all", f"--wait={_START_TIMEOUT_S}"),
        ("pcs", "cluster", "enable", "--all"),
    )


def set_up(lab: Lab, say: Callable[[str], None]) -> None:
    """Make and start a cluster of all nodes. Raises LabError with the failed command's words."""
    lab.wait_for_node_services()
    set_password(lab)
    first = lab.nodes[0]
    for command in set_up_commands(lab):
        shown = " ".join("***" if word == PASSWORD else word for word in command)
        say(f"[root@{first.name} ~]# {shown}")
        done = first.run(command, timeout_s=_START_TIMEOUT_S * 2)
        if not done.is_ok:
            raise LabError(
                f"'{shown}' ended with exit status {done.code}:\n{done.out}{done.err}".rstrip()
            )
        for line in done.out.splitlines():
            say(line)
