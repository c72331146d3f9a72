"""The digest of a whole configuration, by which other tools tell whether two are the same.

Source: the answers of `cibadmin --md5-sum` and `--md5-sum-versioned` to small documents.
"""

from hashlib import md5

from lxml import etree

from paceline.cib.xml_text import Element, parse_text

FEATURE_SET = "crm_feature_set"
NOT_VERSIONED = (
    "cib-last-written", "update-origin", "update-client", "update-user", "crm-debug-origin",
)  # fmt: skip


def configuration_digest(root: Element, *, is_versioned: bool) -> str:
    """Return the MD5 of a document without any text between its elements.

    The versioned form leaves out who wrote it and when; the older one counts all.
    """
    bare = parse_text(etree.tostring(root))
    for element in bare.iter():
        element.text = element.tail = None
    if not is_versioned or bare.get(FEATURE_SET) is None:
        return md5(b" " + _text(bare) + b"\n", usedforsecurity=False).hexdigest()
    for element in bare.iter():
        for name in NOT_VERSIONED:
            element.attrib.pop(name, "")
    return md5(_text(bare), usedforsecurity=False).hexdigest()


def _text(root: Element) -> bytes:
    # Without text between elements an apostrophe stands in a value.
    return etree.tostring(root, encoding="utf-8").replace(b"'", b"&apos;")
