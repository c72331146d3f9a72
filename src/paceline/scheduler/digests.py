"""Digests of the parameters an operation ran with, to notice when they change.

The digest of a history entry is the MD5 of a blank, `<parameters .../>` with attributes sorted by
name, and a newline; for recurring operations the time limit counts too. A missing digest counts as
changed. MD5 is the format's choice; nothing here is secret or signed.
"""

from collections.abc import Iterable, Mapping
from hashlib import md5

_TABLE = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;",
     "\t": "&#x9;", "\n": "&#xA;", "\r": "&#xD;"}
)  # fmt: skip


def digest_of(parameters: Mapping[str, str]) -> str:
    """Return the digest of parameters."""
    inner = "".join(
        f' {name}="{parameters[name].translate(_TABLE)}"' for name in sorted(parameters)
    )
    return md5(f" <parameters{inner}/>\n".encode(), usedforsecurity=False).hexdigest()


def only(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the parameters that are named."""
    wanted = frozenset(names)
    return {name: value for name, value in parameters.items() if name in wanted}


def without(parameters: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """Return the parameters that are not named."""
    unwanted = frozenset(names)
    return {name: value for name, value in parameters.items() if name not in unwanted}
