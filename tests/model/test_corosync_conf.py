"""corosync.conf is read, changed and written without loss."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.model.corosync_conf import (
    ClusterConf,
    ConfNode,
    Section,
    build_corosync_conf,
    is_package_example,
    parse_corosync_conf,
    read_link_ports,
    read_names,
    read_nodes,
    render_corosync_conf,
)

WORDS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
VALUES = st.from_regex(r"[a-z0-9][a-z0-9:/. -]{0,12}[a-z0-9]", fullmatch=True)
OPTIONS = st.lists(st.tuples(WORDS, VALUES), max_size=4).map(tuple)
SECTIONS = st.recursive(
    st.builds(Section, name=WORDS, options=OPTIONS),
    lambda inner: st.builds(
        Section, name=WORDS, options=OPTIONS, sections=st.lists(inner, max_size=3).map(tuple)
    ),
    max_leaves=8,
)
ROOTS = st.builds(Section, options=OPTIONS, sections=st.lists(SECTIONS, max_size=4).map(tuple))


@given(ROOTS)
def test_a_written_file_reads_as_it_was(root: Section) -> None:
    assert parse_corosync_conf(render_corosync_conf(root)) == root


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        parse_corosync_conf(text)


@pytest.mark.parametrize("text", ["totem {", "}", "nonsense", "{\n}", ": x"])
def test_a_broken_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"line|closed"):
        parse_corosync_conf(text)


def _conf(*, nodes: int, **more: object) -> str:
    made = tuple(
        ConfNode(name=f"n{i}", nodeid=i, addresses=(f"10.0.0.{i}", f"10.1.0.{i}"))
        for i in range(1, nodes + 1)
    )
    return build_corosync_conf(ClusterConf(name="demo", nodes=made, **more))  # type: ignore[arg-type]


def test_two_nodes_get_two_node_and_three_do_not() -> None:
    assert "two_node: 1" in _conf(nodes=2)
    assert "two_node" not in _conf(nodes=3)


def test_two_nodes_with_a_tie_breaker_do_not_get_two_node() -> None:
    assert "two_node" not in _conf(nodes=2, quorum=(("auto_tie_breaker", "1"),))


def test_encryption_is_on_unless_the_transport_has_none() -> None:
    assert "crypto_cipher: aes256" in _conf(nodes=2)
    assert "crypto" not in _conf(nodes=2, transport="udpu")


def test_names_and_addresses_are_found_again() -> None:
    text = _conf(nodes=3)
    assert read_names(text) == ("demo", ("n1", "n2", "n3"))
    assert read_nodes(parse_corosync_conf(text))[1].addresses == ("10.0.0.2", "10.1.0.2")


def test_links_have_ports_of_their_own_unless_the_file_says_other() -> None:
    assert read_link_ports(parse_corosync_conf(_conf(nodes=2))) == (5405, 5406)
    links = ((("linknumber", "1"), ("mcastport", "5405")),)
    assert read_link_ports(parse_corosync_conf(_conf(nodes=2, links=links))) == (5405, 5405)


def test_options_are_replaced_in_place_added_and_removed() -> None:
    section = Section(name="totem", options=(("a", "1"), ("b", "2")))
    changed = section.with_options((("a", "3"), ("b", ""), ("c", "4")))
    assert changed.options == (("a", "3"), ("c", "4"))


PACKAGE_EXAMPLE = """
totem {
    version: 2
    cluster_name: debian
}
nodelist {
    node {
        name: node1
        nodeid: 1
        ring0_addr: 127.0.0.1
    }
}
"""


def test_the_file_that_a_package_brings_is_no_cluster() -> None:
    assert is_package_example(PACKAGE_EXAMPLE)
    assert not is_package_example(PACKAGE_EXAMPLE.replace("127.0.0.1", "192.168.222.31"))
    assert not is_package_example("totem {")
