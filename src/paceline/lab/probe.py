"""Watch a URL, a port or an address from here, every few milliseconds, and say what fails.

    python -m paceline.lab.probe [--json] [--interval-ms N] [--seconds N] TARGET

TARGET is `http://HOST[:PORT]/PATH` (a GET on a new connection), `HOST:PORT` (a connection), or a
host alone (an ICMP echo, as root). Each attempt is independent of those before it, so a lost packet
delays its own attempt only. The exact time of an outage is from good answer to good answer.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from paceline.lab.outages import SILENCE_ATTEMPTS, SILENCE_MS, Outage, OutageTracker

_ATTEMPT_TIMEOUT_S = 2.0
_ATTEMPTS_MAX = 1000
_ANSWER_BYTES_MAX = 1 << 20
_INTERVAL_MS_DEFAULT = 10


class AttemptError(Exception):
    """One attempt failed; the text says how, in a few words."""


Attempt = Callable[[], Awaitable[None]]


def http_attempt(url: str) -> Attempt:
    """Return an attempt that gets a page and wants a good status."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    request = f"GET {path} HTTP/1.0\r\nHost: {host}\r\n\r\n".encode()

    async def attempt() -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=_ANSWER_BYTES_MAX)
        try:
            writer.write(request)
            status = (await reader.readline()).split()
            if len(status) < 2 or not status[1].isdigit():
                raise AttemptError("no HTTP answer")
            if int(status[1]) >= 400:
                raise AttemptError(f"HTTP status {status[1].decode()}")
            while await reader.read(65536):
                pass
        finally:
            writer.transport.abort()

    return attempt


def port_attempt(host: str, port: int) -> Attempt:
    """Return an attempt that opens a connection."""

    async def attempt() -> None:
        _, writer = await asyncio.open_connection(host, port)
        writer.transport.abort()

    return attempt


