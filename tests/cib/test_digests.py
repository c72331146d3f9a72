"""The digest of a configuration is the one that other tools come to."""

import pytest

from paceline.cib.digests import configuration_digest
from paceline.cib.xml_text import parse_text

EMPTY = b"<cib/>"
MODERN = b'<cib crm_feature_set="3.16.1"/>'


@pytest.mark.parametrize(
    ("document", "is_versioned", "digest"),
    [
        (EMPTY, False, "9da2e159fcd5d580a06068e4ba442380"),
        (EMPTY, True, "9da2e159fcd5d580a06068e4ba442380"),
        (MODERN, False, "b10d56d801468fd7a29652f2bbb10714"),
        (MODERN, True, "0f9e3323ad90174f6195ff44c1c06c83"),
        (b"<cib>\n <a>text</a>\n</cib>", False, "aff7189358e48474aa3d0a64d87a27e7"),
    ],
)
def test_digest_is_known(document: bytes, is_versioned: bool, digest: str) -> None:
    assert configuration_digest(parse_text(document), is_versioned=is_versioned) == digest


def test_versioned_digest_leaves_out_who_wrote_it() -> None:
    written = MODERN.replace(b"/>", b' cib-last-written="now" update-user="me"/>')
    root = parse_text(written)
    modern = configuration_digest(parse_text(MODERN), is_versioned=True)
    assert configuration_digest(root, is_versioned=True) == modern
    assert configuration_digest(root, is_versioned=False) != modern
    assert root.get("update-user") == "me"
