"""Who is told, and what in."""

from paceline.daemon.alerts import alert_environment, read_recipients
from paceline.model.identifiers import NodeName
from paceline.replica.effects import RaiseAlert

CIB = b"""<cib><configuration><alerts>
<alert id="a" path="/bin/a"><recipient id="a-r" value="ops"/></alert>
<alert id="b" path="/bin/b">
 <select><select_nodes/><select_attributes><attribute name="pingd"/></select_attributes></select>
 <meta_attributes id="b-m"><nvpair id="b-t" name="timeout" value="5s"/></meta_attributes>
 <instance_attributes id="b-i"><nvpair id="b-l" name="level" value="high"/></instance_attributes>
</alert></alerts></configuration></cib>"""


def alert(kind: str, **facts: str) -> RaiseAlert:
    return RaiseAlert(kind=kind, node=NodeName("n1"), facts=tuple(facts.items()), position=1)


def test_recipients_are_read_with_their_limits_and_selection() -> None:
    first, second = read_recipients(CIB)
    assert (first.path, first.value, first.timeout_ms) == ("/bin/a", "ops", 30_000)
    assert (second.timeout_ms, second.environment) == (5000, (("level", "high"),))
    assert first.wants(alert("resource"))
    assert not first.wants(alert("attribute", attribute_name="pingd"))
    assert second.wants(alert("node"))
    assert not second.wants(alert("resource"))
    assert second.wants(alert("attribute", attribute_name="pingd"))
    assert not second.wants(alert("attribute", attribute_name="other"))


def test_nobody_is_told_when_the_configuration_is_no_xml() -> None:
    assert read_recipients(b"<cib") == ()


def test_variables_have_the_names_that_agents_know() -> None:
    (recipient, _) = read_recipients(CIB)
    told = alert("resource", resource="Web", task="start", rc="5", outcome="done", exit_reason="")
    environment = alert_environment(told, recipient, number=3, wall_ms=1_000, version="x")
    assert environment["CRM_alert_rsc"] == "Web"
    assert environment["CRM_alert_desc"] == "not installed"
    assert environment["CRM_alert_status"] == "0"
    assert environment["CRM_alert_recipient"] == "ops"
    assert environment["CRM_alert_node_sequence"] == "3"


def test_fencing_is_told_in_one_sentence() -> None:
    (recipient, _) = read_recipients(CIB)
    told = alert("fencing", action="reboot", ok="1")
    environment = alert_environment(told, recipient, number=1, wall_ms=1_000, version="x")
    assert environment["CRM_alert_desc"] == "Operation reboot of n1: OK"
    assert environment["CRM_alert_rc"] == "0"
