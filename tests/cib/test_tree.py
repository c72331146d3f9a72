"""Ids and sections of the tree that is edited."""

from collections.abc import Callable

import pytest

from paceline.cib.names import check_id_form, clean_id
from paceline.cib.read import parse_xml
from paceline.cib.tree import find_section, get_section, has_id, parse_cib, serialize, unique_id
from paceline.model.errors import InvalidRequestError

CIB = b"""<cib><configuration><crm_config/><nodes/>
<resources><primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/></resources>
<constraints/><tags><tag id="T"><obj_ref id="B"/></tag></tags></configuration></cib>"""


def test_unique_id_counts_up_when_taken_or_reserved() -> None:
    root = parse_cib(CIB)
    assert unique_id(root, "B") == "B"
    assert unique_id(root, "A") == "A-1"
    assert unique_id(root, "A", reserved=("A-1", "A-2")) == "A-3"


def test_reference_takes_no_id() -> None:
    assert not has_id(parse_cib(CIB), "B")
    assert has_id(parse_cib(CIB), "T")


def test_get_section_makes_it_when_missing() -> None:
    root = parse_cib(CIB)
    assert find_section(root, "alerts") is None
    get_section(root, "alerts")
    assert find_section(parse_cib(serialize(root)), "alerts") is not None


@pytest.mark.parametrize("document", [b"", b"<cib>", b"<other/>", b"not xml"])
def test_parse_refuses_what_is_no_cib(document: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse_cib(document)


DEEP = b"<cib>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</cib>"
DOCTYPE_16 = '<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE cib [<!ENTITY e "x">]><cib a="&e;"/>'


@pytest.mark.parametrize(
    "document",
    [
        b'<!DOCTYPE cib [<!ENTITY e SYSTEM "file:///etc/passwd">]><cib><a>&e;</a></cib>',
        b'<!DOCTYPE cib [<!ENTITY e "x">]><cib a="&e;"/>',
        b'<!DOCTYPE cib SYSTEM "http://127.0.0.1/cib.dtd"><cib/>',
        b'<!DOCTYPE cib [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><cib/>',
        b"<!DOCTYPE cib><cib/>",
        DOCTYPE_16.encode("utf-16"),
        b"<cib>&nosuch;</cib>",
        DEEP,
    ],
)
@pytest.mark.parametrize("parse", [parse_cib, parse_xml])
def test_parse_refuses_entities_document_types_and_depth(
    parse: Callable[[bytes], object], document: bytes
) -> None:
    with pytest.raises(InvalidRequestError):
        parse(document)


def test_parse_leaves_instructions_and_comments_out() -> None:
    root = parse_cib(b"<cib><?php evil ?><!-- note --><configuration/></cib>")
    assert [child.tag for child in root] == ["configuration"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "resource name cannot be empty"),
        ("1a", "'1' is not a valid first character for a resource name"),
        ("a#b", "'#' is not a valid character for a resource name"),
    ],
)
def test_check_id_form_says_which_character(value: str, message: str) -> None:
    (report,) = check_id_form(value, "resource name")
    assert message in report.message


def test_clean_id_drops_what_an_id_must_not_have() -> None:
    assert clean_id("fl-n[0-9]-1") == "fl-n0-9-1"
    assert clean_id("9a") == "a"
