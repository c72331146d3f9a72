"""Reading CIBs: references, templates, tags, dates, status; and writing the status back."""

import pytest

from paceline.cib.dates import add_calendar_ms, parse_date_ms
from paceline.cib.read import read_configuration, snapshot_of_file
from paceline.cib.write_status import cib_with_status
from paceline.model.configuration import ColocationConstraint, LocationConstraint, Primitive
from paceline.model.errors import InvalidRequestError

CIB = b"""<cib admin_epoch="1" epoch="2" num_updates="3" have-quorum="1" dc-uuid="1">
<configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources>
 <template id="t" class="ocf" provider="heartbeat" type="Dummy">
  <operations><op id="t-m" name="monitor" interval="10s" timeout="5s"/></operations>
  <meta_attributes id="t-meta"><nvpair id="t-p" name="priority" value="5"/></meta_attributes>
 </template>
 <primitive id="a" template="t"><operations>
  <op id="a-m" name="monitor" interval="10s" timeout="7s"/></operations></primitive>
 <primitive id="b" template="t"><meta_attributes id-ref="t-meta"/></primitive>
</resources>
<constraints>
 <rsc_location id="l" rsc="both" node="n1" score="10"/>
 <rsc_colocation id="c" rsc="t" with-rsc="a" score="INFINITY"/>
</constraints>
<tags><tag id="both"><obj_ref id="a"/><obj_ref id="b"/></tag></tags>
</configuration>
<status>
 <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
  <transient_attributes id="1"><instance_attributes id="s1">
   <nvpair id="x" name="fail-count-a#monitor_10000" value="2"/></instance_attributes>
  </transient_attributes>
  <lrm id="1"><lrm_resources><lrm_resource id="a" class="ocf" provider="heartbeat" type="Dummy">
   <lrm_rsc_op id="a_last_0" operation_key="a_start_0" operation="start" call-id="4" rc-code="0"
    op-status="0" interval="0" op-digest="d" transition-key="1:2:0:u" on_node="n1"
    last-rc-change="1700000000"/></lrm_resource></lrm_resources></lrm></node_state>
</status></cib>"""


def test_template_is_merged_when_primitive_names_it() -> None:
    """Own operations win over the template's; what it does not say comes from there."""
    first, second = read_configuration(CIB).resources
    assert isinstance(first, Primitive)
    assert isinstance(second, Primitive)
    assert first.agent.agent_type == "Dummy"
    assert [dict(each.attributes)["timeout"] for each in first.operations] == ["7s"]
    assert [dict(each.attributes)["timeout"] for each in second.operations] == ["5s"]
    assert second.meta[0].pairs == (("priority", "5"),)


def test_tag_and_template_become_resources_when_constraint_names_them() -> None:
    """A location of a tag is one of each resource; a colocation becomes sets."""
    location, colocation = read_configuration(CIB).constraints
    assert isinstance(location, LocationConstraint)
    assert location.resources == ("a", "b")
    assert isinstance(colocation, ColocationConstraint)
    assert [each.resources for each in colocation.sets] == [("a", "b"), ("a",)]


def test_status_is_the_same_when_written_and_read_again() -> None:
    """What was read from a file is found again in the file that is written from it."""
    snapshot = snapshot_of_file(CIB, 5)
    again = snapshot_of_file(cib_with_status(CIB, snapshot.status), 5)
    before, after = snapshot.status.nodes[0], again.status.nodes[0]
    assert after.attributes == before.attributes
    assert after.history == before.history
    assert (after.is_member, after.is_online, after.is_expected) == (True, True, True)
    assert again.status.coordinator == "n1"


def test_refusal_names_the_reason_when_text_is_no_cib() -> None:
    """Broken XML and another root element are both refused."""
    for text in (b"<cib", b"<other/>"):
        with pytest.raises(InvalidRequestError):
            read_configuration(text)


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("1970-01-02", 86_400_000),
        ("1970-002", 86_400_000),
        ("1970-W01-5", 86_400_000),
        ("1970-01-01 01:00:00Z", 3_600_000),
        ("1970-01-01T01:00:00+01:00", 0),
    ],
)
def test_moment_is_found_when_date_is_iso_8601(text: str, moment_ms: int) -> None:
    """Calendar, ordinal and week dates, with times and zones."""
    assert parse_date_ms(text) == moment_ms


def test_last_day_is_taken_when_month_is_shorter() -> None:
    """A month after 31 January is the last of February."""
    start = parse_date_ms("2026-01-31")
    end = add_calendar_ms(start, years=0, months=1, days=0, seconds=0)
    assert end == parse_date_ms("2026-02-28")
