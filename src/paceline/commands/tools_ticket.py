"""`crm_ticket`: the tickets of this site, shown, granted, revoked and put on standby."""

from collections.abc import Mapping, Sequence

from lxml import etree

from paceline.cib.tree import Element, parse_cib
from paceline.commands.shown_date import date_text
from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    ask,
    parse_options,
)
from paceline.commands.tools_cib import read_live, xml_text
from paceline.commands.tools_edit import edit

OPTIONS = (
    Option("info", "l"), Option("details", "L"), Option("raw", "w"), Option("query-xml", "q"),
    Option("constraints", "c"), Option("grant", "g"), Option("revoke", "r"),
    Option("standby", "s"), Option("activate", "a"), Option("get-attr", "G", "value"),
    Option("set-attr", "S", "value"), Option("delete-attr", "D", "value"), Option("cleanup", "C"),
    Option("attr-value", "v", "value"), Option("default", "d", "value"), Option("force", "f"),
    Option("ticket", "t", "value"), Option("set-name", "n", "value"),
    Option("nvpair", "i", "value"), Option("quiet", "Q"),
)  # fmt: skip
EXIT_NOT_PERMITTED = 4
QUERIES = ("raw", "query-xml", "constraints", "get-attr", "info", "details")


def crm_ticket(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show tickets, or change one."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_ticket -l | -L | -w | -q | -c | -g | -r | -s | -a | ... [-t ID]")
    command = next((name for name in QUERIES if given.has(name)), "")
    if command:
        return _query(command, given, parse_cib_with_status(ports))
    values = _wanted_values(given)
    if values is None and not given.has("cleanup"):
        raise ToolError("Must supply a command", EXIT_USAGE)
    return _change(values, given, ports)


def parse_cib_with_status(ports: ToolPorts) -> Element:
    """Return the CIB with its status, wherever it is."""
    if not ports.cib.is_live:
        return parse_cib(ports.cib.read().document)
    return read_live(ports)


def _wanted_values(given: Given) -> dict[str, str | None] | None:
    """Return the attributes to set (None deletes), None where nothing is wanted."""
    if given.has("set-attr"):
        if not given.has("attr-value"):
            raise ToolError("Must supply attribute value with -v for -S", EXIT_USAGE)
        return {given.get("set-attr"): given.get("attr-value")}
    if given.has("delete-attr"):
        return {given.get("delete-attr"): None}
    plain: Mapping[str, dict[str, str | None]] = {
        "grant": {"granted": "true"}, "revoke": {"granted": "false"},
        "standby": {"standby": "true"}, "activate": {"standby": "false"},
    }  # fmt: skip
    return next((values for name, values in plain.items() if given.has(name)), None)


def _change(values: dict[str, str | None] | None, given: Given, ports: ToolPorts) -> Said:
    """Change the ticket where the cluster runs. Raises ToolError where --force is missing."""
    ticket = given.get("ticket")
    if not ticket:
        raise ToolError("Must supply ticket ID with -t", EXIT_USAGE)
    if not given.has("force"):
        _check_harmless(values, ticket)
    if not ports.cib.is_live:
        edit(ports, lambda root: _change_in_file(root, ticket, values, ports.now_ms()))
        return Said()
    ask(ports, {"do": "set-ticket", "ticket": ticket, "values": values or {},
                "remove": values is None})  # fmt: skip
    return Said("" if values is not None else f"Cleaned up {ticket}")


