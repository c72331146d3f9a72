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

The parts, from the border inwards:

    events, effects, requests, identity   what crosses the border
    replica        one member: events to its parts, happenings to effects
    speaking       Hello, Suspect, signs of life, the bar after a stall     (views: when to speak)
    answering      clients' requests until they are answered                (clients, cib_root)
    planner        the coordinator: Halt, scheduler, plan                   (coordination)
    execution      this node's operations and their results                 (results)
    fence_runs     the fencings that this member executes                   (fencing, fence_devices)
    journal        the way to the disk                                      (durability)
    leaving, watching, telling, outlet    the way out, waits, the log, effects in order

    machine        the replicated half: entries in, the same state out, everywhere
    views          what all said, and the view that follows
    apply_nodes, apply_requests, apply_plans    what entries do to the state
    planning       a plan under way, as a function of the log
    tables         the state, with one way back for an entry that fails
    entries        what travels on the ring;  happenings: what an entry meant here

Nothing in the replicated half knows a clock, a local callback or this member's own wishes.
"""

from paceline.replica.replica import Replica as Replica
