"""`config backup`, `config restore`: a cluster's files and configuration in one archive.

The archive has pcs's layout, so that those of pcs can be restored, and pcs can read ours. A restore
has two steps, because files may only change while the cluster is down, and the configuration only
while it is up; each run does the step that can be done, and says what is left.
"""

import bz2
import io
import tarfile
import time
from dataclasses import dataclass

from paceline.cib.tree import Element, parse_cib, serialize
from paceline.commands.cluster_nodes import ask_all, check_all_present, invalid, quoted
from paceline.commands.config_checkpoint import bring_back
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.model.corosync_conf import parse_corosync_conf, read_nodes
from paceline.ports.node import Node
from paceline.ports.node_calls import (
    FILE_BYTES_MAX,
    File,
    FileName,
    NodeFacts,
    NodeRequest,
    PutFiles,
    Service,
)

ENDING = ".tar.bz2"
LAYOUT, LAYOUT_NUMBER = "version.txt", b"1"
"""What the layout's number stands in, and the only number there is."""
CIB = "cib.xml"
NAMES = {
    "corosync.conf": FileName.COROSYNC_CONF,
    "corosync_authkey": FileName.COROSYNC_AUTHKEY,
    "pacemaker_authkey": FileName.REMOTE_AUTHKEY,
}
"""Name in the archive -> file of a node."""
CIB_BYTES_MAX = 64 << 20
ARCHIVE_BYTES_MAX = CIB_BYTES_MAX + 8 * FILE_BYTES_MAX
"""Packed or not: a larger one is no backup of a cluster."""
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a backup holds; `nodes` are those of its corosync.conf."""

    cib: Element
    files: tuple[File, ...]
    nodes: tuple[str, ...]


def backup(request: Request, ports: Ports) -> Outcome:
    """Write an archive of this node's files and the cluster's configuration."""
    if len(request.arguments) != 1:
        raise UsageError
    name = request.arguments[0].removesuffix(ENDING) + ENDING
    parts = {LAYOUT: LAYOUT_NUMBER, CIB: serialize(read_cib(ports)), **_files_here(ports)}
    if "corosync.conf" not in parts:
        raise invalid("no-cluster", "there is no corosync.conf on this node: nothing to back up")
    try:
        ports.open_report_files().write(
            _path(request, name), _packed(parts), replaces=request.has("force")
        )
    except FileExistsError as problem:
        message = f"'{name}' already exists, use --force to overwrite"
        raise invalid("file-exists", message) from problem
    except OSError as problem:
        message = f"cannot write '{name}': {problem.strerror or problem}"
        raise invalid("backup-unwritable", message) from problem
    return Outcome()


def restore(request: Request, ports: Ports) -> Outcome:
    """Bring back a backup: its files while the cluster is down, its configuration while it is up.

    With `--local` only files, and on this node alone.
    """
    if len(request.arguments) != 1:
        raise UsageError
    kept = _unpacked(_content(request, ports, request.arguments[0]))
    peers, is_local = ports.open_peers(), request.has("local")
    names = (peers.local_name(),) if is_local else kept.nodes
    present = check_all_present(request, peers, names)
    running = [name for name, facts in present.items() if _runs(facts)]
    if not running:
        _restore_files(request, ports, kept, tuple(present))
        return Outcome()
    changed = _changed_files(kept, ports.open_node())
    if is_local or changed:
        why = f": {quoted(changed)} would change" if changed else ""
        raise invalid(
            "cluster-running",
            f"Cluster is currently running on {', '.join(running)}{why}. You need to stop the "
            "cluster in order to restore its files (pcs cluster stop --all).",
        )
    edit_cib(request, ports, lambda root: bring_back(root, kept.cib))
    return Outcome()


def _restore_files(request: Request, ports: Ports, kept: Kept, names: tuple[str, ...]) -> None:
    what = f"{quoted([file.name.value for file in kept.files])} to {quoted(names)}"
    if request.has("dry-run"):
        request.progress(f"Would send {what}")
        return
    request.progress(f"Sending {what}")
    asked: list[tuple[str, NodeRequest]] = [(name, PutFiles(files=kept.files)) for name in names]
    for name in ask_all(request, ports.open_peers(), asked):
        request.progress(f"{name}: Succeeded")
    request.findings.inform(
        "configuration-is-left",
        "The files are restored, the configuration not yet. Start the cluster and restore once "
        f"more:  pcs cluster start --all --wait; pcs config restore {request.arguments[0]}",
    )


def _files_here(ports: Ports) -> dict[str, bytes]:
    """Return this node's files by their name in the archive."""
    files = ports.open_node().files
    try:
        read = {name: files.read(which) for name, which in NAMES.items()}
    except OSError as problem:
        message = f"cannot read '{problem.filename}': {problem.strerror or problem}"
        raise invalid("file-not-read", message) from problem
    return {name: content for name, content in read.items() if content is not None}


