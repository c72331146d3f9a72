"""XML that others wrote, made a tree: the one door for every such text.

It may come from a file, a user or another node. So nothing in it is followed or expanded: a
document type (the home of entities) is refused, nothing is fetched, and libxml2's own limits on
depth (256) and on the size of one text hold.
"""

from typing import TypeAlias

from lxml import etree

Element: TypeAlias = etree._Element  # lxml gives its class no public name


class XmlTextError(ValueError):
    """The text is no XML, or of a kind that is not read; the message says what."""


def parse_text(document: bytes, *, keeps_blanks: bool = False) -> Element:
    """Return the root element; comments and, unless they are kept, blanks are left out.

    Raises XmlTextError.
    """
    parser = etree.XMLParser(
        remove_comments=not keeps_blanks,
        remove_blank_text=not keeps_blanks,
        remove_pis=not keeps_blanks,
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
    )
    try:
        root = etree.fromstring(document, parser)
    except (etree.XMLSyntaxError, ValueError, LookupError) as problem:
        raise XmlTextError(str(problem)) from problem
    if root.getroottree().docinfo.internalDTD is not None:
        raise XmlTextError("it has a document type (<!DOCTYPE ...>), which is not read")
    return root
