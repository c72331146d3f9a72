"""Runs in a node: an engine that prints its events and does what its input says.

Lines of input: `send TEXT`, `big BYTES SEED`, `burst COUNT TEXT`, `close`. Each event is one line
of output; a delivered entry is named by its text, or by its size and digest where it is large.
"""

import asyncio
import hashlib
import json
import random
import sys
import time

from paceline.adapters.corosync.engine import CorosyncEngine
from paceline.ports.engine import EngineEventHandler
from paceline.replica.events import Delivered, EngineEvent, NodesConfigured

TEXT_MAX = 100


def say(event: EngineEvent | NodesConfigured) -> None:
    """Print one event."""
    if isinstance(event, Delivered):
        payload = event.payload
        name = (
            payload.decode()
            if len(payload) < TEXT_MAX
            else f"{len(payload)} {hashlib.sha256(payload).hexdigest()[:16]}"
        )
        words = {"from": event.sender.node_id, "entry": name}
    else:
        words = {"text": repr(event)}
    line = {"event": type(event).__name__, "at": time.monotonic(), **words}
    print(json.dumps(line), flush=True)


def big(size: int, seed: int) -> bytes:
    """Return bytes that do not compress."""
    return random.Random(seed).randbytes(size)


async def main() -> None:
    """Obey the input until `close` or its end."""
    handler: EngineEventHandler = say
    engine = CorosyncEngine(handler)
    engine.start()
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := (await reader.readline()).decode().strip():
        command, _, rest = line.partition(" ")
        if command == "close":
            break
        if command == "send":
            engine.send(rest.encode())
        elif command == "big":
            size, seed = map(int, rest.split())
            engine.send(big(size, seed))
        elif command == "burst":
            count, text = rest.split()
            for number in range(int(count)):
                while not engine.send(f"{text}{number}".encode()):  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
        elif command == "figures":
            print(json.dumps({"event": "figures", **engine.internals()}), flush=True)
    engine.close()


if __name__ == "__main__":
    asyncio.run(main())
