"""A cluster described in a file: planned, applied, exported, and the same again."""

import pytest
from tests.commands.command_line import CommandLine

from paceline.commands.described_cluster import read_commands

DESCRIPTION = """# the web shop
pcs property set --force -- \\
  maintenance-mode=true;
pcs resource create --no-default-ops --force -- IP ocf:heartbeat:IPaddr2 \\
  ip=10.0.0.9 \\
  op monitor interval=10s
pcs resource create Web ocf:heartbeat:apache 'configfile=/etc/my httpd.conf'
pcs resource group add Shop IP Web
pcs -- constraint location add here resource%Shop worker1 score=50;
"""


def described(text: str = DESCRIPTION) -> CommandLine:
    """Return a prompt beside a description."""
    pcs = CommandLine()
    pcs.files.texts["shop.pcs"] = text
    return pcs


def test_commands_are_read_over_lines_and_quotes() -> None:
    commands = read_commands(DESCRIPTION)
    assert commands[0] == ["property", "set", "--force", "--", "maintenance-mode=true"]
    assert commands[2][-1] == "configfile=/etc/my httpd.conf"
    assert len(commands) == 5


def test_what_is_no_command_is_refused() -> None:
    with pytest.raises(ValueError, match="rm -rf x"):
        read_commands("pcs property set a=b\nrm -rf x\n")


def test_plan_changes_nothing_and_apply_changes_once() -> None:
    pcs = described()
    before = pcs.text
    assert "+ resource IP" in pcs.ok("cluster plan shop.pcs")
    assert pcs.text == before
    pcs.ok("cluster apply shop.pcs")
    pushes = pcs.cib.pushes
    assert "nothing to do" in pcs.ok("cluster apply shop.pcs")
    assert pcs.cib.pushes == pushes


def test_only_what_differs_is_told_and_what_is_not_spoken_of_stays() -> None:
    pcs = described()
    pcs.ok("cluster apply shop.pcs")
    pcs.ok("alert create path=/bin/true")
    pcs.ok("node standby worker2")
    pcs.ok("resource ban Shop worker2")
    pcs.files.texts["shop.pcs"] = DESCRIPTION.replace("10.0.0.9", "10.0.0.8")
    out = pcs.ok("cluster apply shop.pcs")
    assert out == "~ resource IP\n      ip: 10.0.0.9 -> 10.0.0.8\n"
    for kept in ("/bin/true", 'name="standby"', "cli-ban-Shop-on-worker2", "10.0.0.8"):
        assert kept in pcs.text


def test_what_is_no_longer_described_goes() -> None:
    pcs = described()
    pcs.ok("cluster apply shop.pcs")
    rest = DESCRIPTION.partition("pcs resource group")[0]
    pcs.files.texts["shop.pcs"] = rest
    out = pcs.ok("cluster apply shop.pcs")
    assert "- resource Shop" in out
    assert "- location constraint here" in out
    assert "rsc_location" not in pcs.text


def test_all_mistakes_of_a_description_are_told_and_nothing_changes() -> None:
    pcs = described(DESCRIPTION + "pcs resource meta Nobody a=b\npcs constraint order A then B\n")
    before = pcs.text
    status, _out, err = pcs("cluster apply shop.pcs")
    assert status == 1
    assert "Nobody" in err
    assert "Resource 'A' does not exist" in err
    assert pcs.text == before


def test_export_describes_what_apply_made() -> None:
    pcs = described()
    pcs.ok("cluster apply shop.pcs")
    pcs.ok("resource clone Shop")
    pcs.ok("resource defaults set create id=d meta resource-stickiness=1 rule resource ::apache")
    pcs.ok(
        "constraint location Shop-clone rule score=5 (#uname eq worker1 or defined x) "
        "and date gt 2030-01-01"
    )
    pcs.ok("cluster export all.pcs")
    other = CommandLine()
    other.files.texts["all.pcs"] = pcs.files.texts["all.pcs"]
    other.ok("cluster apply all.pcs")
    other.ok("cluster export again.pcs")
    assert other.files.texts["again.pcs"] == pcs.files.texts["all.pcs"]
    assert "nothing to do" in pcs.ok("cluster plan all.pcs")


def test_folder_is_read_by_name() -> None:
    pcs = CommandLine()
    pcs.files.texts["d/1.pcs"] = "pcs resource create A ocf:pacemaker:Dummy"
    pcs.files.texts["d/2.pcs"] = "pcs resource clone A"
    pcs.files.texts["d/notes.txt"] = "nothing"
    pcs.ok("cluster apply d")
    assert "A-clone" in pcs.text
