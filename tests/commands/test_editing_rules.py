"""Rules of editing that scripts rely on: what is refused, what goes together, which ids."""

from tests.commands.command_line import CommandLine

OLD_RULE = "constraint location A rule date lt 2001-01-01"


def dummies(*names: str) -> CommandLine:
    """Return a configuration with a resource of each name."""
    pcs = CommandLine()
    for name in names:
        pcs.ok(f"resource create {name} ocf:pacemaker:Dummy")
    return pcs


def test_expired_constraint_is_listed_only_with_all_and_marked() -> None:
    pcs = dummies("A")
    pcs.ok(OLD_RULE)
    assert "2001" not in pcs.ok("constraint")
    assert "Constraint (expired): location-A" in pcs.ok("constraint --all")


def test_expired_defaults_are_listed_unless_the_check_is_off() -> None:
    pcs = CommandLine()
    pcs.ok("resource defaults set create id=old meta a=b rule date lt 2001-01-01")
    assert pcs.ok("resource defaults") == ""
    assert pcs.ok("resource defaults --all").startswith("Meta Attrs (expired): old")
    assert pcs.ok("resource defaults --no-expire-check").startswith("Meta Attrs: old")


def test_all_wrong_parts_of_a_date_are_reported() -> None:
    status, _out, err = CommandLine()(
        "resource defaults set create meta a=b rule date-spec hours=25 weekdays=5-3 foo=1"
    )
    assert status == 1
    for part in ("'25' is not a valid hours", "'5-3' is not a valid weekdays", "option 'foo'"):
        assert part in err


def test_force_does_not_push_what_is_not_valid() -> None:
    pcs = dummies("A")
    before = pcs.text
    assert pcs("constraint location add c A worker1 50 foo=bar --force")[0] == 1
    assert pcs.text == before


def test_same_order_of_other_actions_is_no_duplicate() -> None:
    pcs = dummies("A", "B")
    pcs.ok("constraint order A then B")
    assert pcs("constraint order start A then start B")[0] == 1
    pcs.ok("constraint order stop A then stop B")


def test_sets_name_clones_by_their_own_id() -> None:
    pcs = dummies("A", "B")
    pcs.ok("resource clone A")
    status, _out, err = pcs("constraint order set A B")
    assert (status, "you should use the clone id: A-clone" in err) == (1, True)
    pcs.ok("constraint order set A-clone B")


def test_several_resources_are_deleted_at_once_and_leave_their_tags() -> None:
    pcs = dummies("A", "B", "C")
    pcs.ok("tag create t A B C")
    pcs.ok("resource delete A B")
    assert pcs.ok("tag config t") == "t\n  C\n"
    status, _out, err = pcs("resource delete C Nobody Nothing")
    assert (status, err) == (1, "Error: Unable to find resources: 'Nobody', 'Nothing'\n")
    pcs.ok("resource delete C")
    assert "<tag " not in pcs.text


def test_clear_expired_lifts_only_what_is_over() -> None:
    pcs = dummies("A")
    pcs.ok("resource ban A worker1 lifetime=PT1H")
    pcs.ok("resource clear A --expired")
    assert "cli-ban-A-on-worker1" in pcs.text
    pcs.cib.document = pcs.text.replace(' end="20', ' end="19').encode()
    pcs.ok("resource clear A --expired")
    assert "cli-ban" not in pcs.text


def test_users_are_no_ids_of_the_configuration_but_groups_of_them_are() -> None:
    pcs = dummies("A")
    pcs.ok("acl user create A")
    assert pcs("acl group create A")[0] == 1
    assert pcs("acl user create A")[0] == 1


def test_guest_node_comes_and_goes_with_its_names() -> None:
    pcs = dummies("A", "B")
    pcs.ok("cluster node add-guest vm1 A remote-addr=10.0.0.9")
    status, _out, err = pcs("cluster node add-guest vm1 B")
    assert (status, "'vm1' already exists" in err) == (1, True)
    pcs.ok("node standby vm1")
    pcs.ok("cluster node remove-guest 10.0.0.9")
    assert "remote-node" not in pcs.text


def test_removing_a_node_that_is_no_guest_says_so() -> None:
    status, _out, err = dummies("A")("cluster node remove-guest A")
    assert status == 1
    assert "guest node 'A' does not appear to exist" in err


def test_resource_in_a_bundle_is_not_cut_off_unless_forced() -> None:
    pcs = CommandLine()
    pcs.ok("resource bundle create B container podman image=i network control-port=9 meta a=")
    pcs.ok("resource create A ocf:pacemaker:Dummy bundle B")
    status, _out, err = pcs("resource bundle update B network control-port=")
    assert (status, "will not be accessible" in err) == (1, True)
    pcs.ok("resource bundle update B network control-port= --force")


def test_option_that_no_container_has_cannot_be_forced_in() -> None:
    pcs = CommandLine()
    before = pcs.text
    assert pcs("resource bundle create B container podman image=i colour=red --force")[0] == 1
    assert pcs.text == before


def test_standby_for_a_while_ends_by_itself_and_can_be_ended_or_made_lasting() -> None:
    pcs = CommandLine()
    pcs.ok("node standby worker1 lifetime=1h")
    assert "<date_expression" in pcs.text
    pcs.ok("node standby worker1")
    assert "<date_expression" not in pcs.text
    assert 'name="standby" value="on"' in pcs.text
    pcs.ok("node maintenance worker2 lifetime=PT5M")
    pcs.ok("node unmaintenance worker2")
    assert "maintenance" not in pcs.text
    assert pcs("node standby worker1 lifetime=soon")[0] == 1


def test_description_is_set_shown_and_taken_away() -> None:
    pcs = CommandLine()
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    pcs.ok("cib element description A 'the web shop'")
    assert pcs.ok("resource description A") == "the web shop\n"
    pcs.ok("resource description A ''")
    assert "description" not in pcs.text
    assert pcs("cib element description A-monitor-interval-10s-nosuch x")[0] == 1
