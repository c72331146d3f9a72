"""`crm_shadow`: a copy of the configuration in a file, to try changes on.

While `CIB_shadow` names a copy, all low-level tools read and write it. No shell is started: the
tool prints the line that switches this one. What reads XML is imported where it is needed: every
tool asks here where the copy is.
"""

from collections.abc import Mapping, Sequence

from paceline.commands.tools import (
    DANGEROUS,
    EXIT_ERROR,
    EXIT_EXISTS,
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)
from paceline.ports.cib_store import CibStore

OPTIONS = (
    Option("which", "w"), Option("display", "p"), Option("edit", "E"), Option("diff", "d"),
    Option("file", "F"), Option("create", "c", "value"), Option("create-empty", "e", "value"),
    Option("commit", "C", "value"), Option("delete", "D", "value"), Option("reset", "r", "value"),
    Option("switch", "s", "value"), Option("force", "f"), Option("batch", "b"), Option("all", "a"),
    Option("validate-with", "v", "value"),
)  # fmt: skip
FOLDER = "CIB_shadow_dir"
NAME = "CIB_shadow"
FOLDER_OF_ROOT = "/var/lib/pacemaker/cib"
"""Where Pacemaker's tools, and what is built on them, look for root's copies."""


def shadow_path(environment: Mapping[str, str], name: str) -> str:
    """Return the file of the copy of that name."""
    folder = environment.get(FOLDER) or (
        FOLDER_OF_ROOT if _is_root(environment) else f"{environment.get('HOME')}/.cib"
    )
    return f"{folder}/shadow.{name}"


def _is_root(environment: Mapping[str, str]) -> bool:
    return environment.get("HOME", "/root") == "/root"


def crm_shadow(words: Sequence[str], ports: ToolPorts) -> Said:
    """Make, show, compare, commit or delete a copy."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_shadow -w | -p | -d | -F | -c NAME | -e NAME | -C NAME | -D NAME | "
                    "-r NAME | -s NAME  [-b] [-f]")  # fmt: skip
    for name, act in _WITH_NAME.items():
        if given.has(name):
            wanted = given.get(name)
            if not wanted or "/" in wanted:
                raise ToolError(f"'{wanted}' is no name for a copy", EXIT_USAGE)
            return act(wanted, given, ports)
    active = ports.environment.get(NAME, "")
    if not active:
        raise ToolError("No active shadow configuration defined", EXIT_NO_SUCH, is_bare=True)
    path = shadow_path(ports.environment, active)
    if given.has("file"):
        return Said(path)
    if given.has("which"):
        return Said(active)
    if given.has("display"):
        return _display(active, ports)
    if given.has("diff"):
        return _diff(active, ports)
    if given.has("edit"):
        raise ToolError(f"edit the file itself: {path}", EXIT_USAGE)
    raise ToolError("give a query or a command (--help)", EXIT_USAGE)


def _display(name: str, ports: ToolPorts) -> Said:
    from paceline.cib.tree import parse_cib
    from paceline.commands.tools_cib import xml_text

    return Said(xml_text(parse_cib(_read(name, ports))))


def _read(name: str, ports: ToolPorts) -> bytes:
    try:
        return ports.read_file(shadow_path(ports.environment, name))
    except OSError as problem:
        raise ToolError(f"Could not access shadow instance '{name}': {problem}",
                        EXIT_NO_SUCH) from problem  # fmt: skip


def _exists(name: str, ports: ToolPorts) -> bool:
    try:
        ports.read_file(shadow_path(ports.environment, name))
    except OSError:
        return False
    return True


def _write(name: str, content: bytes, ports: ToolPorts) -> Said:
    path = shadow_path(ports.environment, name)
    try:
        ports.write_file(path, content)
    except OSError as problem:
        raise ToolError(f"Could not create '{path}': {problem}", EXIT_ERROR) from problem
    return _switch(name, None, ports)


def _switch(name: str, _given: Given | None, _ports: ToolPorts) -> Said:
    return Said(
        f"No shell is started. To work on the copy, paste this:\n  {NAME}={name} ; export {NAME}"
    )


def _cluster(ports: ToolPorts) -> CibStore:
    """Return the configuration that the copy stands for, not the copy."""
    return ports.original_cib or ports.cib


def _create(name: str, given: Given, ports: ToolPorts) -> Said:
    if _exists(name, ports) and not given.has("force"):
        raise ToolError(
            f"A shadow instance '{name}' already exists; --force overwrites it", EXIT_EXISTS
        )
    from paceline.commands.tools_cib import EMPTY, with_live_status

    if given.has("create-empty"):
        return _write(name, EMPTY, ports)
    return _write(name, with_live_status(_cluster(ports).read()), ports)


def _reset(name: str, _given: Given, ports: ToolPorts) -> Said:
    from paceline.commands.tools_cib import with_live_status

    _read(name, ports)
    return _write(name, with_live_status(_cluster(ports).read()), ports)


def _commit(name: str, given: Given, ports: ToolPorts) -> Said:
    """Replace the cluster's configuration by the copy's."""
    if not given.has("force"):
        raise ToolError(DANGEROUS, EXIT_USAGE, is_bare=True)
    from paceline.cib.tree import parse_cib
    from paceline.commands.tools_cib import xml_text

    store = _cluster(ports)
    snapshot = store.read()
    root, new = parse_cib(snapshot.document), parse_cib(_read(name, ports))
    old_part, new_part = root.find("configuration"), new.find("configuration")
    if old_part is None or new_part is None:
        raise ToolError(f"'{name}' holds no configuration")
    root.replace(old_part, new_part)
    store.push(xml_text(root).encode(), based_on=snapshot.version)
    return Said(f"Committed '{name}' to the cluster")


def _delete(name: str, given: Given, ports: ToolPorts) -> Said:
    if not given.has("force"):
        raise ToolError(DANGEROUS, EXIT_USAGE, is_bare=True)
    path = shadow_path(ports.environment, name)
    try:
        ports.remove_file(path)
    except FileNotFoundError:
        pass  # nothing is left to delete, which is what was wanted
    except OSError as problem:
        raise ToolError(f"Could not remove '{path}': {problem}") from problem
    return Said(f"Shadow '{name}' was deleted; if it is active here: unset {NAME}")


def _diff(name: str, ports: ToolPorts) -> Said:
    from paceline.cib.patches import make_patch
    from paceline.cib.tree import parse_cib
    from paceline.commands.tools_cib import with_live_status, xml_text

    patch = make_patch(
        parse_cib(with_live_status(_cluster(ports).read())), parse_cib(_read(name, ports))
    )
    return Said() if patch is None else Said(xml_text(patch), status=EXIT_ERROR)


_WITH_NAME = {
    "create": _create,
    "create-empty": _create,
    "reset": _reset,
    "commit": _commit,
    "delete": _delete,
    "switch": _switch,
}
