"""`enable`, `disable`, `manage`, `unmanage`: whether the cluster runs and cares for a resource."""

from collections.abc import Callable, Iterable

from paceline.cib.nvsets import update_first_set
from paceline.cib.resources import inner_resources, parent_resource, primitives_of
from paceline.cib.tree import Element
from paceline.commands.contract import Command, Handler, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_words import (
    enabled_together,
    find_many,
    note_other_kind,
    warn_if_unmanaged,
)
from paceline.commands.waiting import check_wait, wait_if_asked

META = "meta_attributes"
TARGET_ROLE = "target-role"


def set_meta(root: Element, owner: Element, changes: dict[str, str]) -> None:
    """Change a resource's meta attributes; a new set comes last."""
    update_first_set(root, owner, META, changes)


def _switch_meta(root: Element, owner: Element, name: str, value: str) -> None:
    """Change one meta attribute; a new set comes first, where pcs puts it."""
    update_first_set(root, owner, META, {name: value}, position=0)


def _handler(verb: str, change_one: Callable[[Request, Element, Element], None]) -> Handler:
    """Return a handler that changes each of the named resources."""

    def handler(request: Request, ports: Ports) -> Outcome:
        if not request.arguments:
            what = "stonith resource(s)" if request.words[0] == "stonith" else "resource(s)"
            raise UsageError(f"You must specify {what} to {verb}")
        check_wait(request, ports)
        changed: list[str] = []

        def change(root: Element) -> str:
            changed.clear()
            for element in find_many(request, root, request.arguments):
                changed.append(element.get("id", ""))
                note_other_kind(request, element, verb if verb in ("enable", "disable") else "")
                if verb in ("enable", "disable"):
                    warn_if_unmanaged(request, element)
                change_one(request, root, element)
            return ""

        edit_cib(request, ports, change)
        wait_if_asked(request, ports, changed)
        return Outcome()

    return handler


def _enable(request: Request, root: Element, element: Element) -> None:
    for one in enabled_together(element):
        _switch_meta(root, one, TARGET_ROLE, "")


def disable_one(request: Request, root: Element, element: Element) -> None:
    """Let a resource be stopped and stay so."""
    _switch_meta(root, element, TARGET_ROLE, "Stopped")


def disable(request: Request, ports: Ports) -> Outcome:
    """Disable resources, maybe only if others stay as they are: `resource disable ID...`."""
    if request.arguments and request.has("wait") and not ports.cib.is_live:
        raise UsageError("Only one of '--wait', '-f' can be used")
    is_safe = request.words[-1] == "safe-disable" and not request.is_forced
    is_safe = is_safe or request.has("safe") or request.has("no-strict")
    is_asked = is_safe or request.has("simulate") or request.has("brief")
    if is_asked and request.arguments:
        from paceline.commands import resource_safe_disable as safely  # only these need it

        safely.check_words(request, ports)
        effect = safely.foresee_disable(request, ports)
        if request.has("simulate"):
            return Outcome(text=safely.simulated_text(request, effect))
        safely.refuse_unsafe(request, effect)
    return _handler("disable", disable_one)(request, ports)


def _primitives(elements: Iterable[Element]) -> list[Element]:
    return [primitive for element in elements for primitive in primitives_of(element)]


def _with_parents(element: Element) -> list[Element]:
    """Return the resource, what is inside, and what is around it."""
    found = [element, *inner_resources(element)]
    for inner in inner_resources(element):
        found += inner_resources(inner)
    parent = parent_resource(element)
    while parent is not None:
        found.append(parent)
        parent = parent_resource(parent)
    return found


def _manage(request: Request, root: Element, element: Element) -> None:
    for one in _with_parents(element):
        _switch_meta(root, one, "is-managed", "")
    for primitive in primitives_of(element):
        monitors = [
            one for one in primitive.iterfind("operations/op") if one.get("name") == "monitor"
        ]
        disabled = [one for one in monitors if one.get("enabled") == "false"]
        if request.has("monitor"):
            for one in disabled:
                one.attrib.pop("enabled")
        elif monitors and len(disabled) == len(monitors):
            request.findings.warn(
                "no-monitor",
                f"Resource '{primitive.get('id')}' has no enabled monitor operations. Re-run with "
                "'--monitor' to enable them.",
            )


def _unmanage(request: Request, root: Element, element: Element) -> None:
    if element.tag == "bundle":
        _switch_meta(root, element, "is-managed", "false")
    for primitive in primitives_of(element):
        _switch_meta(root, primitive, "is-managed", "false")
        if request.has("monitor"):
            for one in primitive.iterfind("operations/op"):
                if one.get("name") == "monitor":
                    one.set("enabled", "false")


_SAFE_OPTIONS = ("safe", "brief", "no-strict", "simulate")
_SAFE_DETAILS = (
    "With --safe only if nothing happens to other resources, with --no-strict only if none of them "
    "stops or is demoted. With --simulate what would happen is shown, with --brief only the names "
    "of other resources that would be affected."
)


def _commands(area: str, what: str) -> tuple[Command, ...]:
    arguments = f"<{area} id | tag id>..." if area == "resource" else "<stonith id>..."
    return (
        Command(
            words=f"{area} enable",
            handler=_handler("enable", _enable),
            needs=Needs.CIB,
            arguments=arguments,
            options=("wait",),
            help=f"Let the cluster run {what}.",
        ),
        Command(
            words=f"{area} disable",
            handler=disable,
            needs=Needs.CIB,
            arguments=arguments,
            options=("wait", "force", *(_SAFE_OPTIONS if area == "resource" else ())),
            help=f"Stop {what} and keep them stopped.",
            details=_SAFE_DETAILS if area == "resource" else "",
        ),
    )


COMMANDS = (
    Command(
        words="resource safe-disable",
        handler=disable,
        needs=Needs.CIB_LIVE,
        arguments="<resource id | tag id>...",
        options=("brief", "no-strict", "simulate", "wait", "force"),
        help="Stop resources and keep them stopped, if nothing happens to others.",
    ),
    *_commands("resource", "resources"),
    *_commands("stonith", "fence devices"),
    Command(
        words="resource manage",
        handler=_handler("manage", _manage),
        needs=Needs.CIB,
        arguments="<resource id | tag id>... [--monitor]",
        options=("monitor",),
        help="Let the cluster care for resources again; with --monitor watch them too.",
    ),
    Command(
        words="resource unmanage",
        handler=_handler("unmanage", _unmanage),
        needs=Needs.CIB,
        arguments="<resource id | tag id>... [--monitor]",
        options=("monitor",),
        help="Leave resources as they are, whatever happens; with --monitor do not watch them.",
    ),
)
