"""`tag`: names for several resources at once."""

import json
from collections.abc import Sequence

from paceline.cib.names import check_new_id
from paceline.cib.resources import find_resource
from paceline.cib.tree import Element, add_element, find_section, get_section, has_id, remove
from paceline.cib.wording import quoted, quoted_sorted
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import tag_commands
from paceline.commands.output_formats import output_format


def all_tags(root: Element) -> list[Element]:
    section = find_section(root, "tags")
    return [] if section is None else section.findall("tag")


def _find(request: Request, root: Element, wanted: str) -> Element | None:
    for tag in all_tags(root):
        if tag.get("id") == wanted:
            return tag
    request.findings.error("tag-unknown", f"tag '{wanted}' does not exist")
    return None


def _members(tag: Element) -> list[str]:
    return [ref.get("id", "") for ref in tag.iterfind("obj_ref")]


def config(request: Request, ports: Ports) -> Outcome:
    """List tags and what they name: `tag config [TAG...]`."""
    wanted_format = output_format(request)
    root = read_cib(ports)
    tags: list[Element] = []
    for wanted in request.arguments:
        found = _find(request, root, wanted)
        if found is not None:
            tags.append(found)
    request.findings.stop_if_errors()
    chosen = tags if request.arguments else all_tags(root)
    if wanted_format == "json":
        record = {"tags": [{"id": tag.get("id"), "idref_list": _members(tag)} for tag in chosen]}
        return Outcome(text=json.dumps(record))
    if wanted_format == "cmd":
        return Outcome(text=";\n".join(tag_commands(chosen)))
    if not chosen:
        request.findings.inform("no-tags", " No tags defined")
        return Outcome()
    return Outcome(text="\n".join(listing(chosen)))


def listing(tags: Sequence[Element]) -> list[str]:
    """Return the lines of these tags."""
    lines: list[str] = []
    for tag in tags:
        lines.append(tag.get("id", ""))
        lines += [f"  {member}" for member in _members(tag)]
    return lines


def _check_members(request: Request, root: Element, ids: list[str]) -> None:
    for one in dict.fromkeys(ids):
        if find_resource(root, one) is None:
            message = f"bundle/clone/group/resource '{one}' does not exist"
            if has_id(root, one):
                message = f"'{one}' is not a bundle/clone/group/resource"
            request.findings.error("id-unknown", message)
    _refuse_doubles(request, ids, "add")


def _refuse_doubles(request: Request, ids: list[str], verb: str) -> None:
    doubles = {one for one in ids if ids.count(one) > 1}
    if doubles:
        request.findings.error(
            "id-twice", f"Ids to {verb} must be unique, duplicate ids: {quoted_sorted(doubles)}"
        )


def create(request: Request, ports: Ports) -> Outcome:
    """Make a tag: `tag create TAG R...`."""
    if len(request.arguments) < 2:
        raise UsageError
    tag_id, *ids = request.arguments

    def change(root: Element) -> str:
        request.findings.extend(check_new_id(root, tag_id))
        _check_members(request, root, ids)
        request.findings.stop_if_errors()
        tag = add_element(get_section(root, "tags"), "tag", (("id", tag_id),))
        for one in ids:
            add_element(tag, "obj_ref", (("id", one),))
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def delete(request: Request, ports: Ports) -> Outcome:
    """Remove tags (not what they name): `tag delete TAG...`."""
    if not request.arguments:
        raise UsageError

    def change(root: Element) -> str:
        found = [_find(request, root, wanted) for wanted in dict.fromkeys(request.arguments)]
        request.findings.stop_if_errors()
        for tag in found:
            if tag is not None:
                remove(tag)
        section = find_section(root, "tags")
        if section is not None and len(section) == 0:
            remove(section)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _read_update(request: Request) -> tuple[list[str], list[str]]:
    """Return what to add and what to remove. Raises UsageError."""
    added: list[str] = []
    removed: list[str] = []
    current: list[str] | None = None
    for word in request.arguments[1:]:
        if word in ("add", "remove", "delete"):
            chosen = added if word == "add" else removed
            if chosen:
                raise UsageError(f"'{word}' cannot be used more than once")
            current = chosen
        elif current is None:
            raise UsageError
        else:
            current.append(word)
    if not added and not removed:
        raise UsageError(hint="Specify at least one id for 'add' or 'remove' arguments.")
    if request.has("before") and request.has("after"):
        raise UsageError("Cannot specify both --before and --after")
    return added, removed


