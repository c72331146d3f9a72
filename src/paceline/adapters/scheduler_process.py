"""The planner: the scheduler in a process of its own, watched and replaced where it hangs.

    idle --compute--> computing --answer--> idle
                      computing --died, or time limit--> answered with the error, process replaced
    any --compute while computing--> the newest waits, an older one that waits is dropped

In the daemon's own process the scheduler would hold the interpreter while Corosync delivers.
"""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

import paceline
from paceline.adapters.executor.processes import spawn_worker
from paceline.adapters.scheduler_worker import FRAME_BYTES_MAX, LENGTH, PlanAnswer, PlanRequest
from paceline.ports.planner import PlannerEventHandler
from paceline.replica.effects import ComputePlan
from paceline.replica.events import PlanComputed

WORKER_MODULE = "paceline.adapters.scheduler_worker"
TIME_LIMIT_SECONDS = 30.0
"""Far more than 500 resources on 16 nodes take (about one second)."""
RESTART_SECONDS = 0.2
"""The pause before a new process, so that one which dies at once does not fill the machine."""
CLOSE_SECONDS_MAX = 1.0
READ_BYTES = 1 << 20


class SchedulerProcess:
    """Computes plans in a child process; see `ports.planner.Planner`."""

    def __init__(
        self,
        handler: PlannerEventHandler,
        *,
        loop: asyncio.AbstractEventLoop | None = None,
        time_limit_seconds: float = TIME_LIMIT_SECONDS,
    ) -> None:
        """Start the process at once, so that it is warm when the first plan is wanted."""
        self._handler = handler
        self._loop = loop or asyncio.get_running_loop()
        self.time_limit_seconds = time_limit_seconds
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(PlanAnswer)
        self._child: _Child | None = None
        self._computing: ComputePlan | None = None
        self._next: ComputePlan | None = None
        self._known_version = ""
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False
        self.restarts = 0
        self._start()

    def compute(self, request: ComputePlan) -> None:
        """Compute a plan; `PlanComputed` with its token follows, unless a newer one replaces it."""
        self._next = request
        self._go_on()

    def internals(self) -> dict[str, str]:
        """Return figures for people."""
        return {"scheduler-restarts": str(self.restarts)}

    async def close(self) -> None:
        """End the process."""
        self._is_closed = True
        self._stop_timer()
        child, self._child = self._child, None
        if child is not None:
            await child.close()

    def _go_on(self) -> None:
        """Send the request that waits, if the process is free."""
        if self._child is None or self._computing is not None or self._next is None:
            return
        self._computing, self._next = self._next, None
        self._send(self._computing)
        self._timer = self._loop.call_later(self.time_limit_seconds, self._time_is_over)

    def _send(self, request: ComputePlan) -> None:
        is_known = request.version == self._known_version
        frame = self._encoder.encode(
            PlanRequest(
                token=request.token,
                version=request.version,
                configuration=None if is_known else request.configuration,
                status=request.status,
            )
        )
        self._known_version = request.version
        if self._child is not None:
            self._child.send(LENGTH.pack(len(frame)) + frame)

    def _answered(self, raw: bytes) -> None:
        answer = self._decoder.decode(raw)
        computing = self._computing
        if computing is None or answer.token != computing.token:
            return
        if answer.is_unknown_version:
            self._known_version = ""
            self._send(computing)
            return
        self._finish(PlanComputed(token=answer.token, plan=answer.plan, error=answer.error))

    def _finish(self, event: PlanComputed) -> None:
        self._stop_timer()
        self._computing = None
        self._go_on()
        self._handler(event)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _time_is_over(self) -> None:
        if self._child is not None:
            self._child.kill()
        self._lost(f"the scheduler gave no plan within {self.time_limit_seconds:g} s")

    def _died(self) -> None:
        self._lost("the scheduler's process ended")

    def _lost(self, why: str) -> None:
        self._child = None
        self._known_version = ""
        if not self._is_closed:
            self.restarts += 1
            self._loop.call_later(RESTART_SECONDS, self._start)
        if self._computing is not None:
            self._finish(PlanComputed(token=self._computing.token, plan=None, error=why))

    def _start(self) -> None:
        if self._is_closed:
            return
        self._child = _Child(self._loop, on_frame=self._answered, on_end=self._died)
        self._go_on()


class _Child:
    """One process with its two pipes."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_frame: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        """Start it; `on_end` is called once, unless it is killed or closed. Raises OSError."""
        self._loop = loop
        self._on_frame = on_frame
        self._on_end = on_end
        self._to_send = bytearray()
        self._received = bytearray()
        self._is_over = False
        environment = {**os.environ, "PYTHONPATH": str(Path(paceline.__file__).parents[1])}
        self._pid, self._output, self._input = spawn_worker(
            (sys.executable, "-m", WORKER_MODULE), environment
        )
        self._pidfd = os.pidfd_open(self._pid)
        self._gone: asyncio.Future[None] = loop.create_future()
        loop.add_reader(self._input, self._read)
        loop.add_reader(self._pidfd, self._exited)

    def send(self, frame: bytes) -> None:
        """Send a frame, as fast as the process takes it."""
        if not self._is_over:
            self._to_send += frame
            self._write()

    def kill(self) -> None:
        """End the process at once; nothing more is said of it."""
        self._end()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)

    async def close(self) -> None:
        """End its input and wait until it is gone; kill it where it does not go."""
        self._end()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._gone), CLOSE_SECONDS_MAX)
            return
        self.kill()
        await self._gone

    def _write(self) -> None:
        self._loop.remove_writer(self._output)
        try:
            while self._to_send:
                del self._to_send[: os.write(self._output, self._to_send[:READ_BYTES])]
        except BlockingIOError:
            self._loop.add_writer(self._output, self._write)
        except OSError:
            self._to_send.clear()  # it is gone; its exit says so

    def _read(self) -> None:
        try:
            part = os.read(self._input, READ_BYTES)
        except BlockingIOError:
            return
        self._received += part
        while len(self._received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._received)
            end = LENGTH.size + length
            if length > FRAME_BYTES_MAX:
                self.kill()
                self._on_end()
                return
            if len(self._received) < end:
                break
            frame = bytes(self._received[LENGTH.size : end])
            del self._received[:end]
            self._on_frame(frame)
            if self._is_over:
                return
        if not part:
            self._loop.remove_reader(self._input)

    def _exited(self) -> None:
        self._loop.remove_reader(self._pidfd)
        os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED)
        os.close(self._pidfd)
        was_over = self._is_over
        self._end()
        if not self._gone.done():
            self._gone.set_result(None)
        if not was_over:
            self._on_end()

    def _end(self) -> None:
        """Take the pipes off the loop; the process sees the end of its input."""
        if self._is_over:
            return
        self._is_over = True
        self._loop.remove_writer(self._output)
        self._loop.remove_reader(self._input)
        os.close(self._output)
        os.close(self._input)
