"""Default operations and what may be said of one."""

from paceline.cib.agent_metadata import parse_metadata
from paceline.cib.operations import check_operations, complete, default_operations, normalize
from paceline.model.agent_name import parse_agent_name

METADATA = b"""<resource-agent name="Dummy"><version>1.1</version><parameters/><actions>
<action name="start" timeout="20s"/><action name="stop" timeout="20s"/>
<action name="monitor" timeout="20s" interval="10s" role="Master"/>
<action name="monitor" timeout="20s" interval="10s" role="Slave"/>
<action name="meta-data" timeout="5s"/></actions></resource-agent>"""
AGENT = parse_metadata(parse_agent_name("ocf:heartbeat:Dummy"), METADATA)


def test_equal_intervals_of_a_name_are_spread_by_a_second() -> None:
    operations, notices = default_operations(AGENT, only_monitor=False)
    monitors = [(one["interval"], one["role"]) for one in operations if one["name"] == "monitor"]
    assert monitors == [("10s", "Promoted"), ("11", "Unpromoted")]
    assert [notice.code for notice in notices] == ["interval-changed"]


def test_given_operation_replaces_all_of_its_name() -> None:
    operations, notices = complete(
        [{"name": "monitor", "timeout": "5s"}], AGENT, only_monitor=False
    )
    assert [one["name"] for one in operations] == ["monitor", "start", "stop"]
    assert operations[0] == {"name": "monitor", "timeout": "5s", "interval": "60s"}
    assert notices == ()  # the agent's two monitors, of equal intervals, are not taken


def test_every_problem_is_reported_at_once() -> None:
    reports = check_operations(
        [
            {"name": "monitor", "interval": "10s", "role": "King", "on-fail": "explode"},
            {"name": "monitor", "interval": "10", "bogus": "1"},
            {"name": "sing", "timeout": "x"},
        ],
        AGENT,
    )
    codes = sorted(report.code for report in reports)
    assert codes == ["operation-duplicate", "option-invalid", *["value-invalid"] * 4]


def test_old_role_is_understood_and_noted() -> None:
    operation, notices = normalize({"name": "monitor", "role": "Master"})
    assert operation["role"] == "Promoted"
    assert len(notices) == 1
