"""The fixed list of a node's files, with the place, owner and mode of each."""

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from paceline.adapters.durable_files import make_folder, read_if_there, replace_file, sync_folder
from paceline.adapters.node_paths import NodePaths
from paceline.model.corosync_conf import is_package_example
from paceline.ports.node_calls import FILE_BYTES_MAX, INSTANCE_LENGTH_MAX, FileName

_KEPT = frozenset({"node.key", "node.crt", "tokens", "known-hosts", "installed.json"})
"""What in the state folder is the node's, not the cluster's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    path: Path
    mode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Folder:
    """Where files of one kind are, of which there may be several."""

    path: Path
    mode: int
    ending: str = ""


_NAME = re.compile(r"(?!\.)[^/\x00-\x1f]+")


class LocalNodeFiles:
    """The files on this machine's disk."""

    def __init__(self, paths: NodePaths) -> None:
        """Remember where they are; nothing is opened yet."""
        self._paths = paths
        cluster = paths.cluster
        self._folders = {
            FileName.COROSYNC_UIDGID: _Folder(path=paths.uidgid, mode=0o644),
            FileName.BOOTH_CONFIG: _Folder(path=paths.booth, mode=0o644, ending=".conf"),
            FileName.BOOTH_KEY: _Folder(path=paths.booth, mode=0o600),
            FileName.RESOURCE_SECRET: _Folder(path=paths.secrets, mode=0o600),
        }
        self._public = (
            paths.corosync,
            paths.uidgid,
            paths.booth,
            paths.sbd_config.parent,
        )
        self._places = {
            FileName.COROSYNC_CONF: _Place(path=paths.corosync / "corosync.conf", mode=0o644),
            FileName.COROSYNC_AUTHKEY: _Place(path=paths.corosync / "authkey", mode=0o400),
            FileName.SBD_CONFIG: _Place(path=paths.sbd_config, mode=0o644),
            FileName.DR_CONFIG: _Place(path=cluster / "disaster-recovery", mode=0o600),
            FileName.REMOTE_AUTHKEY: _Place(path=cluster / "remote-authkey", mode=0o400),
            FileName.CLUSTER_CA: _Place(path=cluster / "ca.crt", mode=0o600),
            FileName.CLUSTER_CA_KEY: _Place(path=cluster / "ca.key", mode=0o600),
            FileName.NODE_CERTIFICATE: _Place(path=cluster / "node.crt", mode=0o600),
        }

    def read(self, name: FileName, instance: str = "") -> bytes | None:
        """Return the content; None where there is no such file."""
        return read_if_there(self._place(name, instance).path, size_max=FILE_BYTES_MAX)

    def write(self, name: FileName, content: bytes, instance: str = "") -> None:
        """Replace the file as a whole."""
        place = self._place(name, instance)
        self._make_public(place.path.parent)
        replace_file(place.path, content, mode=place.mode)

    def remove(self, name: FileName, instance: str = "") -> None:
        """Remove the file, if it is there."""
        path = self._place(name, instance).path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
            sync_folder(path.parent)

    def instances(self, name: FileName) -> tuple[str, ...]:
        """Return which files of a kind are there, sorted."""
        folder = self._folders[name]
        try:
            names = sorted(os.listdir(folder.path))
        except FileNotFoundError:
            return ()
        return tuple(
            found.removesuffix(folder.ending)
            for found in names
            if found.endswith(folder.ending)
            and not found.startswith(".")
            and (folder.path / found).is_file()
        )

    def _place(self, name: FileName, instance: str) -> _Place:
        """Return where a file is. Raises ValueError where `instance` is none of its kind."""
        folder = self._folders.get(name)
        if folder is None:
            if instance:
                raise ValueError(f"there is only one '{name.value}'")
            return self._places[name]
        if not instance or len(instance) > INSTANCE_LENGTH_MAX or not _NAME.fullmatch(instance):
            raise ValueError(f"'{instance}' is no name of a '{name.value}'")
        return _Place(path=folder.path / f"{instance}{folder.ending}", mode=folder.mode)

    def _make_public(self, folder: Path) -> None:
        """Make a folder that all may read, as the packages make theirs; others are root's."""
        if folder.is_dir() or folder not in self._public:
            return
        self._make_public(folder.parent)
        make_folder(folder.parent)
        folder.mkdir(mode=0o755, exist_ok=True)

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
