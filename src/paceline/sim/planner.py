"""The scheduler, called in the run itself, with what was computed once kept.

Two statuses that differ in the time only get one plan where the plan does not depend on the time.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import msgspec

from paceline.cib.read import read_configuration
from paceline.model.configuration import Configuration
from paceline.model.plan import Plan
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus

Scheduler = Callable[[Snapshot], Plan]

PLANS_MAX = 512
CONFIGURATIONS_MAX = 64

_encoder = msgspec.msgpack.Encoder()


class Planner:
    """Computes plans; shared by all nodes, as a plan depends on its input only."""

    def __init__(self, schedule: Scheduler) -> None:
        """Compute with `schedule`."""
        self._schedule = schedule
        self._configurations: OrderedDict[bytes, Configuration] = OrderedDict()
        self._plans: OrderedDict[bytes, Plan] = OrderedDict()
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
        plan = self._schedule(snapshot)
        self._plans[key] = plan
        if len(self._plans) > PLANS_MAX:
            self._plans.popitem(last=False)
        return plan

    def _read(self, configuration: bytes) -> Configuration:
        found = self._configurations.get(configuration)
        if found is None:
            found = read_configuration(configuration)
            self._configurations[configuration] = found
            if len(self._configurations) > CONFIGURATIONS_MAX:
                self._configurations.popitem(last=False)
        return found
