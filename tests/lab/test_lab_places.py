"""Which labs live: a record counts for the process, the boot and the start it was written for."""

import os
from dataclasses import replace
from pathlib import Path

from paceline.lab import places
from paceline.lab.layout import LabPaths, LabSpec
from paceline.lab.places import Record

SPEC = LabSpec(name="mine", nodes=3, token_ms=500)


def own_record() -> Record:
    """Return a record of this very process."""
    pid = os.getpid()
    started = places.process_start(pid)
    return Record(spec=SPEC, pid=pid, started=started, boot=places.host_boot())


def test_record_is_read_back(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    own_record().write(paths)
    assert places.read_record(paths) == own_record()


def test_record_is_none_when_it_is_missing_or_torn(tmp_path: Path) -> None:
    paths = LabPaths(tmp_path)
    assert places.read_record(paths) is None
    paths.spec.write_text('{"name": "mi')
    assert places.read_record(paths) is None


def test_lab_lives_only_in_the_boot_and_process_of_its_record() -> None:
    record = own_record()
    assert places.is_alive(record)
    assert not places.is_alive(replace(record, boot="of yesterday"))
    assert not places.is_alive(replace(record, started=record.started + 1))
    assert not places.is_alive(replace(record, pid=0))


def test_place_is_refused_when_a_socket_or_a_mount_cannot_have_it() -> None:
    assert places.problems(LabPaths(Path("/run/paceline-labs/lab"))) == ()
    assert "too long" in places.problems(LabPaths(Path("/" + "x" * 100)))[0]
    assert "cannot take" in places.problems(LabPaths(Path("/run/a:b")))[0]
