"""What `crm_mon` tells of states that monitoring and people ask about: layouts, node by node."""

import re

import pytest
from tool_bench import Bench

from paceline.commands.tools_monitor import crm_mon

AGENT = 'class="ocf" provider="pacemaker"'


def _node(name: str, rows: str = "", attributes: str = "", *, is_online: bool = True) -> str:
    word = "online" if is_online else "offline"
    member = "true" if is_online else "false"
    role = "member" if is_online else "down"
    return (
        f'<node_state id="{name}" uname="{name}" in_ccm="{member}" crmd="{word}" '
        f'join="{role}" expected="{role}">'
        f'<transient_attributes id="{name}"><instance_attributes id="t-{name}">{attributes}'
        f"</instance_attributes></transient_attributes>"
        f'<lrm id="{name}"><lrm_resources>{rows}</lrm_resources></lrm></node_state>'
    )


def _ran(resource: str, kind: str, task: str = "start", rc: int = 0, interval_ms: int = 0) -> str:
    return (
        f'<lrm_resource id="{resource}" {AGENT} type="{kind}"><lrm_rsc_op id="{resource}_last_0" '
        f'operation_key="{resource}_{task}_{interval_ms}" operation="{task}" call-id="3" '
        f'rc-code="{rc}" op-status="0" interval="{interval_ms}" transition-key="1:1:0:k" '
        f'transition-magic="0:{rc};1:1:0:k" exec-time="20" last-rc-change="1700000000"/>'
        "</lrm_resource>"
    )


def _attribute(name: str, value: str) -> str:
    return f'<nvpair id="a-{name}" name="{name}" value="{value}"/>'


def _meta(of: str, **pairs: str) -> str:
    rows = "".join(
        f'<nvpair id="{of}-{name}" name="{name.replace("_", "-")}" value="{value}"/>'
        for name, value in pairs.items()
    )
    return f'<meta_attributes id="{of}-m">{rows}</meta_attributes>'


def _primitive(name: str, kind: str = "Dummy", inside: str = "") -> str:
    return f'<primitive id="{name}" {AGENT} type="{kind}">{inside}</primitive>'


def _shown(
    resources: str,
    status: str,
    *words: str,
    options: str = "",
    constraints: str = "",
    coordinator: str = "n1",
) -> str:
    bench = Bench()
    bench.store.is_live = False
    bench.store.document = (
        '<cib validate-with="pacemaker-3.9" epoch="3" num_updates="0" admin_epoch="0" '
        f'have-quorum="1" dc-uuid="{coordinator}"><configuration><crm_config>'
        '<cluster_property_set id="o">'
        f'<nvpair id="o1" name="stonith-enabled" value="false"/>{options}</cluster_property_set>'
        '</crm_config><nodes><node id="n1" uname="n1"/><node id="n2" uname="n2"/></nodes>'
        f"<resources>{resources}</resources><constraints>{constraints}</constraints></configuration>"
        f"<status>{status}</status></cib>"
    ).encode()
    return bench.run(crm_mon, *words).out


PING = _primitive(
    "p",
    "ping",
    '<instance_attributes id="pa"><nvpair id="pa1" name="host_list" value="a b"/>'
    '<nvpair id="pa2" name="multiplier" value="100"/></instance_attributes>',
)


@pytest.mark.parametrize(
    ("value", "remark"),
    [
        ("0", ": Connectivity is lost"),
        ("100", ": Connectivity is degraded (Expected=200)"),
        ("200", ""),
    ],
)
def test_ping_attribute_tells_how_good_the_connection_is(value: str, remark: str) -> None:
    status = _node("n1", _ran("p", "ping"), _attribute("pingd", value) + _attribute("x", "1"))
    text = _shown(PING, status, "-1", "-A")
    found = re.search(rf"\* pingd +\t: {value} +(.*)", text)
    assert found is not None
    assert found[1].strip() == remark
    xml = _shown(PING, status, "-X")
    assert f'<attribute name="pingd" value="{value}" expected="200"/>' in xml
    assert '<attribute name="x" value="1"/>' in xml


def test_nodes_list_what_runs_on_them_as_it_was_reported() -> None:
    resources = _primitive("a") + _primitive("b") + _primitive("c")
    status = _node("n1", _ran("b", "Dummy") + _ran("a", "Dummy"))
    text = _shown(resources, status, "-1", "-n", "-r")
    assert re.findall(r"\* (\w)\t", text) == ["b", "a", "c"]
    assert "Inactive Resources:\n  * c\t" in text
    brief = _shown(resources, status, "-1", "-n", "-b")
    assert "* 2\t(ocf:pacemaker:Dummy):\tActive " in brief
    assert "n2" not in brief.partition("Node List:")[2]
    xml = _shown(resources, status, "-X", "-n")
    assert re.findall(r'<resource id="(\w)"', xml) == ["b", "a", "c"]
    assert xml.index('id="a"') < xml.index("</nodes>") < xml.index('<resource id="c"')


