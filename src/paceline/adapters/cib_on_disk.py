"""cib.xml beside the journal: for people and tools; the journal is the truth.

Written aside and renamed, with its digest beside it; a bounded number of older versions is kept.
"""

import asyncio
import contextlib
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from paceline.adapters.durable_files import put_aside, replace_file
from paceline.replica.effects import WriteCib
from paceline.replica.identity import CibCopy

CIB_NAME = "cib.xml"
DIGEST_NAME = "cib.xml.sha256"
VERSION_MARK = "# version "
"""Begins the line after the digest; `sha256sum --check` passes it over."""
OLDER_FOLDER = "cib.older"
SUPERSEDED_FOLDER = "cib.superseded"
SUPERSEDED_MAX = 20
"""How many configurations that lost at a merge are kept."""
OLDER_MAX = 100
"""Older versions that are kept; a configuration is some hundred kilobytes at most."""


class CibOnDisk:
    """Writes the newest configuration; while one is being written only the newest next is kept."""

    def __init__(
        self,
        folder: Path,
        *,
        on_problem: Callable[[str], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """Write in `folder`; `on_problem` gets what failed."""
        self._folder = folder
        self._on_problem = on_problem
        self._loop = loop
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="cib")
        self._next: WriteCib | None = None
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()

    def write(self, request: WriteCib) -> None:
        """Write this version, after the one that is being written."""
        self._next = request
        if not self._is_writing:
            self._begin()

    def keep(self, configuration: bytes, version: str) -> None:
        """Keep a configuration that lost at a merge in a file of its own."""
        keeping = self._loop.run_in_executor(
            self._thread, keep_superseded, self._folder, configuration, version
        )
        keeping.add_done_callback(self._kept)

    def _kept(self, keeping: "asyncio.Future[None]") -> None:
        error = keeping.exception()
        if isinstance(error, OSError):
            self._on_problem(f"cannot keep a copy in {self._folder / SUPERSEDED_FOLDER}: {error}")
        elif error is not None:
            raise error

    async def close(self) -> None:
        """Wait until everything is written."""
        await self._idle.wait()
        self._thread.shutdown(wait=True)

    def _begin(self) -> None:
        request, self._next = self._next, None
        if request is None:
            self._idle.set()
            return
        self._is_writing = True
        self._idle.clear()
        writing = self._loop.run_in_executor(
            self._thread, write_cib_files, self._folder, request.configuration, request.version
        )
        writing.add_done_callback(self._written)

    def _written(self, writing: "asyncio.Future[None]") -> None:
        self._is_writing = False
        error = writing.exception()
        if isinstance(error, OSError):
            self._on_problem(f"cannot write {self._folder / CIB_NAME}: {error}")
        elif error is not None:
            raise error
        self._begin()


def has_cib(folder: Path) -> bool:
    """Say whether a configuration was ever written here."""
    return (folder / DIGEST_NAME).exists() or (folder / CIB_NAME).exists()


def check_cib_files(folder: Path) -> str:
    """Compare cib.xml with its digest; put it aside and say so where it is not what was written.

    Nothing is said where there is none. Raises OSError.
    """
    path = folder / CIB_NAME
    try:
        told = (folder / DIGEST_NAME).read_text(encoding="utf-8", errors="replace")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        return ""
    if told.split()[:1] == [digest]:
        return ""
    return f"{path} is not what was written there; kept as {put_aside(path).name}"


def read_cib_copy(folder: Path) -> CibCopy | None:
    """Return cib.xml with its version, None where it is not there or not what was written.

    Raises OSError.
    """
    try:
        told = (folder / DIGEST_NAME).read_text(encoding="utf-8", errors="replace").splitlines()
        configuration = (folder / CIB_NAME).read_bytes()
    except FileNotFoundError:
        return None
    versions = [line.removeprefix(VERSION_MARK) for line in told if line.startswith(VERSION_MARK)]
    digest = hashlib.sha256(configuration).hexdigest()
    if not versions or told[0].split()[:1] != [digest]:
        return None
    return CibCopy(configuration=configuration, version=versions[0].strip())


def write_cib_files(folder: Path, configuration: bytes, version: str) -> None:
    """Write cib.xml, its digest and its version, and keep what was there as an older one.

    Raises OSError.
    """
    path = folder / CIB_NAME
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep_older(folder, path)
    digest = hashlib.sha256(configuration).hexdigest()
    replace_file(path, configuration, mode=0o600)
    told = f"{digest}  {CIB_NAME}\n{VERSION_MARK}{version}\n"
    replace_file(folder / DIGEST_NAME, told.encode(), mode=0o600)


def keep_superseded(folder: Path, configuration: bytes, version: str) -> None:
    """Write a configuration that lost to a file named by its version. Raises OSError."""
    kept = folder / SUPERSEDED_FOLDER
    name = "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in version)
    replace_file(kept / f"cib-{name}.xml", configuration, mode=0o600)
    paths = sorted(kept.glob("cib-*.xml"), key=lambda path: path.stat().st_mtime_ns)
    for old in paths[:-SUPERSEDED_MAX]:
        old.unlink(missing_ok=True)


def _keep_older(folder: Path, path: Path) -> None:
    older = folder / OLDER_FOLDER
    older.mkdir(mode=0o700, exist_ok=True)
    kept = sorted(older.glob("cib-*.xml"))
    number = 1 + int(kept[-1].stem.removeprefix("cib-")) if kept else 1
    with contextlib.suppress(FileNotFoundError):
        os.link(path, older / f"cib-{number:09d}.xml")
    for old in kept[: max(0, len(kept) + 1 - OLDER_MAX)]:
        old.unlink(missing_ok=True)
