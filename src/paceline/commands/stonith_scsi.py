"""`stonith update-scsi-devices`: other disks for a device that fences by reservations on disks.

Only the fence device itself starts anew: what else runs does not depend on which disks it has. Then
every node registers itself on the disks (unfencing), so that it can go on writing to new ones.
"""

from collections.abc import Mapping, Sequence

from paceline.cib.nvsets import set_values, update_first_set
from paceline.cib.resources import agent_of, find_resource, is_stonith
from paceline.cib.tree import Element, parse_cib
from paceline.cib.wording import quoted
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_places import running_on
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.daemon import JsonRecord

AGENTS = ("fence_mpath", "fence_scsi")
DEVICES = "devices"
UNFENCE_MS_MAX = 300_000
HINT = (
    "You must specify either list of set devices or at least one device for add or delete/remove "
    "devices"
)


def update_devices(request: Request, ports: Ports) -> Outcome:
    """`stonith update-scsi-devices ID (set PATH... | [add PATH...] [delete|remove PATH...])`."""
    name, wanted, added, removed = _read(request.arguments)

    def change(root: Element) -> str:
        element = _get_device(root, name)
        now = _devices_of(element)
        after = wanted or _changed(request, now, added, removed)
        update_first_set(root, element, "instance_attributes", {DEVICES: ",".join(after)})
        return ""

    snapshot = ports.cib.read()
    _get_device(parse_cib(snapshot.document), name)
    if not running_on(snapshot, name):
        request.findings.error(
            "not-running", f"resource '{name}' is not running on any node", advice=_why(name)
        )
    request.findings.refuse_if_errors()
    edit_cib(request, ports, change)
    if not request.has("dry-run"):
        _unfence(request, ports)
    return Outcome()


def _why(name: str) -> str:
    return f"  what keeps it from running:  pcs why {name}"


def _read(words: Sequence[str]) -> tuple[str, list[str], list[str], list[str]]:
    """Return the id and the disks to set, to add and to remove, sorted. Raises UsageError."""
    lists: dict[str, list[str]] = {"set": [], "add": [], "remove": []}
    keyword = ""
    if len(words) < len(("id", "set")):
        raise UsageError
    for word in words[1:]:
        found = "remove" if word == "delete" else word
        if found in lists:
            keyword = found
        elif keyword:
            lists[keyword].append(word)
        else:
            raise UsageError
    has_change = bool(lists["add"] or lists["remove"])
    if bool(lists["set"]) == has_change:
        raise UsageError(hint=HINT, shows_usage=True)
    wanted, added, removed = (sorted(set(lists[name])) for name in ("set", "add", "remove"))
    return words[0], wanted, added, removed


def _get_device(root: Element, name: str) -> Element:
    """Return the fence device. Raises InvalidRequestError where it is none of its kind."""
    element = find_resource(root, name)
    if element is None:
        raise _refusal("id-unknown", f"resource '{name}' does not exist")
    agent = agent_of(element).type if element.tag == "primitive" else element.tag
    if element.tag != "primitive" or not is_stonith(element) or agent not in AGENTS:
        raise _refusal(
            "not-scsi",
            f"Resource '{name}' is not a stonith resource or its type '{agent}' is not supported "
            f"for devices update. Supported types: {quoted(AGENTS)}",
        )
    if not _devices_of(element):
        raise _refusal(
            "no-devices",
            f"no '{DEVICES}' option is configured for stonith device '{name}'",
        )
    return element


def _devices_of(element: Element) -> list[str]:
    text = set_values(element, "instance_attributes").get(DEVICES, "")
    return [one.strip() for one in text.split(",") if one.strip()]


def _changed(
    request: Request, now: Sequence[str], added: Sequence[str], removed: Sequence[str]
) -> list[str]:
    findings = request.findings
    both = sorted(set(added) & set(removed))
    if both:
        findings.error("both", f"Devices cannot be added and removed at once: {quoted(both)}")
    there = sorted(set(added) & set(now))
    if there:
        findings.error("there-already", f"Devices are there already: {quoted(there)}")
    missing = sorted(set(removed) - set(now))
    if missing:
        findings.error("not-there", f"Devices are not there: {quoted(missing)}")
    after = sorted((set(now) | set(added)) - set(removed))
    if not after:
        findings.error("none-left", "No device would be left")
    findings.stop_if_errors()
    return after


def _unfence(request: Request, ports: Ports) -> None:
    """Let every node that is online register itself on the disks."""
    status = ports.daemon.ask({"do": "state", "parts": ["status"]}).get("status")
    nodes = status.get("nodes", ()) if isinstance(status, Mapping) else ()
    online = [
        str(node.get("name"))
        for node in (nodes if isinstance(nodes, Sequence) else ())
        if isinstance(node, Mapping) and node.get("is_online") and node.get("node_id")
    ]
    for node in online:
        wanted: JsonRecord = {"do": "fence", "node": node, "task": "on", "client": request.program}
        answer = ports.daemon.ask(wanted, timeout_ms=UNFENCE_MS_MAX)
        if answer.get("ok") is not True:
            reason = answer.get("message") or answer.get("detail") or "no reason was given"
            request.findings.error(
                "not-unfenced",
                f"{node}: Unfencing failed: {reason}",
                advice=f"  try again:  stonith_admin --unfence {node}",
            )


def _refusal(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


COMMANDS = (
    Command(
        words="stonith update-scsi-devices",
        handler=update_devices,
        needs=Needs.CIB_LIVE,
        arguments="<stonith id> (set <device-path>... | [add <device-path>...] "
        "[delete|remove <device-path>...])",
        options=("skip-offline", "request-timeout", "dry-run"),
        help="Change the disks of a fence device (fence_scsi, fence_mpath) while all else runs on.",
        details="Every node that is online then registers itself on the disks (unfencing).",
    ),
)
