"""`cluster edit`: the configuration as XML in the user's own editor."""

from paceline.cib.tree import Element, find_section, serialize
from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.commands.cluster_cib import SCOPES
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

WHOLE = "configuration"


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _read_scope(request: Request) -> str:
    """Return the part that is to be edited. Raises UsageError, InvalidRequestError."""
    scope = WHOLE
    for word in request.arguments:
        name, _equals, value = word.partition("=")
        if name != "scope" or request.has("config"):
            raise UsageError
        scope = value
    if scope not in SCOPES:
        raise _refuse("scope-unknown", f"invalid CIB scope '{scope}'")
    return scope


def _find(root: Element, scope: str) -> Element | None:
    return root.find(WHOLE) if scope == WHOLE else find_section(root, scope)


def edit(request: Request, ports: Ports) -> Outcome:
    """Let the user edit, and push the result: `cluster edit [scope=SCOPE | --config]`."""
    scope = _read_scope(request)
    check_wait(request, ports)
    element = _find(read_cib(ports), scope)
    if element is None:
        raise _refuse("scope-empty", f"unable to get cib: there is no '{scope}'")
    element.tail = None
    before = serialize(element).decode()
    try:
        after = ports.open_editor().edit(before, ending=".xml")
        new = parse_text(after.encode())
    except OSError as problem:
        raise _refuse("not-edited", f"Unable to edit: {problem}") from problem
    except XmlTextError as problem:
        raise _refuse("xml-broken", f"unable to parse the edited cib: {problem}") from problem
    if after == before:
        return Outcome(text="CIB not updated, no changes detected")
    if new.tag != element.tag:
        raise _refuse("scope-changed", f"the edited text is no <{element.tag}>")

    def change(root: Element) -> str:
        old = _find(root, scope)
        if old is None or serialize(_alone(old)).decode() != before:
            raise _refuse(
                "moved-meanwhile", "the configuration was changed by others meanwhile; edit again"
            )
        parent = old.getparent()
        if parent is not None:
            parent.replace(old, new)
        return "CIB updated"

    text = edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome(text=text)


def _alone(element: Element) -> Element:
    element.tail = None
    return element


COMMANDS = (
    Command(
        words="cluster edit",
        handler=edit,
        needs=Needs.CIB,
        arguments="[scope=<scope> | --config]",
        options=("config", "wait", "force"),
        help="Edit the configuration in the editor that EDITOR names.",
        details="What is not valid is refused, and what others changed meanwhile is not lost.",
    ),
)
