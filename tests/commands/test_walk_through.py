"""The notes' own words on a configuration: what they answer, and which ids they make."""

from tests.commands.command_line import CommandLine

CREATE_IP = (
    "resource create VirtualIP ocf:heartbeat:IPaddr2 ip=192.168.222.30 cidr_netmask=24 "
    "op monitor interval=30s"
)
CREATE_WEB = (
    "resource create WebService ocf:heartbeat:apache configfile=/etc/httpd/conf/httpd.conf "
    'statusurl="http://localhost/server-status" op monitor interval=1min'
)
DEFAULTS_WARNING = (
    "Warning: Defaults do not apply to resources which override them with their own defined "
    "values\n"
)


def web() -> CommandLine:
    """Return the notes' cluster with both resources, in their layout."""
    pcs = CommandLine(style="classic")
    pcs.ok(CREATE_IP)
    pcs.ok(CREATE_WEB)
    return pcs


def test_resource_create_makes_default_operations_and_ids() -> None:
    text = web().text
    for wanted in (
        'id="VirtualIP-instance_attributes-ip"',
        'id="VirtualIP-monitor-interval-30s"',
        'id="VirtualIP-start-interval-0s"',
        'id="WebService-monitor-interval-1min"',
    ):
        assert wanted in text


def test_defaults_are_shown_as_in_the_notes() -> None:
    pcs = web()
    assert pcs("resource defaults") == (0, "No defaults set\n", "")
    assert pcs("resource defaults resource-stickiness=60") == (0, "", DEFAULTS_WARNING)
    assert pcs("resource defaults") == (0, "resource-stickiness=60\n", "")
    assert pcs("resource op defaults") == (0, "No defaults set\n", "")
    assert pcs("resource op defaults timeout=60s") == (0, "", DEFAULTS_WARNING)
    assert pcs("resource op defaults") == (0, "timeout=60s\n", "")


def test_constraints_are_listed_as_in_the_notes() -> None:
    pcs = web()
    assert pcs.ok("constraint") == (
        "Location Constraints:\nOrdering Constraints:\nColocation Constraints:\n"
        "Ticket Constraints:\n"
    )
    pcs.ok("constraint colocation add WebService with VirtualIP INFINITY")
    status, _out, err = pcs("constraint order VirtualIP then WebService")
    assert status == 0
    assert err == (
        "Adding VirtualIP WebService (kind: Mandatory) "
        "(Options: first-action=start then-action=start)\n"
    )
    pcs.ok("constraint location WebService prefers worker1=INFINITY")
    pcs.ok("constraint location WebService avoids worker2")
    assert pcs.ok("constraint --full") == (
        "Location Constraints:\n"
        "  Resource: WebService\n"
        "    Enabled on: worker1 (score:INFINITY) (id:location-WebService-worker1-INFINITY)\n"
        "    Disabled on: worker2 (score:-INFINITY) (id:location-WebService-worker2--INFINITY)\n"
        "Ordering Constraints:\n"
        "  start VirtualIP then start WebService (kind:Mandatory) "
        "(id:order-VirtualIP-WebService-mandatory)\n"
        "Colocation Constraints:\n"
        "  WebService with VirtualIP (score:INFINITY) "
        "(id:colocation-WebService-VirtualIP-INFINITY)\n"
        "Ticket Constraints:\n"
    )
    pcs.ok("constraint remove location-WebService-worker2--INFINITY")
    assert "Disabled on" not in pcs.ok("constraint")


def test_a_new_preference_replaces_the_old_one() -> None:
    pcs = web()
    pcs.ok("constraint location WebService prefers worker2=50")
    pcs.ok("constraint location WebService prefers worker2=INFINITY")
    assert "    Enabled on: worker2 (score:INFINITY)\n" in pcs.ok("constraint")
    assert "score:50" not in pcs.ok("constraint")


def test_agents_are_listed() -> None:
    pcs = CommandLine()
    assert pcs.ok("resource standards") == "lsb\nocf\nservice\n"
    assert pcs.ok("resource providers") == "heartbeat\npacemaker\n"
    assert pcs.ok("resource agents ocf:heartbeat") == "IPaddr2\napache\n"
