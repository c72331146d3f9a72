"""Documents of others: CIB, corosync.conf, metadata. Understood or refused in words, never more."""

import contextlib

from hypothesis import example, given
from hypothesis import strategies as st
from tests.cib.test_acl import CIB as ACL_CIB
from tests.cib.test_read import CIB
from tests.fuzz.budget import budget

from paceline.cib.acl import View, find_denied, permissions_of
from paceline.cib.agent_metadata import parse_metadata
from paceline.cib.read import snapshot_of_file
from paceline.cib.tree import parse_cib, serialize
from paceline.cib.validate import validate
from paceline.model.agent_name import AgentName
from paceline.model.corosync_conf import (
    is_package_example,
    parse_corosync_conf,
    read_names,
    read_nodes,
    render_corosync_conf,
)
from paceline.model.errors import InvalidRequestError

TAGS = st.sampled_from(
    ["configuration", "crm_config", "nodes", "resources", "constraints", "status", "primitive",
     "group", "clone", "master", "bundle", "template", "operations", "op", "meta_attributes",
     "instance_attributes", "utilization", "nvpair", "rule", "expression", "date_expression",
     "duration", "date_spec", "rsc_location", "rsc_colocation", "rsc_order", "rsc_ticket",
     "resource_set", "resource_ref", "tags", "tag", "obj_ref", "fencing-topology",
     "fencing-level", "alerts", "alert", "recipient", "select", "node_state", "lrm",
     "lrm_resources", "lrm_resource", "lrm_rsc_op", "transient_attributes", "tickets",
     "ticket_state", "cluster_property_set", "docker", "network", "storage", "acls", "acl_role"]
)  # fmt: skip
NAMES = st.sampled_from(
    ["id", "name", "value", "rsc", "with-rsc", "first", "then", "score", "node", "uname", "type",
     "class", "provider", "template", "id-ref", "rsc-pattern", "kind", "sequential", "interval",
     "timeout", "operation", "start", "end", "attribute", "boolean-op", "symmetrical", "index",
     "devices", "target", "call-id", "rc-code", "op-status", "last-rc-change", "epoch", "months"]
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from(
        ["", "a", "b", "t", "1", "-1", "INFINITY", "-INFINITY", "true", "10s", "PT1M", "started",
         "99999999999999999999", "²", "٣", "defined", "in_range", "2026-02-30", "*", "../..", "#id"]
    ),
    st.text("ab01 :/-+%#'[]().²", max_size=12),
)  # fmt: skip
ELEMENTS = st.recursive(
    st.tuples(TAGS, st.dictionaries(NAMES, VALUES, max_size=6), st.just(())),
    lambda inner: st.tuples(
        TAGS, st.dictionaries(NAMES, VALUES, max_size=6), st.lists(inner, max_size=4)
    ),
    max_leaves=25,
)


def _xml(element: tuple[str, dict[str, str], list[object]]) -> str:
    tag, attributes, children = element
    words = "".join(f' {name}="{_escaped(value)}"' for name, value in attributes.items())
    return f"<{tag}{words}>{''.join(_xml(child) for child in children)}</{tag}>"  # type: ignore[arg-type]  # a recursive strategy has no precise type


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _read(document: bytes) -> None:
    """Do all that is done with a CIB from outside."""
    with contextlib.suppress(InvalidRequestError):
        snapshot_of_file(document, 0)
        root = parse_cib(document)
        validate(root)
        assert parse_cib(serialize(root)).tag == "cib"


@budget(250)
@given(st.lists(ELEMENTS, max_size=6))
def test_cib_of_any_elements_is_read_or_refused(
    elements: list[tuple[str, dict[str, str], list[object]]],
) -> None:
    inner = "".join(_xml(element) for element in elements)
    sections = "".join(f"<{name}>{inner}</{name}>" for name in ("resources", "constraints", "tags"))
    _read(f"<cib><configuration>{sections}</configuration><status>{inner}</status></cib>".encode())


@budget(250)
@given(st.data())
def test_damaged_cib_is_read_or_refused(data: st.DataObject) -> None:
    text = bytearray(CIB)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(text) - 1))
        end = place + data.draw(st.integers(0, 30))
        text[place:end] = data.draw(st.one_of(st.binary(max_size=4), VALUES.map(str.encode)))
        if not text:
            return
    _read(bytes(text))


def test_deeply_nested_rules_are_read_or_refused() -> None:
    for depth in (50, 200, 100_000):
        nested = '<rule id="a" score="1">' * depth + "</rule>" * depth
        _read(
            f'<cib><configuration><constraints><rsc_location id="l" rsc="a">{nested}'
            "</rsc_location></constraints></configuration></cib>".encode()
        )


@budget(100)
@given(st.lists(ELEMENTS, max_size=3), VALUES)
def test_acl_never_raises_on_any_documents(
    elements: list[tuple[str, dict[str, str], list[object]]], path: str
) -> None:
    inner = "".join(_xml(element) for element in elements)
    role = f'<acl_permission id="z" kind="write" xpath="{_escaped(path)}"/></acl_role>'
    old = parse_cib(ACL_CIB.replace(b"</acl_role>", role.encode(), 1))
    new = parse_cib(
        ACL_CIB.replace(b"<constraints/>", f"<constraints>{inner}</constraints>".encode())
    )
    for user in ("ann", "bob"):
        permissions = permissions_of(old, user, ())
        find_denied(old, new, permissions)
        find_denied(new, old, permissions)
        View(new, permissions).readable()


@budget(200)
@given(
    st.lists(
        st.one_of(
            st.sampled_from(["totem {", "nodelist {", "node {", "}", "quorum {", "{", "#", ":"]),
            st.tuples(st.sampled_from(["nodeid", "name", "ring0_addr", "version"]), VALUES).map(
                ": ".join
            ),
            st.text(max_size=20),
        ),
        max_size=20,
    ).map("\n".join)
)
@example("a {\n" * 500)
def test_corosync_conf_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        root = parse_corosync_conf(text)
        assert parse_corosync_conf(render_corosync_conf(root)) == root
        read_nodes(root)
    is_package_example(text)
    with contextlib.suppress(ValueError):
        read_names(text)


@budget(100)
@given(st.one_of(st.binary(max_size=200), ELEMENTS.map(_xml).map(str.encode)))
@example(
    b'<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><resource-agent>&e;</resource-agent>'
)
def test_agent_metadata_is_read_or_refused(text: bytes) -> None:
    name = AgentName(standard="ocf", provider="heartbeat", type="x")
    with contextlib.suppress(ValueError):
        whole = b"<resource-agent><parameters>" + text + b"</parameters></resource-agent>"
        assert "root:" not in repr(parse_metadata(name, whole))
    with contextlib.suppress(ValueError):
        assert "root:" not in repr(parse_metadata(name, text))
