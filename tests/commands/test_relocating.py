"""`resource relocate`: resources go where they would be if they did not stick."""

from tests.commands.command_line import CommandLine

STUCK = """<cib epoch="1" have-quorum="1"><configuration><crm_config><cluster_property_set id="o">
<nvpair id="o-s" name="stonith-enabled" value="false"/></cluster_property_set></crm_config><nodes>
<node id="1" uname="worker1"/><node id="2" uname="worker2"/></nodes>
<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/>
<primitive id="B" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints><rsc_location id="l1" rsc="A" node="worker2" score="100"/>
<rsc_location id="l2" rsc="B" node="worker2" score="100"/></constraints>
<rsc_defaults><meta_attributes id="d"><nvpair id="d-s" name="resource-stickiness" value="500"/>
</meta_attributes></rsc_defaults></configuration><status>
<node_state id="1" uname="worker1" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="1"><lrm_resources>{}{}</lrm_resources></lrm></node_state>
<node_state id="2" uname="worker2" in_ccm="true" crmd="online" join="member" expected="member">
<lrm id="2"><lrm_resources>{}{}</lrm_resources></lrm></node_state></status></cib>"""


def _result(resource: str, task: str, rc: int) -> str:
    return (
        f'<lrm_resource id="{resource}" class="ocf" provider="pacemaker" type="Dummy">'
        f'<lrm_rsc_op id="{resource}_last_0" operation="{task}" call-id="5" rc-code="{rc}"'
        f' op-status="0" interval="0" transition-key="1:0:{rc}:x"/></lrm_resource>'
    )


CIB = STUCK.format(
    *(_result(one, "start", 0) for one in "AB"), *(_result(one, "monitor", 7) for one in "AB")
)
MOVES = [
    "Creating location constraint: A prefers worker2=INFINITY",
    "Creating location constraint: B prefers worker2=INFINITY",
    "",
    "Waiting for resources to move...",
    "",
    "Removing constraint pcs-relocate-A",
    "Removing constraint pcs-relocate-B",
]


def test_run_marks_waits_and_takes_the_marks_away() -> None:
    pcs = CommandLine(CIB, settles=True)
    assert pcs.ok("resource relocate run").splitlines() == MOVES
    assert pcs.daemon is not None
    (during,) = pcs.daemon.seen
    for resource in "AB":
        assert (
            f'<rsc_location id="pcs-relocate-{resource}" rsc="{resource}" score="INFINITY"'
            ' node="worker2"/>' in during
        )
    assert "pcs-relocate" not in pcs.text


def test_run_takes_the_marks_away_where_the_cluster_does_not_settle() -> None:
    pcs = CommandLine(CIB, settles=False)
    status, _out, err = pcs("resource relocate run A")
    assert status == 1
    assert "did not settle in time" in err
    assert "pcs-relocate" not in pcs.text


def test_dry_run_says_the_same_and_changes_nothing() -> None:
    pcs = CommandLine(CIB)
    assert pcs.ok("resource relocate dry-run").splitlines() == MOVES
    assert pcs.cib.pushes == 0


def test_only_what_is_named_moves() -> None:
    pcs = CommandLine(CIB, settles=True)
    pcs.ok("resource relocate run B")
    assert pcs.daemon is not None
    assert 'rsc="A" score="INFINITY"' not in pcs.daemon.seen[0]
    assert 'rsc="B" score="INFINITY"' in pcs.daemon.seen[0]


def test_unknown_resources_are_all_named_and_nothing_moves() -> None:
    pcs = CommandLine(CIB, settles=True)
    status, out, err = pcs("resource relocate run A X Y")
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        "Error: unable to find a resource/clone/group: X",
        "Error: unable to find a resource/clone/group: Y",
    ]
    assert pcs.cib.pushes == 0


def test_show_has_the_places_of_now_and_the_moves_that_would_be() -> None:
    pcs = CommandLine(CIB, settles=True)
    shown = pcs.ok("resource relocate show")
    assert "* A\t(ocf:pacemaker:Dummy):\t Started worker1" in shown
    assert "* Move       A       ( worker1 -> worker2 )" in shown


def test_nothing_to_do_says_nothing() -> None:
    pcs = CommandLine(CIB.replace('value="500"', 'value="0"').replace('score="100"', 'score="0"'))
    assert pcs.ok("resource relocate dry-run A") == ""


def test_clear_removes_marks_that_were_left() -> None:
    mark = '<rsc_location id="pcs-relocate-A" rsc="A" node="worker2" score="INFINITY"/>'
    pcs = CommandLine(CIB.replace("<constraints>", f"<constraints>{mark}"))
    pcs.ok("resource relocate clear")
    assert "pcs-relocate" not in pcs.text
    assert 'id="l1"' in pcs.text
