"""The clean way out (DESIGN 7): the plan moves everything away, then `Left`, then the end.

staying --Shutdown--> asking (the node's `shutdown` attribute) --plan lets it go--> allowed
allowed --own operations ended--> Left sent --delivered--> gone
asking, allowed --shutdown-escalation over, or no view for too long--> gone, and said so
"""

from collections.abc import Callable

from paceline.model.identifiers import RequestId
from paceline.replica.effects import Leave
from paceline.replica.entries import AttributesSet, Left
from paceline.replica.execution import Execution
from paceline.replica.happenings import NodeLeft, View
from paceline.replica.identity import Identity
from paceline.replica.outlet import Outlet

T_SHUTDOWN, T_NO_VIEW = "shutdown", "shutdown-without-view"
NO_VIEW_MS = 30_000
"""How long a node that wants to leave waits for a view in which it could."""


class Leaving:
    """Whether and how far this node is on its way out."""

    def __init__(
        self,
        identity: Identity,
        outlet: Outlet,
        execution: Execution,
        on_goodbye: Callable[[], None],
    ) -> None:
        """Begin staying; `on_goodbye` is called before a goodbye is sent."""
        self._on_goodbye = on_goodbye
        self._identity = identity
        self._outlet = outlet
        self._execution = execution
        self._is_leaving = False
        self._is_allowed = False
        self._asked_in = ""
        self._left_in = ""
        self.is_over = False

    def begin(self, escalation_ms: int) -> None:
        """Somebody wants this node to leave."""
        self._is_leaving = True
        self._outlet.set_timer(T_SHUTDOWN, escalation_ms)
        self._outlet.set_timer(T_NO_VIEW, NO_VIEW_MS)

    def allow(self) -> None:
        """The plan lets this node go."""
        self._is_leaving = True
        self._is_allowed = True

    def plan_began(self) -> None:
        """Another plan: what the one before allowed may not hold any more."""
        self._is_allowed = False

    def go_on(self, view: View | None) -> None:
        """Ask in this view, or say goodbye, where that was not done yet."""
        if not self._is_leaving or view is None:
            return
        self._ask(view)
        if not self._is_allowed:
            return
        if self._left_in != view.id and self._execution.is_quiet:
            self._left_in = view.id
            self._on_goodbye()
            me = self._identity
            self._outlet.send(
                Left(view=view.id, node=me.node, boot_id=me.boot_id, incarnation=me.incarnation)
            )

    def _ask(self, view: View) -> None:
        if self._asked_in == view.id:
            return
        self._asked_in = view.id
        value = str(self._outlet.wall_ms // 1000)
        self._outlet.send(
            AttributesSet(
                view=view.id,
                request_id=RequestId(""),
                node=self._identity.node,
                values=(("shutdown", value),),
            )
        )

    def has_said_goodbye(self, view: View) -> bool:
        """Say whether the others in this view may have counted this node as gone."""
        return self._left_in == view.id

    def node_left(self, happening: NodeLeft) -> None:
        """A goodbye was delivered; our own is the end."""
        me = self._identity
        if (happening.node, happening.boot_id, happening.incarnation) == (
            me.node,
            me.boot_id,
            me.incarnation,
        ):
            self.leave("left the cluster", is_clean=True)

    def timer_fired(self, name: str, view: View | None) -> None:
        """It takes too long: say so, and leave."""
        if name == T_SHUTDOWN:
            self._outlet.note("error", "shutdown-escalated", "the resources did not stop in time")
            self.leave("shutdown-escalation is over")
        elif view is None:
            self._outlet.note(
                "error", "shutdown-without-view", "the members agree on no view to leave from"
            )
            self.leave("there is no view to leave from")
        else:
            self._outlet.set_timer(T_NO_VIEW, NO_VIEW_MS)

    def leave(self, why: str, *, exit_status: int = 0, is_clean: bool = False) -> None:
        """End the daemon; `is_clean` where nothing is left running."""
        self.is_over = True
        self._outlet.emit(Leave(exit_status=exit_status, is_clean=is_clean, why=why))
