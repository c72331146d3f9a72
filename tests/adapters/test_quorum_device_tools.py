"""The quorum device's tools, with programs that note how they were called."""

from pathlib import Path

import pytest

from paceline.adapters.node_paths import NodePaths
from paceline.adapters.quorum_device_tools import NssTools
from paceline.model.errors import UnreachableError


@pytest.fixture
def tools(tmp_path: Path) -> NssTools:
    """Tools whose programs are in a folder of the test."""
    paths = NodePaths(
        state=tmp_path / "state",
        runtime=tmp_path / "run",
        corosync=tmp_path / "corosync",
        uidgid=tmp_path / "corosync" / "uidgid.d",
        booth=tmp_path / "booth",
        sbd_config=tmp_path / "etc" / "sbd",
    )
    return NssTools(paths, {"PATH": str(tmp_path / "bin")})


def _program(folder: Path, name: str, script: str) -> None:
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_a_request_begins_anew_and_is_read_from_where_the_tool_leaves_it(
    tools: NssTools, tmp_path: Path
) -> None:
    database = tmp_path / "corosync/qdevice/net/nssdb"
    database.mkdir(parents=True)
    (database / "cert9.db").write_bytes(b"old")
    script = f'[ $1 = -i ] && mkdir {database} && cp "$3" {database}/ca\n'
    script += f'[ $1 = -r ] && echo "$3" > {database}/qdevice-net-node.crq\nexit 0'
    _program(tmp_path, "corosync-qdevice-net-certutil", script)
    assert tools.make_request(b"authority", "shop") == b"shop\n"
    assert (database / "ca").read_bytes() == b"authority"
    assert not (database / "cert9.db").exists()
    tools.forget()
    assert not database.exists()


def test_the_copy_of_the_key_goes(tools: NssTools, tmp_path: Path) -> None:
    database = tmp_path / "corosync/qdevice/net/nssdb"
    database.mkdir(parents=True)
    bundle = database / "qdevice-net-node.p12"
    _program(tmp_path, "corosync-qdevice-net-certutil", f'cp "$3" {bundle}')
    tools.accept(b"certificate", "shop")
    assert not bundle.exists()


def test_what_a_failing_tool_says_is_told(tools: NssTools, tmp_path: Path) -> None:
    _program(tmp_path, "corosync-qnetd-certutil", "echo no room >&2; exit 3")
    with pytest.raises(UnreachableError, match=r"^no room$"):
        tools.set_up_arbiter()


@pytest.mark.parametrize("name", ["", "a b", "-i", "../x", "x" * 70])
def test_a_name_that_a_tool_would_misread_is_refused(tools: NssTools, name: str) -> None:
    with pytest.raises(UnreachableError, match="cannot be the name of a cluster"):
        tools.sign(b"request", name)
