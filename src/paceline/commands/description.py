"""`cib element description`, `resource description`: people's own words on what is configured."""

from paceline.cib.tree import Element, find_by_id
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

DESCRIBED = frozenset({
    "acl_role", "alert", "bundle", "clone", "group", "master", "node", "op", "primitive",
    "recipient", "template",
})  # fmt: skip
"""Elements that can have a description."""


def describe(request: Request, ports: Ports) -> Outcome:
    """Show a description, or set it (an empty one is taken away): `... ID [TEXT]`."""
    if not 1 <= len(request.arguments) <= 2:
        raise UsageError
    wanted = request.arguments[0]
    if len(request.arguments) == 1:
        return Outcome(text=_get(read_cib(ports), wanted).get("description", ""))
    text = request.arguments[1]

    def change(root: Element) -> str:
        element = _get(root, wanted)
        if text:
            element.set("description", text)
        else:
            element.attrib.pop("description", "")
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _get(root: Element, wanted: str) -> Element:
    """Return the element. Raises InvalidRequestError where it cannot have a description."""
    element = find_by_id(root, wanted)
    if element is None:
        message = f"'{wanted}' does not exist"
        raise InvalidRequestError(Report(code="id-unknown", message=message))
    if element.tag not in DESCRIBED:
        message = f"Element '{wanted}' cannot have a description"
        raise InvalidRequestError(Report(code="no-description", message=message))
    return element


COMMANDS = (
    Command(
        words="cib element description",
        handler=describe,
        needs=Needs.CIB,
        arguments="<element id> [<text>]",
        options=("force",),
        help="Show or set the description of a resource, an operation, a node, an alert, ...",
        aliases=(Alias(words="resource description"), Alias(words="stonith description")),
    ),
)