def _changed_files(kept: Kept, node: Node) -> list[str]:
    return [file.name.value for file in kept.files if node.files.read(file.name) != file.content]


def _runs(facts: NodeFacts) -> bool:
    cluster = (Service.COROSYNC, Service.PACELINE)
    return any(one.service in cluster and one.active == "active" for one in facts.services)


def _path(request: Request, name: str) -> str:
    return name if name.startswith("/") else f"{request.cwd}/{name}"


def _content(request: Request, ports: Ports, name: str) -> bytes:
    try:
        return ports.open_report_files().read(_path(request, name), bytes_max=ARCHIVE_BYTES_MAX)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        message = f"unable to restore the cluster: cannot read '{name}': {reason}"
        raise invalid("backup-unreadable", message) from problem


def _packed(parts: dict[str, bytes]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:bz2") as archive:
        for name, content in parts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(content), _OWNER_ONLY, int(time.time())
            archive.addfile(entry, io.BytesIO(content))
    return whole.getvalue()


def _unpacked(content: bytes) -> Kept:
    """Return what a backup holds. Raises InvalidRequestError where it is none, or damaged."""
    try:
        parts = _members(content)
    except (tarfile.TarError, OSError, EOFError, ValueError) as problem:
        raise _no_backup(str(problem)) from problem
    if parts.get(LAYOUT, b"").strip() != LAYOUT_NUMBER:
        raise _no_backup(f"its layout ({LAYOUT}) is missing or not {LAYOUT_NUMBER.decode()}")
    for name in (CIB, "corosync.conf"):
        if name not in parts:
            raise _no_backup(f"there is no {name} in it")
    try:
        conf = parse_corosync_conf(parts["corosync.conf"].decode())
        nodes = tuple(node.name for node in read_nodes(conf))
    except ValueError as problem:
        raise _no_backup(f"its corosync.conf is damaged: {problem}") from problem
    if not nodes:
        raise _no_backup("its corosync.conf has no nodes")
    files = tuple(
        File(name=which, content=parts[name]) for name, which in NAMES.items() if name in parts
    )
    return Kept(cib=parse_cib(parts[CIB]), files=files, nodes=nodes)


def _members(content: bytes) -> dict[str, bytes]:
    """Return the files in an archive that have a place. Raises what bz2 and tarfile raise."""
    reader = bz2.BZ2Decompressor()
    plain = reader.decompress(content, ARCHIVE_BYTES_MAX)
    if not reader.eof:
        raise ValueError("it is too large, or cut off")
    wanted = {LAYOUT: 64, CIB: CIB_BYTES_MAX} | dict.fromkeys(NAMES, FILE_BYTES_MAX)
    parts = {}
    with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
        for entry in archive:
            if not entry.isfile() or entry.name not in wanted:
                continue
            if entry.size > wanted[entry.name]:
                raise ValueError(f"{entry.name} is too large")
            file = archive.extractfile(entry)
            parts[entry.name] = file.read() if file is not None else b""
    return parts


def _no_backup(why: str) -> Exception:
    return invalid("no-backup", f"unable to restore the cluster: this is no backup: {why}")


COMMANDS = (
    Command(
        words="config backup",
        handler=backup,
        needs=Needs.CLUSTER,
        arguments="<filename>",
        options=("force",),
        help="Write the cluster's files and configuration into <filename>.tar.bz2.",
        details="The archive has pcs's layout and holds keys: only its owner may read it. "
        "--force replaces one of the same name.",
    ),
    Command(
        words="config restore",
        handler=restore,
        needs=Needs.CLUSTER,
        arguments="[--local] <filename>",
        options=("local", "request-timeout", "dry-run"),
        help="Bring a backup back on all nodes: files while the cluster is down, then the rest.",
        details="While the cluster is down corosync.conf and keys are sent to the nodes of the "
        "backup; while it is up, and its files are those of the backup, the configuration is "
        "brought back, all but the list of nodes. After a loss run it twice: before the start and "
        "after it. With --local only the files on this node are restored.",
    ),
)
