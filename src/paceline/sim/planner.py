"""The scheduler, called in the run itself, with what was computed once kept.

Two statuses that differ in the time only get one plan where the plan does not depend on the time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec
from msgspec import structs

from paceline.cib.read import read_configuration
from paceline.model.configuration import Configuration
from paceline.model.explanation import Explanation
from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus

Scheduler = Callable[[Snapshot], Plan]
Explainer = Callable[[Snapshot, str], Explanation | None]

PLANS_MAX = 512
CONFIGURATIONS_MAX = 64
RECHECKED = 16
"""Every so many plans one is computed again from the bytes of its input, and must be the same."""
MOODY = 5
"""Which plans a plant makes otherwise."""

_encoder = msgspec.msgpack.Encoder()
_statuses = msgspec.msgpack.Decoder(ClusterStatus)


class Planner:
    """Computes plans; shared by all nodes, as a plan depends on its input only."""

    def __init__(self, schedule: Scheduler, explain: Explainer | None = None) -> None:
        """Compute with `schedule`; `explain` gives the reasons, where anybody asks for them."""
        self._schedule = schedule
        self._explain = explain
        self.is_pure = True
        self.on_difference: Callable[[str], None] = lambda what: None
        self._configurations: OrderedDict[bytes, Configuration] = OrderedDict()
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
        self._calls = 0
        self.computed = 0
        self.reused = 0

    def plan(self, configuration: bytes, status: ClusterStatus) -> Plan:
        """Return the plan for a configuration and a status."""
        key = hashlib.blake2b(
            configuration + _encoder.encode(status), digest_size=16, usedforsecurity=False
        ).digest()
        found = self._plans.get(key)
        if found is not None:
            self.reused += 1
            return found
        self.computed += 1
        snapshot = Snapshot(configuration=self._read(configuration), status=status)
        plan = self._scheduled(snapshot)
        if self.computed % RECHECKED == 0:
            self._check_again(configuration, status, plan)
        self._plans[key] = plan
        if len(self._plans) > PLANS_MAX:
            self._plans.popitem(last=False)
        return plan

    def has_reason(self, configuration: bytes, status: ClusterStatus, resource: str) -> bool:
        """Say whether there is a reason why a resource does not run."""
        if self._explain is None:
            return True
        snapshot = Snapshot(configuration=self._read(configuration), status=status)
        found = self._explain(snapshot, resource)
        return found is not None and bool(
            found.causes or found.failures or any(verdict.refusal for verdict in found.verdicts)
        )

    def _scheduled(self, snapshot: Snapshot) -> Plan:
        plan = self._schedule(snapshot)
        self._calls += 1
        if not self.is_pure and self._calls % MOODY == 0:
            return structs.replace(plan, stonith_timeout_ms=plan.stonith_timeout_ms + 1)
        return plan

    def _check_again(self, configuration: bytes, status: ClusterStatus, plan: Plan) -> None:
        """S6: the same bytes give the same plan, read and computed anew."""
        fresh = Snapshot(
            configuration=read_configuration(configuration),
            status=_statuses.decode(_encoder.encode(status)),
        )
        if _encoder.encode(self._scheduled(fresh)) != _encoder.encode(plan):
            self.on_difference(f"two plans for one input, of {len(plan.actions)} actions")

    def _read(self, configuration: bytes) -> Configuration:
        found = self._configurations.get(configuration)
        if found is None:
            found = read_configuration(configuration)
            self._configurations[configuration] = found
            if len(self._configurations) > CONFIGURATIONS_MAX:
                self._configurations.popitem(last=False)
        return found
