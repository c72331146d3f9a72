"""Which devices fence a node: lists, maps, levels, priorities, delays, parameters."""

import pytest

from paceline.cib.read import read_configuration
from paceline.model.identifiers import NodeName
from paceline.replica.fence_devices import FenceDevice, HostCheck, levels_for


def device(name: str, **special: str) -> str:
    pairs = "".join(
        f'<nvpair id="{name}-{key}" name="{key}" value="{value}"/>'
        for key, value in special.items()
    )
    return (
        f'<primitive id="{name}" class="stonith" type="fence_lab">'
        f'<instance_attributes id="{name}-ia">{pairs}</instance_attributes></primitive>'
    )


def levels(resources: str, topology: str = "", target: str = "node1") -> list[list[str]]:
    document = (
        f"<cib><configuration><crm_config/><nodes/><resources>{resources}</resources>"
        f"<constraints/><fencing-topology>{topology}</fencing-topology></configuration></cib>"
    )
    configuration = read_configuration(document.encode())
    found = levels_for(configuration, NodeName(target), (("rack", "1"),))
    return [[each.id for each in level] for level in found]


def made(**special: str) -> FenceDevice:
    document = (
        f"<cib><configuration><crm_config/><nodes/><resources>{device('f', **special)}"
        "</resources><constraints/></configuration></cib>"
    )
    (level,) = levels_for(read_configuration(document.encode()), NodeName("node1"), ())
    return level[0]


def test_only_devices_that_list_the_node_are_tried_highest_priority_first() -> None:
    resources = (
        device("a", pcmk_host_list="node1,node2")
        + device("b", pcmk_host_list="node2")
        + device("c", pcmk_host_list="node1", priority="5")
        + device("d", pcmk_host_map="node1:3;node2:4")
    )
    assert levels(resources) == [["c"], ["a"], ["d"]]


def test_levels_of_the_topology_decide_where_there_are_any() -> None:
    resources = device("a", pcmk_host_list="node1") + device("b") + device("c")
    topology = (
        '<fencing-level id="l2" index="2" target="node1" devices="b,c"/>'
        '<fencing-level id="l1" index="1" target="node1" devices="a"/>'
        '<fencing-level id="l3" index="1" target="node2" devices="c"/>'
    )
    assert levels(resources, topology) == [["a"], ["b", "c"]]


@pytest.mark.parametrize(
    "target", ['target-pattern="^node[12]$"', 'target-attribute="rack" target-value="1"']
)
def test_level_is_found_by_pattern_and_by_attribute(target: str) -> None:
    topology = f'<fencing-level id="l" index="1" {target} devices="a"/>'
    assert levels(device("a"), topology) == [["a"]]


def test_disabled_device_is_not_used() -> None:
    disabled = device("a", pcmk_host_list="node1").replace(
        "</primitive>",
        '<meta_attributes id="m"><nvpair id="m-t" name="target-role" value="Stopped"/>'
        "</meta_attributes></primitive>",
    )
    assert levels(disabled) == []


def test_check_is_by_list_where_there_is_one_else_the_device_is_asked() -> None:
    assert made(pcmk_host_list="node1").host_check is HostCheck.STATIC
    assert made().host_check is HostCheck.DYNAMIC
    assert made(pcmk_host_check="none").host_check is HostCheck.NONE


def test_agent_gets_the_plug_of_the_map_and_nothing_of_ours() -> None:
    words = dict(made(pcmk_host_map="node1:3,4", ipaddr="10.0.0.1").parameters_for("node1"))
    assert words["port"] == "3,4" and words["nodename"] == "node1"
    assert words["ipaddr"] == "10.0.0.1"
    assert not any(name.startswith("pcmk_") for name in words)


def test_plug_that_the_administrator_gave_is_kept() -> None:
    words = dict(made(plug="outlet7", pcmk_host_list="node1").parameters_for("node1"))
    assert words["plug"] == "outlet7" and "port" not in words


def test_host_argument_is_named_or_left_out() -> None:
    named = dict(made(pcmk_host_argument="domain").parameters_for("node1"))
    assert named["domain"] == "node1" and "port" not in named
    without = dict(made(pcmk_host_argument="none").parameters_for("node1"))
    assert "port" not in without and without["nodename"] == "node1"


def test_delays_of_two_nodes_never_are_the_same() -> None:
    spread = made(pcmk_delay_base="2s", pcmk_delay_max="10s")
    assert [spread.delay_ms("node1", rank, 2) for rank in (0, 1)] == [2000, 10_000]
    mapped = made(pcmk_delay_base="node1:3s;node2:7s")
    assert mapped.delay_ms("node1", 0, 2) == 3000


def test_words_for_actions_times_and_tries_are_read() -> None:
    special = made(pcmk_reboot_action="off", pcmk_reboot_timeout="90s", pcmk_reboot_retries="4")
    assert special.action_for("reboot") == "off" and special.action_for("on") == "on"
    assert special.timeout_ms("reboot", 1) == 90_000 and special.timeout_ms("off", 1) == 1
    assert special.retries("reboot") == 4 and special.retries("off") == 2


def test_list_is_searched_for_the_node_and_its_plug() -> None:
    mapped = made(pcmk_host_map="node1:vm-1")
    assert mapped.is_listed("node1", "vm-1,\nvm-2,\n")
    assert made().is_listed("node1", "1,node1\n")
    assert not made().is_listed("node1", "node11\n")
