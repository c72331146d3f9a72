"""The scheduler says when time alone would change its decision."""

from paceline.cib.read import snapshot_of_file
from paceline.model.plan import Plan
from paceline.scheduler import schedule

NOW_S = 1_700_000_100
FAILED_S = NOW_S - 60
STARTED_S = NOW_S - 10
TIMEOUT_S = 30

CIB = f"""
<cib admin_epoch="0" epoch="1" num_updates="1" have-quorum="1" dc-uuid="1">
  <configuration>
    <crm_config><cluster_property_set id="options">
      <nvpair id="o1" name="stonith-enabled" value="false"/>
    </cluster_property_set></crm_config>
    <nodes><node id="1" uname="a1"/></nodes>
    <resources>
      <primitive id="r" class="ocf" provider="heartbeat" type="Dummy">
        <meta_attributes id="rm">
          <nvpair id="rf" name="failure-timeout" value="{TIMEOUT_S}s"/>
        </meta_attributes>
      </primitive>
    </resources>
    <constraints/>
  </configuration>
  <status>
    <node_state id="1" uname="a1" in_ccm="true" crmd="online" join="member" expected="member">
      <transient_attributes id="1"><instance_attributes id="status-1">
        <nvpair id="s1" name="fail-count-r#monitor_10000" value="1"/>
        <nvpair id="s2" name="last-failure-r#monitor_10000" value="{FAILED_S}"/>
      </instance_attributes></transient_attributes>
      <lrm id="1"><lrm_resources>
        <lrm_resource id="r" class="ocf" provider="heartbeat" type="Dummy">
          <lrm_rsc_op id="r_last_0" operation_key="r_start_0" operation="start" call-id="9"
            transition-key="1:1:0:x" transition-magic="0:0;1:1:0:x" rc-code="0" op-status="0"
            interval="0" last-rc-change="{STARTED_S}"
            op-digest="f2317cad3d54cec5d7d7aa7d0bf35cf8"/>
        </lrm_resource>
      </lrm_resources></lrm>
    </node_state>
  </status>
</cib>
""".encode()


def plan_at(now_s: int) -> Plan:
    snapshot = snapshot_of_file(CIB, now_s * 1000)
    return schedule(snapshot)


def test_expired_fail_count_is_looked_at_again_when_an_old_result_may_clear_it() -> None:
    plan = plan_at(NOW_S)
    assert not plan.actions
    assert plan.recheck_at_ms == (STARTED_S + TIMEOUT_S) * 1000
    later = plan_at(plan.recheck_at_ms // 1000)
    assert [action.task for action in later.actions] == ["clear_failcount"]