def _change_in_file(
    root: Element, ticket: str, values: Mapping[str, str | None] | None, now_ms: int
) -> str:
    status = root.find("status")
    if status is None:
        status = etree.SubElement(root, "status")
    tickets = status.find("tickets")
    state = next((each for each in status.iterfind("tickets/ticket_state")
                  if each.get("id") == ticket), None)  # fmt: skip
    if values is None:
        if state is not None and tickets is not None:
            tickets.remove(state)
        return ""
    if tickets is None:
        tickets = etree.SubElement(status, "tickets")
    if state is None:
        state = etree.SubElement(tickets, "ticket_state", {"id": ticket})
    for name, value in values.items():
        if value is None:
            state.attrib.pop(name, "")
        else:
            state.set(name, value)
    if values.get("granted") == "true":
        state.set("last-granted", str(now_ms // 1000))
    return ""


def _check_harmless(values: dict[str, str | None] | None, ticket: str) -> None:
    """Raise ToolError for what may stop resources here, or start them at two sites."""
    if values is not None and values.get("granted") == "true":
        raise ToolError(
            f"Nobody here can tell whether '{ticket}' is granted to another site too.\n"
            "To grant it to this site nevertheless, use --force.",
            EXIT_NOT_PERMITTED,
        )
    if values is not None and values.get("granted") == "false":
        raise ToolError(
            f"Resources that depend on '{ticket}' follow their loss-policy when it is revoked; "
            f"see them with: crm_ticket --ticket {ticket} --constraints\n"
            "To revoke it nevertheless, use --force. With --standby they are stopped in order.",
            EXIT_NOT_PERMITTED,
        )


def _query(command: str, given: Given, root: Element) -> Said:
    ticket = given.get("ticket")
    if command == "constraints":
        found = root.findall("configuration/constraints/rsc_ticket")
        shown = [each for each in found if not ticket or each.get("ticket") == ticket]
        return Said("\n".join(("Constraints XML:\n", *(xml_text(each) for each in shown))))
    states = _states(root)
    if ticket:
        states = [each for each in states if each.get("id") == ticket]
        if not states:
            if command == "get-attr" and given.has("default"):
                return Said(given.get("default"))
            raise ToolError(f"No such ticket '{ticket}'", EXIT_NO_SUCH)
    match command:
        case "raw":
            return Said("\n".join(each.get("id", "") for each in states))
        case "query-xml":
            return Said(f"State XML:\n\n{_states_text(states, is_one=bool(ticket))}")
        case "get-attr":
            return _attribute(states, given)
    return Said("\n".join(_line(each, has_details=command == "details") for each in states))


def _states(root: Element) -> list[Element]:
    """Return the tickets, also those that only constraints name, sorted."""
    states = {each.get("id", ""): each for each in root.iterfind("status/tickets/ticket_state")}
    for each in root.iterfind("configuration/constraints/rsc_ticket"):
        name = each.get("ticket", "")
        if name not in states:
            states[name] = etree.Element("ticket_state", {"id": name, "granted": "false"})
    return [states[name] for name in sorted(states)]


def _states_text(states: Sequence[Element], *, is_one: bool) -> str:
    if is_one:
        return xml_text(states[0])
    whole = etree.Element("tickets")
    whole.extend(etree.fromstring(etree.tostring(each, with_tail=False)) for each in states)
    return xml_text(whole)


def _attribute(states: Sequence[Element], given: Given) -> Said:
    if not given.has("ticket"):
        raise ToolError("Must supply ticket ID with -t", EXIT_USAGE)
    value = states[0].get(given.get("get-attr"), given.get("default"))
    return Said(value) if value or given.has("default") else Said(status=EXIT_NO_SUCH)


def _line(state: Element, *, has_details: bool) -> str:
    is_granted = state.get("granted") == "true"
    standby = "[standby]" if state.get("standby") == "true" else " " * 9
    text = f"{state.get('id')}\t{'granted' if is_granted else 'revoked'} {standby}"
    last = state.get("last-granted", "")
    when = f"last-granted='{date_text(int(last) * 1000)}'" if last.isdigit() else ""
    if not has_details:
        return f"{text} {when}" if when else text
    pairs = [
        f"{name!s}={value!s}"
        for name, value in state.attrib.items()
        if name not in ("id", "last-granted", "granted", "standby")
    ]
    if not pairs and not when:
        return text
    return f"{text} ({', '.join([*pairs, *([when] if when else [])])})"
