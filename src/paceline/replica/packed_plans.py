"""A plan as it travels: its actions in pieces, so that no one has to take it in at once.

Pieces are made where the plan is (a process of its own), carried as they are, and opened one by one
where it is applied: thousands of actions are a megabyte, and opening that stops the loop.
"""

import zlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct

from paceline.model.plan import Plan, PlannedAction
from paceline.replica.steps import in_portions

PIECE_BYTES_MAX = 64 * 1024 * 1024
"""Refuse to unpack more: some hundred actions are far less."""


class PackedPlan(Struct, frozen=True, gc=False, kw_only=True):
    """All of a plan that carrying it out needs: `head` has neither actions nor placements."""

    head: Plan = Plan()
    count: int = 0
    pieces: tuple[bytes, ...] = ()


_ENCODER = msgspec.msgpack.Encoder()
_DECODER: msgspec.msgpack.Decoder[tuple[PlannedAction, ...]] = msgspec.msgpack.Decoder(
    tuple[PlannedAction, ...]
)


def pack_plan(plan: Plan) -> PackedPlan:
    """Return the plan for its way."""
    return PackedPlan(
        head=msgspec.structs.replace(plan, actions=(), placements=()),
        count=len(plan.actions),
        pieces=tuple(
            zlib.compress(_ENCODER.encode(portion), 1) for portion in in_portions(plan.actions)
        ),
    )


def open_piece(piece: bytes) -> tuple[PlannedAction, ...]:
    """Return the actions of one piece. Raises ValueError where it holds none."""
    try:
        return _DECODER.decode(zlib.decompressobj().decompress(piece, PIECE_BYTES_MAX))
    except (zlib.error, msgspec.MsgspecError) as problem:
        raise ValueError(f"no actions: {problem}") from problem


def actions_of(plan: PackedPlan) -> Iterator[PlannedAction]:
    """Yield the actions, a piece at a time."""
    for piece in plan.pieces:
        yield from open_piece(piece)