def test_resources_are_listed_by_priority() -> None:
    resources = _primitive("low") + _primitive("high", inside=_meta("high", priority="5"))
    text = _shown(resources, _node("n1"), "-1", "-r")
    assert re.findall(r"\* (\w+)\t", text) == ["high", "low"]


def test_group_says_how_many_members_are_not_shown() -> None:
    group = f'<group id="g">{_primitive("a")}{_primitive("b")}</group>'
    text = _shown(group, _node("n1", _ran("a", "Dummy")), "-1")
    assert "Resource Group: g (1 member inactive):" in text
    assert "Resource Group: g:" in _shown(group, _node("n1", _ran("a", "Dummy")), "-1", "-r")


def test_operations_show_thresholds_and_timing_only_if_asked() -> None:
    clone = f'<clone id="c">{_primitive("a", inside=_meta("a", migration_threshold="3"))}</clone>'
    status = _node("n1", _ran("a", "Dummy", "monitor", interval_ms=5000))
    text = _shown(clone, status, "-1", "-o")
    assert (
        '    * a: migration-threshold=3:\n      * (3) monitor: interval="5000ms"\n' in text + "\n"
    )
    timed = _shown(clone, status, "-1", "-t")
    assert re.search(r'interval="5000ms" last-rc-change=".*" exec-time="20ms".* rc=0 \(ok\)', timed)


def test_ignored_failure_is_listed_too() -> None:
    operation = (
        '<operations><op id="o" name="monitor" interval="10s" on-fail="ignore"/></operations>'
    )
    status = _node("n1", _ran("a", "Dummy", "monitor", rc=7, interval_ms=10_000))
    text = _shown(_primitive("a", inside=operation), status, "-1")
    assert "* a 10s-interval monitor on n1 returned 'not running'" in text
    xml = _shown(_primitive("a", inside=operation), status, "-X")
    assert 'exitreason="none"' in xml


def test_nothing_is_unmanaged_for_want_of_a_fence_device() -> None:
    wanted = '<nvpair id="o2" name="fencing-enabled" value="true"/>'
    text = _shown(_primitive("a"), _node("n1", _ran("a", "Dummy")), "-1", options=wanted)
    assert "Started n1" in text
    assert "unmanaged" not in text


def test_bans_name_the_rule_that_bans() -> None:
    rule = (
        '<rule id="never" score="-INFINITY"><expression id="e" attribute="#uname" '
        'operation="eq" value="n2"/></rule>'
    )
    location = f'<rsc_location id="l" rsc="a">{rule}</rsc_location>'
    text = _shown(_primitive("a"), _node("n1") + _node("n2"), "-1", "-L", constraints=location)
    assert "* never\tprevents a from running on n2" in text


@pytest.mark.parametrize(
    ("attributes", "is_online", "line"),
    [
        ("", True, "CLUSTER OK: 2 nodes online, 1 resource instance configured"),
        ("standby", True,
         "CLUSTER OK: 1 node online, 1 standby node, 1 resource instance configured"),
        ("maintenance", True,
         "CLUSTER OK: 1 node online, 1 maintenance node, 1 resource instance configured"),
        ("", False, "CLUSTER WARN: offline node: n2"),
    ],
)  # fmt: skip
def test_one_line_tells_monitoring_how_it_is(attributes: str, is_online: bool, line: str) -> None:
    given = _attribute(attributes, "true") if attributes else ""
    status = _node("n1") + _node("n2", "", given, is_online=is_online)
    assert _shown(_primitive("a"), status, "-s") == line


def test_older_xml_has_the_older_root() -> None:
    xml = _shown(_primitive("a"), _node("n1"), "-X")
    assert xml.startswith('<crm_mon version="')
    assert "<status " not in xml
    assert _shown(_primitive("a"), _node("n1"), "--output-as=xml").startswith("<pacemaker-result ")


def test_without_headers_the_missing_coordinator_is_still_told() -> None:
    text = _shown(_primitive("a"), "", "-1", "-D")
    assert "DC" not in text
    text = _shown(_primitive("a"), "", "-1", "-D", coordinator="")
    assert text.startswith("Cluster Summary:\n  * Current DC: NONE\n\n")


def test_sections_are_left_out_and_asked_for() -> None:
    status = _node("n1", _ran("a", "Dummy"), _attribute("x", "1"))
    assert _shown(_primitive("a"), status, "-1", "--include=none,nodes").startswith("Node List:")
    text = _shown(_primitive("a"), status, "-1", "--include=attributes", "--exclude=times,nodes")
    assert "Last updated" not in text
    assert "Node List" not in text
    assert "Stack:" in text
    assert "Node Attributes:" in text
    xml = _shown(_primitive("a"), status, "--output-as=xml", "--include=none,dc,resources")
    assert re.findall(r"^  <(\w+)", xml, re.MULTILINE) == ["summary", "resources", "status"]
    assert "<stack" not in xml
    bench = Bench()
    said = bench.run(crm_mon, "-1", "--include=weather")
    assert said.status == 64
    assert "'weather' is no section" in said.err
