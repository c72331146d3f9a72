"""How low-level tools change the configuration: read, change, check, put back if nobody was faster.

What reads XML is loaded when a change is made: most calls of most tools only ask.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from paceline.commands.tools import EXIT_CONFIGURATION, ToolError, ToolPorts
from paceline.ports.cib_store import VersionMovedError

if TYPE_CHECKING:
    from paceline.cib.tree import Element

ATTEMPTS_MAX = 10
NOT_CONFORMING = "Call failed: Update does not conform to the configured schema"
VERSION_NAMES = ("admin_epoch", "epoch", "num_updates")


def edit(ports: ToolPorts, change: "Callable[[Element], str]") -> str:
    """Change the configuration, again where it moved meanwhile; return what `change` returned.

    Raises ToolError where the change brings a new error into the configuration.
    """
    from paceline.cib.tree import parse_cib, serialize

    for _attempt in range(ATTEMPTS_MAX):
        snapshot = ports.cib.read()
        root = parse_cib(snapshot.document)
        before = serialize(root)
        text = change(root)
        if serialize(root) == before:
            return text
        _refuse_new_problems(before, root)
        if not ports.cib.is_live:
            _count_up(root, before)
        try:
            ports.cib.push(serialize(root), based_on=snapshot.version)
        except VersionMovedError:
            continue
        return text
    raise ToolError("the configuration was changed by others all the time; try again")


def _count_up(root: "Element", before: bytes) -> None:
    """Give a file its next version, as the cluster does: by what was changed."""
    from paceline.cib.tree import serialize

    is_same = _configuration(serialize(root)) == _configuration(before)
    name = "num_updates" if is_same else "epoch"
    number = root.get(name, "0")
    root.set(name, str(int(number) + 1 if number.isdigit() else 1))
    if not is_same:
        root.set("num_updates", "0")


def _configuration(document: bytes) -> bytes:
    """Return what a new epoch is for: all but the status and the version itself."""
    from paceline.cib.tree import parse_cib, serialize

    root = parse_cib(document)
    for name in VERSION_NAMES:
        root.attrib.pop(name, "")
    for status in root.findall("status"):
        root.remove(status)
    return serialize(root)


def _refuse_new_problems(before: bytes, after: "Element") -> None:
    """Raise ToolError for every error that the change brings into the configuration."""
    from paceline.cib.tree import parse_cib
    from paceline.cib.validate import new_errors

    found = new_errors(parse_cib(before), after)
    if found:
        problems = "\n".join(each.message for each in found)
        raise ToolError(f"{NOT_CONFORMING}\n{problems}", EXIT_CONFIGURATION, is_bare=True)