class Echo:
    """ICMP echoes to one address over one raw socket."""

    def __init__(self, host: str) -> None:
        """Open the socket, which only root may."""
        self._address = socket.gethostbyname(host)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
        self._socket.setblocking(False)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._next = 0
        self._id = os.getpid() & 0xFFFF
        asyncio.get_running_loop().add_reader(self._socket, self._read)

    def _read(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = self._socket.recv(2048)
                header = (packet[0] & 0x0F) * 4
                if len(packet) < header + 8:
                    continue
                kind, _, _, own, number = struct.unpack_from("!BBHHH", packet, header)
                waiting = self._waiting.get(number)
                if kind == 0 and own == self._id and waiting and not waiting.done():
                    waiting.set_result(None)

    async def attempt(self) -> None:
        """Send one echo and wait for its answer."""
        self._next = (self._next + 1) & 0xFFFF
        number = self._next
        head = struct.pack("!BBHHH", 8, 0, 0, self._id, number)
        packet = struct.pack("!BBHHH", 8, 0, _checksum(head), self._id, number)
        waiting = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        try:
            self._socket.sendto(packet, (self._address, 0))
            await waiting
        finally:
            del self._waiting[number]


def _checksum(head: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(head) // 2}H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return (total + (total >> 16)) & 0xFFFF ^ 0xFFFF


def make_attempt(target: str) -> Attempt:
    """Return what the target asks for. Raises ValueError for a target nobody can watch."""
    if "://" in target:
        if not target.startswith("http://"):
            raise ValueError(f"only http:// can be watched, not '{target}'")
        return http_attempt(target)
    host, has_port, port = target.rpartition(":")
    if has_port:
        return port_attempt(host, int(port))
    return Echo(target).attempt


class Watch:
    """One watch: its attempts, what they tell the tracker, what is printed."""

    def __init__(self, target: str, *, is_json: bool, interval_ms: int, silence_ms: float) -> None:
        """Describe the watch."""
        self._target = target
        self._is_json = is_json
        self._begun_ms = _now_ms()
        self._interval_ms = interval_ms
        self._tracker = OutageTracker(
            self._begun_ms,
            silence_ms=silence_ms,
            silence_attempts=max(2, min(SILENCE_ATTEMPTS, int(silence_ms / interval_ms))),
        )
        self._outages: list[Outage] = []
        self._attempts = 0
        self._is_announced = False

    async def run(self, stop: asyncio.Event) -> None:
        """Attempt at every interval until told to stop."""
        attempt = make_attempt(self._target)
        tasks: set[asyncio.Task[None]] = set()
        next_s = time.monotonic()
        while not stop.is_set():
            if len(tasks) < _ATTEMPTS_MAX:
                task = asyncio.create_task(self._once(attempt))
                tasks.add(task)
                task.add_done_callback(tasks.discard)
            # After a stall of this machine do not catch up: it would be a burst.
            next_s = max(next_s + self._interval_ms / 1000, time.monotonic())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), max(0.0, next_s - time.monotonic()))
        for task in tasks:
            task.cancel()
        self._finish()

    async def _once(self, attempt: Attempt) -> None:
        started_ms = _now_ms()
        self._attempts += 1
        self._tracker.attempted()
        try:
            async with asyncio.timeout(_ATTEMPT_TIMEOUT_S):
                await attempt()
        except TimeoutError:
            self._bad(started_ms, "no answer")
        except AttemptError as error:
            self._bad(started_ms, str(error))
        except OSError as error:
            self._bad(started_ms, os.strerror(error.errno) if error.errno else str(error))
        else:
            self._good(started_ms)

    def _good(self, started_ms: float) -> None:
        self._announce("answers")
        outage = self._tracker.good(started_ms=started_ms, ended_ms=_now_ms())
        if outage is not None:
            self._outages.append(outage)
            self._say_outage(outage)

    def _bad(self, started_ms: float, reason: str) -> None:
        self._announce(f"does not answer: {reason}")
        is_new = self._tracker.bad(started_ms=started_ms, reason=reason)
        if is_new and not self._is_json:
            _say(f"{_clock(self._tracker.since_ms)}  out: {reason}")

    def _announce(self, how: str) -> None:
        if self._is_announced:
            return
        self._is_announced = True
        if self._is_json:
            _say(json.dumps({"watching": self._target, "how": how}))
        else:
            _say(f"{_clock(_now_ms())}  watching {self._target}: it {how}")

    def _say_outage(self, outage: Outage) -> None:
        if self._is_json:
            _say(outage.line())
        else:
            length = f"{outage.duration_ms / 1000:.3f} s"
            _say(f"{_clock(outage.ended_ms)}  back after {length} ({outage.reason})")

    def _finish(self) -> None:
        now_ms = _now_ms()
        last = self._tracker.finish(now_ms)
        if last is not None:
            self._outages.append(last)
            if self._is_json:
                _say(last.line())
        if not self._is_json:
            longest_ms = max((outage.duration_ms for outage in self._outages), default=0.0)
            still = ", the last one lasts" if last is not None else ""
            _say(
                f"watched {(now_ms - self._begun_ms) / 1000:.1f} s, {self._attempts} attempts,"
                f" outages: {len(self._outages)}, longest {longest_ms / 1000:.3f} s{still}"
            )


def _say(line: str) -> None:
    print(line, flush=True)


def _now_ms() -> float:
    return time.time_ns() / 1e6


def _clock(at_ms: float) -> str:
    whole = time.strftime("%H:%M:%S", time.localtime(at_ms / 1000))
    return f"{whole}.{int(at_ms % 1000):03d}"


async def _watch(
    target: str, *, is_json: bool, interval_ms: int, silence_ms: float, seconds: float
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    if seconds:
        loop.call_later(seconds, stop.set)
    watch = Watch(target, is_json=is_json, interval_ms=interval_ms, silence_ms=silence_ms)
    await watch.run(stop)


def main() -> int:
    """Watch until TERM, INT or the time given."""
    parser = argparse.ArgumentParser(prog="probe")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--interval-ms", type=int, default=_INTERVAL_MS_DEFAULT)
    parser.add_argument("--silence-ms", type=float, default=SILENCE_MS)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("target")
    words = parser.parse_args()
    try:
        asyncio.run(
            _watch(
                words.target,
                is_json=words.json,
                interval_ms=max(1, words.interval_ms),
                silence_ms=words.silence_ms,
                seconds=words.seconds,
            )
        )
    except socket.gaierror:
        print(f"Error: the client knows no address of '{words.target}'", file=sys.stderr)
        return 1
    except (ValueError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
