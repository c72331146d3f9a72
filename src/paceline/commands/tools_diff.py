"""`crm_diff`: the difference between two configurations as a patch, and patches applied."""

from collections.abc import Sequence

from paceline.cib.patches import PatchError, apply_patch, make_patch
from paceline.cib.tree import Element
from paceline.commands.tools import EXIT_USAGE, Given, Option, Said, ToolError, ToolPorts
from paceline.commands.tools import parse_options as parse
from paceline.commands.tools_cib import parse_xml, xml_text

OPTIONS = (
    Option("original", "o", "value"), Option("new", "n", "value"),
    Option("original-string", "O", "value"), Option("new-string", "N", "value"),
    Option("patch", "p", "value"), Option("cib", "c"), Option("stdin", "s"),
    Option("no-version", "u"),
)  # fmt: skip
EXIT_DIFFERENT = 1
EXIT_UNREADABLE = 65


def crm_diff(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show the patch between two documents (status 1 where they differ), or apply one."""
    given = parse(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_diff -o FILE (-n FILE | -p PATCH) [-c] [-u]")
    old = _document("original", given, ports)
    if given.has("patch"):
        patch = parse_xml(_read(given.get("patch"), ports))
        try:
            apply_patch(old, patch)
        except PatchError as problem:
            raise ToolError(f"Could not apply patch: {problem}") from problem
        return Said(xml_text(old))
    new = _document("new", given, ports)
    patch_made = make_patch(old, new, has_versions=not given.has("no-version"))
    if patch_made is None:
        return Said()
    if given.has("cib"):
        from paceline.cib.digests import configuration_digest

        patch_made.set("digest", configuration_digest(new, is_versioned=True))
    return Said(xml_text(patch_made), status=EXIT_DIFFERENT)


def _document(name: str, given: Given, ports: ToolPorts) -> Element:
    """Return the original or the new document. Raises ToolError where it is not given."""
    if given.has(f"{name}-string"):
        return parse_xml(given.get(f"{name}-string").encode())
    if given.has(name):
        return parse_xml(_read(given.get(name), ports))
    if given.has("stdin"):
        return parse_xml(ports.read_input())
    raise ToolError(f"give the {name} document: --{name} FILE", EXIT_USAGE)


def _read(path: str, ports: ToolPorts) -> bytes:
    try:
        return ports.read_input() if path == "-" else ports.read_file(path)
    except OSError as problem:
        raise ToolError(f"cannot read {path}: {problem}", EXIT_UNREADABLE) from problem
