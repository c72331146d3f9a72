"""A CIB in a file: compare and set, whole or not at all."""

from pathlib import Path

import pytest

from paceline.adapters.cib_file import CibFile
from paceline.model.errors import InvalidRequestError
from paceline.ports.cib_store import VersionMovedError


def test_push_replaces_what_was_read(tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_bytes(b"<cib/>")
    store = CibFile(str(path), shown_path="cib.xml")
    store.push(b"<cib epoch='2'/>", based_on=store.read().version)
    assert path.read_bytes() == b"<cib epoch='2'/>"


def test_push_is_refused_when_the_file_was_changed(tmp_path: Path) -> None:
    path = tmp_path / "cib.xml"
    path.write_bytes(b"<cib/>")
    store = CibFile(str(path), shown_path="cib.xml")
    version = store.read().version
    path.write_bytes(b"<cib epoch='9'/>")
    with pytest.raises(VersionMovedError):
        store.push(b"<cib epoch='2'/>", based_on=version)
    assert path.read_bytes() == b"<cib epoch='9'/>"


def test_read_says_why_when_there_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="unable to get cib"):
        CibFile(str(tmp_path / "none.xml"), shown_path="none.xml").read()


def test_push_follows_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "cib.xml", tmp_path / "link.xml"
    path.write_bytes(b"<cib/>")
    link.symlink_to(path)
    store = CibFile(str(link), shown_path="link.xml")
    store.push(b"<cib epoch='2'/>", based_on=store.read().version)
    assert link.is_symlink()
    assert path.read_bytes() == b"<cib epoch='2'/>"
