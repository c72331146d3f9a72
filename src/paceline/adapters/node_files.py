"""The fixed list of a node's files, with the place, owner and mode of each."""

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paceline.adapters.durable_files import make_folder, read_if_there, replace_file, sync_folder
from paceline.adapters.node_paths import NodePaths
from paceline.model.corosync_conf import is_package_example
from paceline.ports.node_calls import FILE_BYTES_MAX, FileName

_KEPT = frozenset({"node.key", "node.crt", "tokens", "known-hosts", "installed.json"})
"""What in the state folder is the node's, not the cluster's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    path: Path
    mode: int


class LocalNodeFiles:
    """The files on this machine's disk."""

    def __init__(self, paths: NodePaths) -> None:
        """Remember where they are; nothing is opened yet."""
        self._paths = paths
        cluster = paths.cluster
        self._places = {
            FileName.COROSYNC_CONF: _Place(path=paths.corosync / "corosync.conf", mode=0o644),
            FileName.COROSYNC_AUTHKEY: _Place(path=paths.corosync / "authkey", mode=0o400),
            FileName.REMOTE_AUTHKEY: _Place(path=cluster / "remote-authkey", mode=0o400),
            FileName.CLUSTER_CA: _Place(path=cluster / "ca.crt", mode=0o600),
            FileName.CLUSTER_CA_KEY: _Place(path=cluster / "ca.key", mode=0o600),
            FileName.NODE_CERTIFICATE: _Place(path=cluster / "node.crt", mode=0o600),
        }

    def read(self, name: FileName) -> bytes | None:
        """Return the content; None where there is no such file."""
        return read_if_there(self._places[name].path, size_max=FILE_BYTES_MAX)

    def write(self, name: FileName, content: bytes) -> None:
        """Replace the file as a whole."""
        place = self._places[name]
        if place.path.parent == self._paths.corosync and not place.path.parent.is_dir():
            # Its folder is public, as the package makes it.
            make_folder(place.path.parent.parent)
            place.path.parent.mkdir(mode=0o755, exist_ok=True)
        replace_file(place.path, content, mode=place.mode)

    def has_cluster_state(self) -> bool:
        """Say whether a cluster's corosync.conf or anything of its state is here."""
        conf = self.read(FileName.COROSYNC_CONF)
        if conf is not None and not is_package_example(conf.decode(errors="replace")):
            return True
        return any(True for _ in self._cluster_state())

    def remove_cluster(self) -> None:
        """Remove what is a cluster's, configuration first: a node without it starts nothing."""
        for name in (FileName.COROSYNC_CONF, FileName.COROSYNC_AUTHKEY):
            with contextlib.suppress(FileNotFoundError):
                self._places[name].path.unlink()
        with contextlib.suppress(FileNotFoundError):
            sync_folder(self._paths.corosync)
        for path in tuple(self._cluster_state()):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        with contextlib.suppress(FileNotFoundError):
            sync_folder(self._paths.state)

    def _cluster_state(self) -> Iterator[Path]:
        """Give everything in the state folder that goes with the cluster."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self._paths.state) as entries:
            for entry in sorted(entries, key=lambda found: found.name):
                if entry.name not in _KEPT and not entry.name.startswith("."):
                    yield Path(entry.path)
