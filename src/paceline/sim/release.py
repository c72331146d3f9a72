"""Two releases side by side: the next one reads the same entries, and a format of its own.

The next release says a higher feature level in its Hello. It writes its own format only where all
members of the group said that they speak it, and what agrees on a view always in the old one; so a
member of the older release understands everything that concerns it (DESIGN 2).
"""

from msgspec import structs

from paceline.replica.entries import (
    FEATURE_LEVEL,
    FORMAT,
    MAGIC,
    Hello,
    Suspect,
    Vouched,
    decode_entry,
    encode_entry,
)
from paceline.replica.events import Delivered, Event, GroupChanged, MemberAddress

NEXT_LEVEL = FEATURE_LEVEL + 1
NEXT_FORMAT = FORMAT + 1
NEXT_VERSION = "0.2.0"
_FORMAT_AT = len(MAGIC)


class NextRelease:
    """What the next release does otherwise on its way to and from the ring."""

    def __init__(self, *, asks_level: bool = True) -> None:
        """Know of nobody; without `asks_level` (a plant) it writes its own format always."""
        self._asks_level = asks_level
        self._members: tuple[MemberAddress, ...] = ()
        self._levels: dict[MemberAddress, int] = {}

    def write(self, payload: bytes) -> bytes:
        """Return an entry of this release's replica as it goes to the ring."""
        entry = decode_entry(payload)
        if isinstance(entry, Hello):
            return encode_entry(structs.replace(entry, level=NEXT_LEVEL, version=NEXT_VERSION))
        if isinstance(entry, Suspect | Vouched):
            return payload
        is_understood = self._members and all(
            self._levels.get(member, 0) >= NEXT_LEVEL for member in self._members
        )
        if is_understood or not self._asks_level:
            return _with_format(payload, NEXT_FORMAT)
        return payload

    def read(self, event: Event) -> Event:
        """Return an event from the ring as this release's replica takes it."""
        if isinstance(event, GroupChanged):
            self._members = event.members
            self._levels = {m: n for m, n in self._levels.items() if m in event.members}
        if not isinstance(event, Delivered):
            return event
        payload = event.payload
        if len(payload) > _FORMAT_AT and payload[_FORMAT_AT] == NEXT_FORMAT:
            return structs.replace(event, payload=_with_format(payload, FORMAT))
        entry = decode_entry(payload)
        if isinstance(entry, Hello):
            self._levels[event.sender] = entry.level
        return event


def _with_format(payload: bytes, number: int) -> bytes:
    return payload[:_FORMAT_AT] + bytes((number,)) + payload[_FORMAT_AT + 1 :]