def update(request: Request, ports: Ports) -> Outcome:
    """Change what a tag names: `tag update TAG [add R... [--before R|--after R]] [remove R...]`."""
    if not request.arguments:
        raise UsageError
    added, removed = _read_update(request)

    def change(root: Element) -> str:
        tag = _find(request, root, request.arguments[0])
        _check_members(request, root, added)
        both = sorted(set(added) & set(removed))
        if both:
            request.findings.error(
                "added-and-removed",
                f"Ids cannot be added and removed at the same time: {quoted(both)}",
            )
        if tag is None:
            request.findings.stop_if_errors()
            return ""
        present = [one for one in added if one in _members(tag)]
        if present and not (request.has("before") or request.has("after")):
            request.findings.error(
                "already-there",
                f"Cannot add reference {_ids_word(present)} already in the tag "
                f"'{tag.get('id')}': {quoted(present)}",
            )
        missing = [one for one in removed if one not in _members(tag)]
        if missing:
            request.findings.error(
                "not-in-tag",
                f"Tag '{tag.get('id')}' does not contain {_ids_word(missing)}: {quoted(missing)}",
            )
        _refuse_doubles(request, removed, "remove")
        neighbour = request.value("before") or request.value("after") or ""
        _check_neighbour(request, neighbour, added, removed)
        if neighbour and neighbour not in _members(tag):
            request.findings.error(
                "not-in-tag",
                f"There is no reference id '{neighbour}' in the tag '{tag.get('id')}', cannot put "
                "reference ids next to it in the tag",
            )
        if not set(_members(tag)) - set(removed) and not added:
            request.findings.error(
                "tag-empty",
                f"There would be no references left in the tag '{tag.get('id')}', please remove "
                f"the whole tag using the '{request.program} tag remove {tag.get('id')}' command",
            )
        request.findings.stop_if_errors()
        _apply(request, tag, added, removed, neighbour)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _check_neighbour(
    request: Request, neighbour: str, added: list[str], removed: list[str]
) -> None:
    """Report a place for new ids that makes no sense."""
    if not neighbour:
        return
    if not added:
        request.findings.error(
            "nothing-to-place", f"Cannot specify adjacent id '{neighbour}' without ids to add"
        )
    if neighbour in added:
        request.findings.error("next-to-itself", f"Cannot put id '{neighbour}' next to itself.")
    if neighbour in removed:
        request.findings.error(
            "neighbour-removed",
            f"Cannot remove id '{neighbour}' next to which ids are being added",
        )


def _ids_word(ids: list[str]) -> str:
    return "id" if len(ids) == 1 else "ids"


def _apply(
    request: Request, tag: Element, added: list[str], removed: list[str], neighbour: str
) -> None:
    for ref in list(tag.iterfind("obj_ref")):
        if ref.get("id") in removed or ref.get("id") in added:
            remove(ref)
    place = next((one for one in tag.iterfind("obj_ref") if one.get("id") == neighbour), None)
    for one in added:
        ref = add_element(tag, "obj_ref", (("id", one),))
        if place is None:
            continue
        if request.has("before"):
            place.addprevious(ref)
        else:
            place.addnext(ref)
            place = ref


COMMANDS = (
    Command(
        words="tag config",
        handler=config,
        needs=Needs.CIB,
        arguments="[<tag id>...]",
        options=("output-format",),
        help="List tags and what they name.",
        aliases=(
            Alias(words="tag", takes_arguments=False),
            Alias(words="tag list", replaced_by="tag config"),
        ),
    ),
    Command(
        words="tag create",
        handler=create,
        needs=Needs.CIB,
        arguments="<tag id> <resource id>...",
        help="Make a tag: a name for several resources.",
    ),
    Command(
        words="tag delete",
        handler=delete,
        needs=Needs.CIB,
        arguments="<tag id>...",
        help="Remove tags; what they name stays.",
        aliases=(Alias(words="tag remove"),),
    ),
    Command(
        words="tag update",
        handler=update,
        needs=Needs.CIB,
        arguments="<tag id> [add <resource id>... [--before <id> | --after <id>]] "
        "[remove <resource id>...]",
        options=("before", "after"),
        help="Change what a tag names.",
    ),
)
