"""The replicated state machine of one member: pure, `handle(event) -> effects`.

Every node's daemon holds the whole state. It changes only when an entry is delivered in Corosync's
order, also on the node that sent it (DESIGN 2 to 7). The driver (the daemon, or the simulator)
feeds events in the order in which they happened and carries the effects out in order:

    replica = Replica(identity, stored)
    effects = replica.handle(event, now_ms=boot_clock_ms, wall_ms=since_1970_ms)

`now_ms` is the boot-time clock, for timers and durations; `wall_ms` is the node's wall clock, used
only where a coordinator stamps the cluster's time. Between events these may be read:

    replica.status() -> ClusterStatus        what is known now
    replica.configuration -> bytes           the `<cib>` document without status
    replica.version -> str                   its version: what `Configure.based_on` names
    replica.is_idle() -> bool                no plan runs, none is wanted, nothing is in flight
    replica.internals() -> dict[str, str]    view, position, epoch, queues: for people
"""

from paceline.replica.replica import Replica as Replica
