"""`alert`: programs that are called when something happens."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence

from paceline.cib.names import check_id_form, check_id_free, check_new_id
from paceline.cib.nvsets import pairs_of, update_first_set
from paceline.cib.tree import (
    Element,
    add_element,
    find_section,
    get_section,
    remove,
    unique_id,
)
from paceline.cib.wording import check_required
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import alert_commands
from paceline.commands.output_formats import output_format
from paceline.commands.resource_records import set_records
from paceline.commands.resource_texts import quote
from paceline.ports.daemon import Json

SETS = (("options", "instance_attributes"), ("meta", "meta_attributes"))


def _alerts(root: Element) -> list[Element]:
    section = find_section(root, "alerts")
    return [] if section is None else section.findall("alert")


def _get_alert(request: Request, root: Element, wanted: str) -> Element:
    for alert in _alerts(root):
        if alert.get("id") == wanted:
            return alert
    request.findings.error("id-unknown", f"alert '{wanted}' does not exist")
    request.findings.refuse_if_errors()
    raise UsageError


def _recipients(root: Element) -> list[Element]:
    return [one for alert in _alerts(root) for one in alert.iterfind("recipient")]


def config(request: Request, ports: Ports) -> Outcome:
    """List alerts and their recipients."""
    if request.arguments:
        raise UsageError
    root = read_cib(ports)
    match output_format(request):
        case "json":
            return Outcome(text=json.dumps({"alerts": [_record(one) for one in _alerts(root)]}))
        case "cmd":
            return Outcome(text=";\n".join(alert_commands(root)))
        case _:
            return Outcome(text="\n".join(listing(root)))


def _record(alert: Element) -> Json:
    recipients: list[Json] = [
        {
            "id": one.get("id"),
            "value": one.get("value"),
            "description": one.get("description"),
            "meta_attributes": set_records(one, "meta_attributes"),
            "instance_attributes": set_records(one, "instance_attributes"),
        }
        for one in alert.iterfind("recipient")
    ]
    return {
        "id": alert.get("id"),
        "path": alert.get("path"),
        "description": alert.get("description"),
        "recipients": recipients,
        "select": None,
        "meta_attributes": set_records(alert, "meta_attributes"),
        "instance_attributes": set_records(alert, "instance_attributes"),
    }


def listing(root: Element) -> list[str]:
    """Return the lines of all alerts, with a title."""
    lines = ["Alerts:"]
    for alert in _alerts(root):
        lines += [f" {line}" for line in _alert_lines(alert)]
    return lines if len(lines) > 1 else [*lines, " No alerts defined"]


def _detail_lines(element: Element) -> list[str]:
    lines = []
    if element.get("description"):
        lines.append(f" Description: {element.get('description')}")
    for label, tag in (("Options", "instance_attributes"), ("Meta options", "meta_attributes")):
        pairs: dict[str, str] = {}
        for nvset in element.iterfind(tag):
            pairs.update(pairs_of(nvset))
        if pairs:
            shown = " ".join(f"{name}={quote(pairs[name])}" for name in sorted(pairs))
            lines.append(f" {label}: {shown}")
    return lines


def _alert_lines(alert: Element) -> list[str]:
    lines = [f"Alert: {alert.get('id')} (path={alert.get('path')})", *_detail_lines(alert)]
    recipients = alert.findall("recipient")
    if recipients:
        lines.append(" Recipients:")
    for one in recipients:
        lines.append(f"  Recipient: {one.get('id')} (value={one.get('value')})")
        lines += [f"  {line}" for line in _detail_lines(one)]
    return lines


def _read(words: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """Return own attributes, and the pairs of both kinds of set. Raises UsageError."""
    first, sections = split_sections(words, ("options", "meta"))
    sets = {tag: parse_pairs(sections.get(keyword, ())) for keyword, tag in SETS}
    return parse_pairs(first), sets


def _given(own: Mapping[str, str]) -> list[str]:
    """Return the names that have a value."""
    return [name for name, value in own.items() if value]


def _refuse_unexpected(own: Mapping[str, str], allowed: Sequence[str]) -> None:
    """Raise UsageError for an attribute that neither alerts nor recipients have."""
    for name, value in own.items():
        if name not in allowed:
            raise UsageError(f"Unexpected parameter '{name}={value}'")


def _set_attributes(element: Element, own: Mapping[str, str], names: Sequence[str]) -> None:
    for name in names:
        if name in own:
            if own[name]:
                element.set(name, own[name])
            else:
                element.attrib.pop(name, "")


def _set_sets(root: Element, element: Element, sets: Mapping[str, Mapping[str, str]]) -> None:
    for tag, pairs in sets.items():
        if pairs:
            pairs = dict(sorted(pairs.items()))
            update_first_set(root, element, tag, pairs, position=0)


def create(request: Request, ports: Ports) -> Outcome:
    """Add an alert: `alert create path=PATH [id=ID] [options ...] [meta ...]`."""
    if not request.arguments:
        raise UsageError
    own, sets = _read(request.arguments)
    _refuse_unexpected(own, ("id", "path", "description"))

    def change(root: Element) -> str:
        findings = request.findings
        findings.extend(check_required(_given(own), ("path",)))
        findings.refuse_if_errors()
        if "id" in own:
            findings.extend(check_new_id(root, own["id"], "alert-id"))
        findings.refuse_if_errors()
        wanted = own.get("id") or unique_id(root, "alert")
        pairs = (("id", wanted), ("path", own["path"]))
        alert = add_element(get_section(root, "alerts"), "alert", pairs)
        _set_attributes(alert, own, ("description",))
        _set_sets(root, alert, sets)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def update(request: Request, ports: Ports) -> Outcome:
    """Change an alert: `alert update ID [path=PATH] [options ...] [meta ...]`."""
    if not request.arguments:
        raise UsageError
    alert_id, *words = request.arguments
    own, sets = _read(words)
    _refuse_unexpected(own, ("path", "description"))

    def change(root: Element) -> str:
        alert = _get_alert(request, root, alert_id)
        if own.get("path"):
            alert.set("path", own["path"])
        _set_attributes(alert, own, ("description",))
        _set_sets(root, alert, sets)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def delete(request: Request, ports: Ports) -> Outcome:
    """Remove alerts: `alert delete ID...`."""
    return _delete(request, ports, "alert", _alerts)


def recipient_add(request: Request, ports: Ports) -> Outcome:
    """Add a recipient: `alert recipient add ALERT value=VALUE [id=ID] [...]`."""
    if len(request.arguments) < 2:
        raise UsageError
    alert_id, *words = request.arguments
    own, sets = _read(words)
    _refuse_unexpected(own, ("description", "id", "value"))

    def change(root: Element) -> str:
        findings = request.findings
        findings.extend(check_required(_given(own), ("value",)))
        findings.refuse_if_errors()
        alert = _get_alert(request, root, alert_id)
        if "id" in own:
            taken = check_id_free(root, own["id"])
            findings.extend(taken or check_id_form(own["id"], "recipient-id"))
            findings.refuse_if_errors()
        _refuse_same_value(request, alert, own["value"], None)
        findings.stop_if_errors()
        wanted = own.get("id") or unique_id(root, f"{alert_id}-recipient")
        recipient = add_element(alert, "recipient", (("id", wanted), ("value", own["value"])))
        _set_attributes(recipient, own, ("description",))
        _set_sets(root, recipient, sets)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _refuse_same_value(
    request: Request, alert: Element, value: str, itself: Element | None
) -> None:
    for one in alert.iterfind("recipient"):
        if one is not itself and one.get("value") == value:
            request.findings.error(
                "recipient-exists",
                f"Recipient '{value}' in alert '{alert.get('id')}' already exists",
                is_forceable=True,
            )
            return


def _get_recipient(request: Request, root: Element, wanted: str) -> Element:
    for one in _recipients(root):
        if one.get("id") == wanted:
            return one
    request.findings.error("id-unknown", f"recipient '{wanted}' does not exist")
    request.findings.refuse_if_errors()
    raise UsageError


def recipient_update(request: Request, ports: Ports) -> Outcome:
    """Change a recipient: `alert recipient update ID [value=VALUE] [...]`."""
    if not request.arguments:
        raise UsageError
    wanted, *words = request.arguments
    own, sets = _read(words)
    _refuse_unexpected(own, ("description", "value"))

    def change(root: Element) -> str:
        recipient = _get_recipient(request, root, wanted)
        alert = recipient.getparent()
        if own.get("value") == "":
            request.findings.error("value-empty", "Recipient value '' is not valid.")
            request.findings.refuse_if_errors()
        if own.get("value"):
            if alert is not None:
                _refuse_same_value(request, alert, own["value"], recipient)
            request.findings.stop_if_errors()
            recipient.set("value", own["value"])
        _set_attributes(recipient, own, ("description",))
        _set_sets(root, recipient, sets)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def recipient_delete(request: Request, ports: Ports) -> Outcome:
    """Remove recipients: `alert recipient delete ID...`."""
    return _delete(request, ports, "recipient", _recipients)


def _delete(
    request: Request,
    ports: Ports,
    kind: str,
    find_all: Callable[[Element], Iterable[Element]],
) -> Outcome:
    """Remove the elements named by id, all or none of them."""
    if not request.arguments:
        raise UsageError

    def change(root: Element) -> str:
        known = {one.get("id"): one for one in find_all(root)}
        for wanted in request.arguments:
            if wanted not in known:
                request.findings.error("id-unknown", f"{kind} '{wanted}' does not exist")
        request.findings.stop_if_errors()
        for wanted in request.arguments:
            remove(known[wanted])
        return ""

    edit_cib(request, ports, change)
    return Outcome()


_REST = "[description=<text>] [options [<name>=<value>]...] [meta [<name>=<value>]...]"

COMMANDS = (
    Command(
        words="alert config",
        handler=config,
        needs=Needs.CIB,
        options=("output-format",),
        help="List alerts and their recipients.",
        aliases=(
            Alias(words="alert", takes_arguments=False),
            Alias(words="alert show", replaced_by="alert config"),
        ),
    ),
    Command(
        words="alert create",
        handler=create,
        needs=Needs.CIB,
        arguments=f"path=<path> [id=<alert id>] {_REST}",
        help="Call a program when something happens.",
    ),
    Command(
        words="alert update",
        handler=update,
        needs=Needs.CIB,
        arguments=f"<alert id> [path=<path>] {_REST}",
        help="Change an alert.",
    ),
    Command(
        words="alert delete",
        handler=delete,
        needs=Needs.CIB,
        arguments="<alert id>...",
        help="Remove alerts.",
        aliases=(Alias(words="alert remove"),),
    ),
    Command(
        words="alert recipient add",
        handler=recipient_add,
        needs=Needs.CIB,
        arguments=f"<alert id> value=<value> [id=<recipient id>] {_REST}",
        options=("force",),
        help="Add a recipient to an alert.",
    ),
    Command(
        words="alert recipient update",
        handler=recipient_update,
        needs=Needs.CIB,
        arguments=f"<recipient id> [value=<value>] {_REST}",
        options=("force",),
        help="Change a recipient.",
    ),
    Command(
        words="alert recipient delete",
        handler=recipient_delete,
        needs=Needs.CIB,
        arguments="<recipient id>...",
        help="Remove recipients.",
        aliases=(Alias(words="alert recipient remove"),),
    ),
)
