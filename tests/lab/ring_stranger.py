"""Runs in a node, as a stranger in the daemons' group: says what no daemon understands, goes."""

import os
import time

from paceline.adapters.corosync.cpg import Cpg, CpgCallbacks
from paceline.adapters.corosync.engine import GROUP
from paceline.adapters.corosync.framing import FRAME_BYTES_MAX, pack

FRAMES = (
    b"",
    b"hello",
    os.urandom(1000),
    os.urandom(FRAME_BYTES_MAX),
    # A good frame whose entry is none, and one of a format that nobody speaks yet.
    pack(os.urandom(300)).frame(1, 0),
    pack(bytes((0xFF, 0xFF)) + b"an entry of another release").frame(2, 0),
    # The first part of an entry whose rest never comes.
    pack(os.urandom(3 * FRAME_BYTES_MAX)).frame(3, 0),
)
TRY_AGAIN_S = 0.01


def again(attempt: object) -> None:
    """Call it until Corosync takes it."""
    while not attempt():  # type: ignore[operator]  # a plain function without arguments
        time.sleep(TRY_AGAIN_S)


def main() -> None:
    """Join, say everything, leave."""
    nothing = CpgCallbacks(
        deliver=lambda sender, frame: None,
        group=lambda members, joined, left: None,
        ring=lambda ring_id, nodes: None,
    )
    cpg = Cpg(nothing)
    again(lambda: cpg.join(GROUP))
    for frame in FRAMES:
        again(lambda frame=frame: cpg.multicast(frame))
    cpg.leave(GROUP)
    cpg.close()
    print("said")


if __name__ == "__main__":
    main()
