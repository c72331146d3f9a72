"""Other disks for a device that fences by reservations: nothing else starts anew."""

import pytest
from tests.commands.command_line import CibInMemory, CommandLine

from paceline.ports.daemon import JsonRecord

CIB = """<cib epoch="1" have-quorum="1"><configuration><crm_config/><nodes>
<node id="1" uname="n1"/><node id="2" uname="n2"/><node id="3" uname="n3"/></nodes>
<resources><primitive id="S" class="stonith" type="fence_scsi"><instance_attributes id="S-i">
<nvpair id="S-d" name="devices" value="/dev/sda,/dev/sdb"/></instance_attributes></primitive>
<primitive id="X" class="stonith" type="fence_lab"/>
<primitive id="E" class="stonith" type="fence_mpath"/></resources><constraints/></configuration>
<status><node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>{}</lrm_resources></lrm></node_state></status></cib>"""
STARTED = """<lrm_resource id="S" class="stonith" type="fence_scsi"><lrm_rsc_op id="S_last_0"
operation="start" call-id="5" rc-code="0" op-status="0" interval="0" transition-key="1:0:0:x"/>
</lrm_resource>"""


class Fencer:
    """A daemon that knows which nodes are online, and lets them in; n2 cannot register."""

    def __init__(self) -> None:
        self.let_in: list[str] = []

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        if request["do"] == "state":
            nodes = [
                {"name": "n1", "is_online": True, "node_id": 1},
                {"name": "n2", "is_online": True, "node_id": 2},
                {"name": "n3", "is_online": False, "node_id": 3},
            ]
            return {"ok": True, "status": {"nodes": nodes}}
        assert (request["do"], request["task"]) == ("fence", "on")
        self.let_in.append(str(request["node"]))
        return {"ok": request["node"] == "n1", "message": "reservation conflict"}


def _prompt(results: str = STARTED) -> tuple[CommandLine, Fencer]:
    pcs = CommandLine(CIB.format(results))
    pcs.cib = CibInMemory(CIB.format(results), is_live=True)
    fencer = Fencer()
    pcs.daemon = fencer  # type: ignore[assignment]  # a daemon with other answers
    return pcs, fencer


def _devices(pcs: CommandLine) -> str:
    return pcs.text.partition('name="devices" value="')[2].partition('"')[0]


def test_disks_change_and_every_node_online_registers_itself() -> None:
    pcs, fencer = _prompt()
    status, _out, err = pcs("stonith update-scsi-devices S add /dev/sdc remove /dev/sda")
    assert _devices(pcs) == "/dev/sdb,/dev/sdc"
    assert fencer.let_in == ["n1", "n2"]
    assert status == 1
    assert err.startswith("Error: n2: Unfencing failed: reservation conflict\n")


def test_set_replaces_all() -> None:
    pcs, _fencer = _prompt()
    pcs("stonith update-scsi-devices S set /dev/sdx /dev/sdd /dev/sdx")
    assert _devices(pcs) == "/dev/sdd,/dev/sdx"


def test_dry_run_tells_what_would_start_anew_and_changes_nothing() -> None:
    pcs, fencer = _prompt()
    out = pcs.ok("stonith update-scsi-devices S set /dev/sdx --dry-run")
    assert "/dev/sdx" in out
    assert _devices(pcs) == "/dev/sda,/dev/sdb"
    assert fencer.let_in == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("Z set /dev/x", "resource 'Z' does not exist"),
        ("X set /dev/x", "its type 'fence_lab' is not supported for devices update"),
        ("E set /dev/x", "no 'devices' option is configured for stonith device 'E'"),
        ("S add /dev/sda", "Devices are there already: '/dev/sda'"),
        ("S remove /dev/x", "Devices are not there: '/dev/x'"),
        ("S add /dev/x delete /dev/x", "Devices cannot be added and removed at once: '/dev/x'"),
        ("S delete /dev/sda /dev/sdb", "No device would be left"),
        ("S set /dev/x add /dev/y", "You must specify either list of set devices"),
        ("S add", "You must specify either list of set devices"),
        ("S /dev/x", "Usage:"),
    ],
)
def test_wrong_words_change_nothing(words: str, message: str) -> None:
    pcs, fencer = _prompt()
    status, _out, err = pcs(f"stonith update-scsi-devices {words}")
    assert status == 1
    assert message in err
    assert pcs.cib.pushes == 0
    assert fencer.let_in == []


def test_a_device_that_does_not_run_is_not_changed() -> None:
    pcs, _fencer = _prompt(results="")
    status, _out, err = pcs("stonith update-scsi-devices S set /dev/x")
    assert status == 1
    assert "resource 'S' is not running on any node" in err
    assert pcs.cib.pushes == 0
