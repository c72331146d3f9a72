"""The scheduler's own process: reads requests on standard input, writes answers on standard output.

    python -m paceline.adapters.scheduler_worker

It ends when its input does. The daemon starts it (`scheduler_process`) and shares these frames:
a length of four bytes, then msgpack.
"""

import gc
import os
import struct
import traceback
from collections import OrderedDict

import msgspec

from paceline.cib.read import read_configuration
from paceline.model.configuration import Configuration
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus
from paceline.replica.packed_plans import PackedPlan, pack_plan
from paceline.scheduler import schedule

LENGTH = struct.Struct("!I")
FRAME_BYTES_MAX = 512 * 1024 * 1024
CONFIGURATIONS_KEPT = 2
ERROR_CHARACTERS_MAX = 4000


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Compute a plan. `configuration` is None where this process has that version already."""

    token: int
    version: str
    configuration: bytes | None
    status: ClusterStatus


class PlanAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The plan, or why there is none. `is_unknown_version`: send the configuration along."""

    token: int
    plan: PackedPlan | None = None
    error: str = ""
    is_unknown_version: bool = False
    took_us: int = 0


class Worker:
    """Answers requests; keeps the newest configurations parsed."""

    def __init__(self) -> None:
        """Begin with no configuration."""
        self._configurations: OrderedDict[str, Configuration] = OrderedDict()

    def answer(self, request: PlanRequest) -> PlanAnswer:
        """Compute the plan; whatever goes wrong is told, the process goes on."""
        try:
            configuration = self._configuration(request)
            if configuration is None:
                return PlanAnswer(token=request.token, is_unknown_version=True)
            plan = schedule(Snapshot(configuration=configuration, status=request.status))
        except Exception:  # the border of this process: the daemon logs it and goes on
            return PlanAnswer(
                token=request.token, error=traceback.format_exc()[-ERROR_CHARACTERS_MAX:]
            )
        return PlanAnswer(token=request.token, plan=pack_plan(plan))

    def _configuration(self, request: PlanRequest) -> Configuration | None:
        known = self._configurations.get(request.version)
        if known is not None or request.configuration is None:
            return known
        configuration = read_configuration(request.configuration)
        self._configurations[request.version] = configuration
        while len(self._configurations) > CONFIGURATIONS_KEPT:
            self._configurations.popitem(last=False)
        return configuration


def read_exactly(file: int, count: int) -> bytes | None:
    """Return `count` bytes; None at the end of the input."""
    parts = []
    while count:
        part = os.read(file, min(count, 1 << 20))
        if not part:
            return None
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def main() -> int:
    """Answer until the input ends."""
    decoder, encoder = msgspec.msgpack.Decoder(PlanRequest), msgspec.msgpack.Encoder()
    worker = Worker()
    gc.disable()  # collected between requests instead, where nobody waits
    gc.freeze()
    while (prefix := read_exactly(0, LENGTH.size)) is not None:
        raw = read_exactly(0, LENGTH.unpack(prefix)[0])
        if raw is None:
            break
        encoded = encoder.encode(worker.answer(decoder.decode(raw)))
        frame = memoryview(LENGTH.pack(len(encoded)) + encoded)
        while frame:
            frame = frame[os.write(1, frame) :]
        del raw, encoded
        gc.collect()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
