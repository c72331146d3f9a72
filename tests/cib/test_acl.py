"""Access control lists: what a user reads, which change is refused."""

from collections.abc import Callable

import pytest

from paceline.cib.acl import (
    Access,
    View,
    find_denied,
    is_enabled,
    permissions_of,
    with_status_place,
)
from paceline.cib.tree import Element, add_element, find_by_id, get_section, parse_cib, serialize

CIB = b"""<cib epoch="1" admin_epoch="0"><configuration>
<crm_config><cluster_property_set id="opts"><nvpair id="e" name="enable-acl" value="true"/>
</cluster_property_set></crm_config>
<nodes><node id="1" uname="n1"/></nodes>
<resources>
 <primitive id="web" class="ocf" provider="heartbeat" type="Dummy"><instance_attributes id="web-i">
  <nvpair id="web-password" name="password" value="secret"/>
  <nvpair id="web-port" name="port" value="80"/></instance_attributes></primitive>
 <primitive id="db" class="ocf" provider="heartbeat" type="Dummy"/>
</resources><constraints/>
<acls>
 <acl_target id="ann"><role id="reader"/><role id="web-operator"/></acl_target>
 <acl_target id="bob"><role id="web-operator"/></acl_target>
 <acl_target id="eve"><role id="broken"/></acl_target>
 <acl_group id="operators"><role id="all"/></acl_group>
 <acl_role id="reader"><acl_permission id="r1" kind="read" xpath="/cib"/></acl_role>
 <acl_role id="web-operator">
  <acl_permission id="w1" kind="write" reference="web"/>
  <acl_permission id="w2" kind="deny" xpath="//nvpair[@name='password']/@value"/>
 </acl_role>
 <acl_role id="all"><acl_permission id="a1" kind="write" xpath="/cib"/></acl_role>
 <acl_role id="broken"><acl_permission id="b1" kind="write" xpath="/cib"/>
  <acl_permission id="b2" kind="deny" xpath="//[["/></acl_role>
</acls></configuration></cib>"""


def _denied(user: str, change: Callable[[Element], None], *groups: str) -> str:
    old, new = parse_cib(CIB), parse_cib(CIB)
    change(new)
    return find_denied(old, new, permissions_of(old, user, groups))


def _set(wanted: str, name: str, value: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        found = find_by_id(root, wanted)
        assert found is not None
        found.set(name, value)

    return change


def _remove(wanted: str) -> Callable[[Element], None]:
    def change(root: Element) -> None:
        found = find_by_id(root, wanted)
        assert found is not None
        parent = found.getparent()
        assert parent is not None
        parent.remove(found)

    return change


def _give_himself_all(root: Element) -> None:
    add_element(get_section(root, "acls"), "acl_target", (("id", "bob"),))


def _swap_resources(root: Element) -> None:
    section = get_section(root, "resources")
    section.append(section[0])


def _count_on(root: Element) -> None:
    root.set("epoch", "9")
    root.set("update-user", "bob")


def test_acl_counts_only_when_it_is_enabled() -> None:
    assert is_enabled(parse_cib(CIB))
    assert not is_enabled(parse_cib(CIB.replace(b'value="true"', b'value="false"')))
    assert not is_enabled(parse_cib(b"<cib/>"))


@pytest.mark.parametrize(
    ("user", "change", "denied"),
    [
        ("bob", _set("web-port", "value", "81"), ""),
        ("bob", _count_on, ""),
        ("bob", _set("web-password", "value", "x"), "change <nvpair id='web-password'>"),
        ("bob", _set("web-port", "name", "password"), "change <nvpair id='web-port'>"),
        ("bob", _set("db", "type", "Stateful"), "change <primitive id='db'>"),
        ("bob", _set("e", "value", "false"), "change <nvpair id='e'>"),
        ("bob", _remove("db"), "remove <primitive id='db'>"),
        ("bob", _remove("web"), "remove <nvpair id='web-password'>"),
        ("bob", _give_himself_all, "add <acl_target id='bob'>"),
        ("bob", _swap_resources, "change the order in <resources>"),
        ("ann", _set("db", "type", "Stateful"), "change <primitive id='db'>"),
        ("nobody", _set("web-port", "value", "81"), "change <nvpair id='web-port'>"),
        ("eve", _set("web-port", "value", "81"), "change <nvpair id='web-port'>"),
    ],
)
def test_change_is_denied_where_nothing_allows_it(
    user: str, change: Callable[[Element], None], denied: str
) -> None:
    assert _denied(user, change) == denied


def test_group_gives_its_permissions_to_its_members() -> None:
    assert _denied("carl", _set("db", "type", "Stateful"), "operators") == ""
    assert _denied("carl", _set("db", "type", "Stateful"), "others") != ""


def test_what_is_not_readable_is_left_out() -> None:
    root = parse_cib(CIB)
    shown = View(root, permissions_of(root, "ann", ())).readable()
    assert shown is not None
    text = serialize(shown)
    assert b"secret" not in text
    assert b'id="db"' in text
    shown = View(root, permissions_of(root, "bob", ())).readable()
    assert shown is not None
    text = serialize(shown)
    assert b"web-port" in text
    assert b'id="db"' not in text
    assert b"admin_epoch" not in text


@pytest.mark.parametrize("user", ["nobody", "eve"])
def test_nothing_is_readable_without_a_permission_or_with_a_broken_one(user: str) -> None:
    root = parse_cib(CIB)
    assert View(root, permissions_of(root, user, ())).readable() is None


@pytest.mark.parametrize(
    ("user", "groups", "reads", "writes"),
    [("ann", (), True, False), ("bob", (), False, False), ("carl", ("operators",), True, True)],
)
def test_status_is_a_part_like_others(
    user: str, groups: tuple[str, ...], reads: bool, writes: bool
) -> None:
    root = with_status_place(parse_cib(CIB))
    view = View(root, permissions_of(root, user, groups))
    assert view.may_in_status(Access.READ) is reads
    assert view.may_in_status(Access.WRITE) is writes
    assert view.may_everywhere(Access.WRITE) is writes
