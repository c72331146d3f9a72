"""`resource move`, `restart`, `delete` on a live cluster: nothing is left behind, come what may."""

from tests.commands.command_line import CommandLine

RUNNING = """<cib epoch="1"><configuration><crm_config/><nodes>
<node id="1" uname="worker1"/><node id="2" uname="worker2"/></nodes>
<resources><primitive id="A" class="ocf" provider="pacemaker" type="Dummy"/></resources>
<constraints/></configuration><status><node_state id="1" uname="worker1" in_ccm="true"
crmd="online" join="member" expected="member"><lrm id="1"><lrm_resources>
<lrm_resource id="A" class="ocf" provider="pacemaker" type="Dummy">
<lrm_rsc_op id="A_last_0" operation="start" call-id="5" rc-code="0" op-status="0" interval="0"
transition-key="1:0:0:x"/></lrm_resource></lrm_resources></lrm></node_state></status></cib>"""


def test_move_lifts_its_constraint_when_the_resource_did_not_move() -> None:
    pcs = CommandLine(RUNNING, settles=True)
    status, _out, err = pcs("resource move A worker2")
    assert status == 1
    assert "was not moved to node 'worker2'" in err
    assert "pcs why A worker2" in err
    assert pcs.daemon is not None
    assert "cli-prefer-A" in pcs.daemon.seen[0]
    assert "cli-prefer-A" not in pcs.text


def test_move_lifts_its_constraint_when_the_cluster_does_not_settle() -> None:
    pcs = CommandLine(RUNNING, settles=False)
    status, _out, err = pcs("resource move A worker2")
    assert status == 1
    assert "did not settle in time" in err
    assert "cli-prefer-A" not in pcs.text


def test_move_without_a_node_leaves_where_it_runs() -> None:
    pcs = CommandLine(RUNNING, settles=True)
    pcs("resource move A")
    assert pcs.daemon is not None
    assert 'id="cli-ban-A-on-worker1"' in pcs.daemon.seen[0]
    assert "cli-ban" not in pcs.text


def test_move_keeps_its_constraint_as_in_the_notes_when_classic() -> None:
    pcs = CommandLine(RUNNING, settles=True, style="classic")
    pcs.ok("resource move A worker2")
    assert 'id="cli-prefer-A"' in pcs.text


def test_restart_puts_the_target_role_back_when_it_does_not_stop() -> None:
    pcs = CommandLine(RUNNING, settles=False)
    status, _out, err = pcs("resource restart A")
    assert status == 1
    assert "Could not stop A in time" in err
    assert pcs.daemon is not None
    assert 'value="Stopped"' in pcs.daemon.seen[0]
    assert 'value="Stopped"' not in pcs.text


def test_delete_stops_a_resource_first_and_keeps_it_when_it_does_not_stop() -> None:
    pcs = CommandLine(RUNNING, settles=False)
    status, _out, err = pcs("resource delete A")
    assert status == 1
    assert "Unable to stop: A" in err
    assert '<primitive id="A"' in pcs.text
    assert CommandLine(RUNNING, settles=True)("resource delete A")[0] == 0


def _pair(constraint: str) -> CommandLine:
    """A and B run on worker1; both nodes are online."""
    result = RUNNING.partition("<lrm_resources>")[2].partition("</lrm_resources>")[0]
    absent = result.replace('operation="start"', 'operation="monitor"').replace(
        'rc-code="0"', 'rc-code="7"'
    ).replace("1:0:0:x", "1:0:7:x")  # fmt: skip
    text = RUNNING.replace("<resources>", '<resources><primitive id="B" class="ocf" '
        'provider="pacemaker" type="Dummy"/>').replace("<constraints/>",
        f"<constraints>{constraint}</constraints>").replace('<cib epoch="1">',
        '<cib epoch="1" have-quorum="1">').replace("<crm_config/>",
        '<crm_config><cluster_property_set id="o"><nvpair id="s" name="stonith-enabled" '
        'value="false"/></cluster_property_set></crm_config>')  # fmt: skip
    text = text.replace(result, result + result.replace('"A', '"B'))
    second = absent + absent.replace('"A', '"B')
    state = (
        '<node_state id="2" uname="worker2" in_ccm="true" crmd="online" join="member" '
        f'expected="member"><lrm id="2"><lrm_resources>{second}</lrm_resources></lrm></node_state>'
    )
    return CommandLine(text.replace("</status>", f"{state}</status>"), settles=True)


def test_a_strict_move_is_refused_where_another_resource_would_follow() -> None:
    together = '<rsc_colocation id="c" rsc="B" with-rsc="A" score="INFINITY"/>'
    pcs = _pair(together)
    status, _out, err = pcs("resource move A worker2 --strict")
    assert status == 1
    assert "Unable to move resource 'A': other resources would be affected: 'B'" in err
    assert pcs.cib.pushes == 0


def test_a_strict_move_goes_on_where_nothing_else_is_affected() -> None:
    pinned = '<rsc_location id="l" rsc="B" node="worker1" score="INFINITY"/>'
    pcs = _pair(pinned)
    pcs("resource move A worker2 --strict")
    assert pcs.daemon is not None
    assert 'id="cli-prefer-A"' in pcs.daemon.seen[0]


def test_a_strict_move_of_nothing_says_that_there_is_no_such_resource() -> None:
    _status, _out, err = _pair("")("resource move X worker2 --strict")
    assert "'X' does not exist" in err
