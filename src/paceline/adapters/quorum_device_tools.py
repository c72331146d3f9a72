"""Certificates and status of a quorum device, by the tools of its own packages."""

import contextlib
import grp
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from paceline.adapters.durable_files import read_if_there
from paceline.adapters.node_paths import NodePaths
from paceline.adapters.run_command import run_bounded
from paceline.model.errors import UnreachableError
from paceline.ports.node_calls import FILE_BYTES_MAX

ARBITER_KEYS = "corosync-qnetd-certutil"
DEVICE_KEYS = "corosync-qdevice-net-certutil"
ARBITER_TOOL = "corosync-qnetd-tool"
DEVICE_TOOL = "corosync-qdevice-tool"
ARBITER_GROUP = "coroqnetd"
"""As whom corosync-qnetd runs: it has to read its own database."""
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
KEYS_MS_MAX = 60_000
"""Making a key takes a second; on a machine that has just booted randomness may be scarce."""
ASK_MS_MAX = 10_000
_CLUSTER = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class NssTools:
    """Runs the tools with the environment of the one who asks."""

    def __init__(self, paths: NodePaths, environment: Mapping[str, str]) -> None:
        """Remember where the databases are; nothing is run yet."""
        self._arbiter = paths.corosync / "qnetd" / "nssdb"
        self._device = paths.corosync / "qdevice" / "net" / "nssdb"
        self._path = f"{environment.get('PATH', '')}:{SEARCH_PATH}"

    # ---- the arbiter ----

    def is_arbiter_set_up(self) -> bool:
        """Say whether the database is there."""
        return any((self._arbiter / name).exists() for name in ("cert9.db", "cert8.db"))

    def set_up_arbiter(self) -> None:
        """Make authority and certificate, readable by the arbiter's own user."""
        self._run(ARBITER_KEYS, "-i")
        with contextlib.suppress(KeyError):
            group = grp.getgrnam(ARBITER_GROUP).gr_gid
            for path in (self._arbiter, *self._arbiter.iterdir()):
                os.chown(path, -1, group)

    def remove_arbiter(self) -> None:
        """Remove the database."""
        if self._arbiter.exists():
            shutil.rmtree(self._arbiter)

    def arbiter_text(self, *, is_full: bool, cluster: str = "") -> str:
        """Return the state of the arbiter, then that of its clusters (or of the one named)."""
        verbose = ("-v",) if is_full else ()
        named = ("-c", cluster) if cluster else ()
        own = self._run(ARBITER_TOOL, "-s", *verbose, limit_ms=ASK_MS_MAX)
        return own + self._run(ARBITER_TOOL, "-l", *verbose, *named, limit_ms=ASK_MS_MAX)

    def authority(self) -> bytes:
        """Return the exported certificate."""
        path = self._arbiter / "qnetd-cacert.crt"
        content = read_if_there(path, size_max=FILE_BYTES_MAX)
        if content is None:
            raise FileNotFoundError(2, "No such file or directory", str(path))
        return content

    def sign(self, request: bytes, cluster: str) -> bytes:
        """Sign a request."""
        _check_name(cluster)
        with _as_file(request, ".crq") as path:
            self._run(ARBITER_KEYS, "-s", "-c", path, "-n", cluster)
        return self._read(self._arbiter / f"cluster-{cluster}.crt")

    # ---- a node ----

    def make_request(self, authority: bytes, cluster: str) -> bytes:
        """Make database, key and request anew."""
        _check_name(cluster)
        self.forget()
        self._device.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _as_file(authority, ".crt") as path:
            self._run(DEVICE_KEYS, "-i", "-c", path)
        self._run(DEVICE_KEYS, "-r", "-n", cluster)
        return self._read(self._device / "qdevice-net-node.crq")

    def accept(self, certificate: bytes, cluster: str) -> None:
        """Import the certificate; the copy of certificate and key that the tool makes goes."""
        _check_name(cluster)
        with _as_file(certificate, ".crt") as path:
            self._run(DEVICE_KEYS, "-M", "-c", path)
        (self._device / "qdevice-net-node.p12").unlink(missing_ok=True)

    def forget(self) -> None:
        """Remove the database."""
        if self._device.exists():
            shutil.rmtree(self._device)

    def device_text(self, *, is_full: bool) -> str:
        """Return the state of this node's end."""
        verbose = ("-v",) if is_full else ()
        return self._run(DEVICE_TOOL, "-s", *verbose, limit_ms=ASK_MS_MAX)

    # ---- both ----

    def _run(self, program: str, *words: str, limit_ms: int = KEYS_MS_MAX) -> str:
        """Run a tool that has to succeed; return what it printed."""
        found = shutil.which(program, path=self._path)
        if found is None:
            raise UnreachableError(f"{program} is not installed")
        environment = {"LC_ALL": "C", "PATH": self._path}
        done = run_bounded((found, *words), environment, limit_ms)
        if done.rc != 0:
            said = " ".join((done.err or done.out).decode(errors="replace").split())
            raise UnreachableError(said or f"{program} failed with exit status {done.rc}")
        return done.out.decode(errors="replace")

    def _read(self, path: Path) -> bytes:
        content = read_if_there(path, size_max=FILE_BYTES_MAX)
        if content is None:
            raise UnreachableError(f"{path} was not made")
        return content


def _check_name(cluster: str) -> None:
    """Raise UnreachableError for names that the tools would take for something else."""
    if not _CLUSTER.fullmatch(cluster) or cluster.startswith("-"):
        raise UnreachableError(f"'{cluster}' cannot be the name of a cluster with a quorum device")


@contextlib.contextmanager
def _as_file(content: bytes, ending: str) -> Iterator[str]:
    """Give the path of a file with that content, as long as it is needed."""
    with tempfile.NamedTemporaryFile(suffix=ending) as file:
        file.write(content)
        file.flush()
        yield file.name
