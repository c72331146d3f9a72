"""The scheduler: a pure function from a snapshot to a plan. It decides as Pacemaker decides.

The phases, in the order in which they run (`reading` calls those that only read, `run` the rest):

    options        the cluster's properties as values
    nodes          which nodes there are; usable, pending, unclean; their health
    resources      primitives, groups, clones, with meta attributes worked out; bundles
    history        the current state and the failures, from each node's operation history
                   (history_names, history_migrations, history_effects)
    remote         remote and guest nodes are as their connection is
    failures       fail counts ban nodes
    tickets, shutdown_lock, constraints    wishes: locations become scores, colocations are noted
    placement      where everything goes: one after the other, by the scores and what is near
                   (colocation, clones, promotion, utilization)
    primitives     what each primitive must do for that
    ordering       groups, clones and order constraints tie actions together
    recurring      monitors begin and end; what changed restarts or reloads
    probes         what is not known is asked for
    anti_colocation        what leaves a node goes before what may not meet it
    cleanup        fail counts that count no more are cleared
    remote_ordering        what happens on a remote or guest node is tied to its connection
    fencing        unclean nodes are fenced, and what that means for all others
    unfencing      nodes are let in by their devices before anything there needs it
    probe_ordering         what waits for probes, as they may find something
    spread         requirement and impossibility spread along the ties
    migration      moves that can be migrations become so
    notifications  clones tell their instances
    plan           the required and possible actions as values

They share `work`, the data of one run, with `rules` (does a condition hold now?) and `actions`
(making actions and ties); `parameters` and `digests` say what an operation is called with.

Asked why, `explain` decides once more and keeps in `reasons` what made each score what it is; the
rest is read from the work as it stands at the end: `causes` of what happens to a resource,
`node_causes` to a node, with `failure_facts` and `order_names`. Displays and tools that ask use
`current`, `calls` and `ties`.
"""

from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot


def schedule(snapshot: Snapshot) -> Plan:
    """Return what is to be done. The same snapshot gives the same plan, byte for byte."""
    # Imported here: tools that start at every monitor use a rule or the state, not all phases.
    from paceline.scheduler.plan import make_plan
    from paceline.scheduler.run import run

    return make_plan(run(snapshot))


__all__ = ["schedule"]
