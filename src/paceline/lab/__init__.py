"""Several real nodes on one machine, to break on purpose.

A lab is one *keeper* process and what it started: nodes (bubblewrap namespaces with a real
Corosync and real agents), a client on the same networks, and the switch between them.

    host                 keeper (own user, pid, mount, network namespaces)
    Lab, `paceline lab` ─▶ control.sock      switch: a bridge a network, nft rules for cut and loss
                           │                 power switch: `fence_lab` asks it
                           ├─ worker1 (bwrap): init = pid 1, runs the services and what is asked
                           ├─ worker2 ...
                           └─ client: where the probes run

Killing the keeper ends everything: every process is in its pid namespace, every mount in its mount
namespace, every interface in network namespaces that die with it. Read in this order: `layout`
(names, addresses, paths), `network`, `fresh_install`, `disks`, `enclosure` (what a node sees),
`services` and `init` (what runs in it), `machine` and `keeper`, `members` and `lab` (the Python
interface), `main` (the commands), `campaign` (random faults, and a judge).
"""

# As typing's, without importing it: see __getattr__.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from paceline.lab.lab import Completed, Lab, Member, Probe

__all__ = ["Completed", "Lab", "Member", "Probe"]


def __getattr__(name: str) -> object:
    """Import the Python interface when it is first asked for.

    The small programs of a node (its init, `systemctl`, `fence_lab`) live in this package too and
    start many times; they must not pay for what they do not use.
    """
    if name in __all__:
        from paceline.lab import lab

        return getattr(lab, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
