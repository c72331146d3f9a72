"""Rows 1 to 3 of the notes: two machines, the password, the port that is shut, the firewall."""

from paceline.lab.demo.scene import ACTIVE, NODES, PASSIVE, PASSWORD, Scene
from paceline.lab.demo.stage import Typed


def logs_in_with(password: str) -> tuple[Typed, ...]:
    """Return what is typed at `Username:` and `Password:`."""
    return (
        Typed(prompt="Username: ", text="hacluster"),
        Typed(prompt="Password: ", text=password, is_secret=True),
    )


def play_machines(scene: Scene) -> None:
    """Show the two machines and give `hacluster` its password (row 1)."""
    stage = scene.stage
    stage.chapter("1", "Two machines, as the notes begin")
    stage.say(
        """
        Two nodes and a client, each with its own network, processes, files and accounts.
        Nothing of this is on your machine's own network.
        """
    )
    stage.shell(
        ACTIVE,
        "cat /etc/hosts",
        expect=(
            r"192\.168\.222\.31\s+worker1",
            r"192\.168\.222\.32\s+worker2",
            r"192\.168\.222\.30\s+worker$",
        ),
        means="Names for both nodes, and `worker` for the virtual address.",
    )
    stage.shell(
        ACTIVE,
        "ip -brief -4 address show",
        expect=(r"^ens33\S*\s+\S+\s+192\.168\.222\.31/24", r"^ens37\S*\s+\S+\s+172\.16\.1\.31/24"),
        means="Two interfaces: 192.168.222.x for the service, 172.16.1.x as a second way.",
    )
    for node in NODES:
        stage.shell(
            node,
            "passwd hacluster",
            typed=(
                Typed(prompt="New password: ", text=PASSWORD, is_secret=True),
                Typed(prompt="Retype new password: ", text=PASSWORD, is_secret=True),
            ),
            expect=(r"password updated successfully|tokens updated successfully",),
        )
    stage.shell(ACTIVE, "systemctl start pcsd.service; systemctl enable pcsd.service", status=0)
    stage.shell(
        ACTIVE,
        "systemctl is-active pcsd.service",
        expect=("^active$",),
        means="`pcsd` is an alias here: the node service of Paceline.",
    )


def play_auth(scene: Scene) -> None:
    """Authenticate the nodes; first with worker2's port shut, as it happened (rows 2 and 3)."""
    stage = scene.stage
    stage.chapter("2, 3", "The nodes get to know each other, and the firewall in between")
    stage.say(
        "On worker2 a firewall drops what comes to port 2224, as on the machine of the notes."
    )
    stage.shell(
        PASSIVE,
        "nft add table inet story && "
        "nft 'add chain inet story input { type filter hook input priority 0; }' && "
        "nft add rule inet story input tcp dport 2224 drop",
    )
    stage.shell(
        ACTIVE,
        "pcs cluster auth worker1 worker2",
        typed=logs_in_with(PASSWORD),
        status=1,
        expect=(
            "worker1: Authorized",
            "Error: Unable to communicate with worker2",
            "2224",
            r"firewall-cmd .*2224",
        ),
        means="The error of the notes, but it says which port, how it failed and what opens it.",
    )
    stage.shell(PASSIVE, "nft delete table inet story")
    stage.shell(
        ACTIVE,
        "pcs cluster auth worker1 worker2",
        typed=logs_in_with("not-the-password"),
        status=1,
        expect=("[Uu]sername and/or password",),
        means="A wrong password is named as that.",
    )
    stage.shell(
        ACTIVE,
        "pcs cluster auth worker1 worker2",
        typed=logs_in_with(PASSWORD),
        expect=("worker1: Authorized", "worker2: Authorized"),
        unexpected=("Error",),
    )
    stage.shell(
        ACTIVE,
        "paceline doctor worker1 worker2",
        status=None,
        expect=("2224", "worker1", "worker2"),
        means="`paceline doctor` looks at all that the notes' firewall list was for, both ways.",
    )
