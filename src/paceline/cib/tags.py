"""Tags in the tree: names that stand for several things."""

from paceline.cib.tree import Element, find_section, remove


def tags_naming(root: Element, wanted: frozenset[str]) -> list[str]:
    """Return the ids of the tags that name one of these, sorted."""
    section = find_section(root, "tags")
    return sorted(
        tag.get("id", "")
        for tag in (() if section is None else section)
        if any(ref.get("id") in wanted for ref in tag.iterfind("obj_ref"))
    )


def drop_from_tags(root: Element, wanted: str) -> None:
    """Let no tag name this any more; a tag that named nothing else goes."""
    section = find_section(root, "tags")
    for tag in list(() if section is None else section):
        for ref in list(tag.iterfind("obj_ref")):
            if ref.get("id") == wanted:
                remove(ref)
        if tag.find("obj_ref") is None:
            remove(tag)
