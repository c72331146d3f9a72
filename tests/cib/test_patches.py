"""Patches between configurations."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from paceline.cib.patches import PatchError, apply_patch, is_meant_for, make_patch
from paceline.cib.tree import Element


def _cib(*ids: tuple[str, str], epoch: int = 1) -> Element:
    root = etree.Element("cib", {"epoch": str(epoch), "admin_epoch": "0", "num_updates": "0"})
    resources = etree.SubElement(etree.SubElement(root, "configuration"), "resources")
    for name, kind in ids:
        etree.SubElement(resources, "primitive", {"id": name, "type": kind})
    return root


def _text(root: Element) -> bytes:
    return etree.tostring(root, method="c14n")


_RESOURCES = st.lists(
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from(("x", "y"))),
    unique_by=lambda pair: pair[0],
)


@given(_RESOURCES, _RESOURCES)
def test_patch_makes_the_new_of_the_old(
    old: list[tuple[str, str]], new: list[tuple[str, str]]
) -> None:
    root, wanted = _cib(*old), _cib(*new, epoch=2)
    patch = make_patch(root, wanted)
    assert patch is not None
    apply_patch(root, etree.fromstring(etree.tostring(patch)))
    assert _text(root) == _text(wanted)


def test_equal_configurations_have_no_patch() -> None:
    assert make_patch(_cib(("a", "x")), _cib(("a", "x"))) is None
    assert make_patch(_cib(), _cib(epoch=9), has_versions=False) is None


def test_elements_without_id_are_named_by_their_place() -> None:
    old = etree.fromstring("<cib><acl><r v='1'/><r v='2'/><r v='3'/></acl></cib>")
    new = etree.fromstring("<cib><acl><r v='1'/><r v='5'/></acl></cib>")
    patch = make_patch(old, new)
    assert patch is not None
    apply_patch(old, patch)
    assert _text(old) == _text(new)


def test_patch_is_refused_when_what_it_changes_is_not_there() -> None:
    patch = make_patch(_cib(("a", "x")), _cib(("a", "y")))
    assert patch is not None
    with pytest.raises(PatchError, match="primitive"):
        apply_patch(_cib(), patch)


def test_patch_is_meant_for_the_version_it_was_made_from() -> None:
    patch = make_patch(_cib(epoch=3), _cib(epoch=4))
    assert patch is not None
    assert is_meant_for(_cib(epoch=3), patch)
    assert not is_meant_for(_cib(epoch=5), patch)


@pytest.mark.parametrize("text", ["<other/>", '<diff format="1"/>'])
def test_what_is_no_patch_is_refused(text: str) -> None:
    with pytest.raises(PatchError):
        apply_patch(_cib(), etree.fromstring(text))
