"""What agents say of themselves, and what of it is believed."""

import pytest

from paceline.cib.agent_metadata import (
    AgentMetadata,
    UnsupportedVersionError,
    parse_metadata,
)
from paceline.cib.operations import check_operations
from paceline.cib.parameters import check_new_parameters
from paceline.model.agent_name import parse_agent_name

BARE = "<parameters/><actions/>"


def agent(name: str, inside: str, version: str = "1.1") -> AgentMetadata:
    """Return the metadata of an agent that says this."""
    text = f"<resource-agent name='x'><version>{version}</version>{inside}</resource-agent>"
    return parse_metadata(parse_agent_name(name), text.encode())


def test_agent_without_parameters_takes_none() -> None:
    (report,) = check_new_parameters(agent("ocf:mine:bare", BARE), {"a": "1"})
    assert report.message == "invalid resource option 'a', there are no options allowed"


def test_only_agents_of_the_two_projects_can_trace() -> None:
    ours, theirs = agent("ocf:mine:bare", BARE), agent("ocf:heartbeat:bare", BARE)
    assert [one.name for one in ours.parameters] == []
    assert [one.name for one in theirs.parameters] == ["trace_ra", "trace_file"]


def test_agent_without_actions_has_no_operation_to_configure() -> None:
    (report,) = check_operations([{"name": "start"}], agent("ocf:mine:bare", BARE))
    assert report.message == "'start' is not a valid operation name value"


def test_fence_device_can_be_started_though_its_agent_does_not_say_so() -> None:
    device = agent("stonith:bare", "<parameters/><actions><action name='off'/></actions>")
    assert check_operations([{"name": "start"}, {"name": "off"}], device) == []


def test_agent_of_an_unknown_version_is_not_read() -> None:
    with pytest.raises(UnsupportedVersionError, match=r"2\.0"):
        agent("ocf:mine:bare", BARE, version="2.0")


@pytest.mark.parametrize(
    "inside", ["<parameters><parameter/></parameters>", "<actions><action/></actions>"]
)
def test_what_has_no_name_is_refused(inside: str) -> None:
    with pytest.raises(ValueError, match="has no name"):
        agent("ocf:mine:bare", inside)
