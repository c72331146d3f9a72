"""The older versions of cib.xml that the journal keeps beside it."""

from collections.abc import Mapping
from pathlib import Path

from paceline.adapters.local_files import read_bytes
from paceline.adapters.node_paths import node_paths
from paceline.ports.checkpoints import Checkpoint

FOLDER = "cib.older"
BEGINNING = "cib-"


class KeptCheckpoints:
    """The files `cib.older/cib-NUMBER.xml` of this node."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look where the environment says (PACELINE_STATE_DIR)."""
        self._folder = node_paths(environment).state / FOLDER

    def all_kept(self) -> tuple[Checkpoint, ...]:
        """Return what is kept, by number."""
        found = []
        for path in self._folder.glob(f"{BEGINNING}*.xml"):
            number = path.stem.removeprefix(BEGINNING)
            if number.isdecimal():
                replaced_ms = path.stat().st_mtime_ns // 1_000_000
                found.append(Checkpoint(number=int(number), replaced_ms=replaced_ms))
        return tuple(sorted(found))

    def read(self, number: int) -> bytes | None:
        """Return one version, or None."""
        for path in self._folder.glob(f"{BEGINNING}*{number}.xml"):
            if _number_of(path) == number:
                return read_bytes(str(path))
        return None


def _number_of(path: Path) -> int:
    text = path.stem.removeprefix(BEGINNING)
    return int(text) if text.isdecimal() else -1
