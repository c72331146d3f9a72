"""The scheduler: a pure function from a snapshot to a plan. It decides as Pacemaker decides.

The phases, in the order in which they run (`reading` calls those up to the failures, `run` the
rest):

    options        the cluster's properties as values
    nodes          which nodes there are; usable, pending, unclean
    resources      primitives, groups, clones, bundles, with meta attributes worked out
    history        the current state and the failures, from each node's operation history
                   (history_names, history_migrations, history_effects)
    remote         remote and guest nodes are as their connection is
    failures       fail counts ban nodes
    tickets, constraints   wishes: locations become scores, colocations are noted
    placement      (colocation, clones, promotion, utilization) where everything goes
    primitives     what each primitive must do for that
    ordering       groups, clones and order constraints tie actions together
                   (anti_colocation: what leaves goes first; probe_ordering: what probes may find)
    remote_ordering        what happens on a remote or guest node is tied to its connection
    recurring, probes, cleanup, fencing, migration     the other actions
    spread         requirement and impossibility spread along the ties
    notifications  clones tell their instances
    plan           the required and possible actions as values

Asked why, `explain` decides once more and keeps in `reasons` what made each score what it is; the
rest is read from the work as it stands at the end: `causes` of what happens to a resource,
`node_causes` to a node, with `failure_facts` and `order_names`.
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
