"""The waits that end by the coordinator's clock: lost daemons, nodes not seen at a cold start."""

from paceline.model.identifiers import NodeName
from paceline.replica.entries import GraceOver, SeenDeadline
from paceline.replica.happenings import View
from paceline.replica.identity import Identity
from paceline.replica.outlet import Outlet
from paceline.replica.settings import Settings
from paceline.replica.tables import Presence, State

T_DEADLINE = "dc-deadtime"
T_GRACE = "grace "


class Watching:
    """Timers for nodes; every member keeps them, only the coordinator's word counts."""

    def __init__(self, identity: Identity, state: State, outlet: Outlet) -> None:
        """Begin without timers."""
        self._identity = identity
        self._state = state
        self._outlet = outlet

    def begin_view(self, view: View, settings: Settings) -> None:
        """Start and stop timers as the nodes stand now."""
        rows = self._state.nodes.values()
        for row in rows:
            if row.presence is Presence.MISSING:
                self._outlet.set_timer_once(T_GRACE + row.name, settings.daemon_grace_ms)
            else:
                self._outlet.cancel_timer(T_GRACE + row.name)
        has_unseen = any(row.presence is Presence.UNSEEN for row in rows)
        is_over = self._state.core.value.is_seen_deadline_over
        if has_unseen and view.is_quorate and not is_over:
            self.wait_for_unseen(settings)
        else:
            self._outlet.cancel_timer(T_DEADLINE)

    def wait_for_unseen(self, settings: Settings) -> None:
        """Give nodes that were not seen their time; it is not begun anew while it runs."""
        self._outlet.set_timer_once(T_DEADLINE, settings.dc_deadtime_ms)

    def timer_fired(self, name: str, view: View | None, settings: Settings) -> None:
        """A wait is over; where nobody can act on it, it begins again."""
        if view is None or view.coordinator != self._identity.node:
            is_grace = name.startswith(T_GRACE)
            wait_ms = settings.daemon_grace_ms if is_grace else settings.dc_deadtime_ms
            self._outlet.set_timer(name, wait_ms)
        elif name == T_DEADLINE:
            self._outlet.send(SeenDeadline(view=view.id))
        else:
            self._end_grace(view, NodeName(name.removeprefix(T_GRACE)), settings)

    def _end_grace(self, view: View, node: NodeName, settings: Settings) -> None:
        row = self._state.nodes.get(node)
        if row is None or row.presence is not Presence.MISSING:
            return
        self._outlet.set_timer(T_GRACE + node, settings.daemon_grace_ms)
        self._outlet.send(
            GraceOver(view=view.id, node=node, boot_id=row.boot_id, incarnation=row.incarnation)
        )
