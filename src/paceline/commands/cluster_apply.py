"""`cluster plan`, `apply`, `export`: a cluster described in files, and made what they describe."""

import shlex
from collections.abc import Sequence

from paceline.cib.comparing import Difference, differences, things_of
from paceline.cib.resources import find_resource
from paceline.cib.tree import Element, find_section, parse_cib, serialize
from paceline.cib.wording import bad_value
from paceline.commands import export_texts
from paceline.commands.cluster_options import choice
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.described_cluster import (
    BY_HAND,
    MANAGED,
    plain_words,
    play,
    read_commands,
    sections_of,
)
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.resource_state import set_meta
from paceline.commands.resource_texts import command_texts
from paceline.commands.run import Session
from paceline.commands.waiting import check_wait, wait_if_asked, wait_limit_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

YAML_ENDINGS = (".yaml", ".yml")
FILE_ENDINGS = (".pcs", ".sh", *YAML_ENDINGS)
FORMATS = ("cmd", "yaml")
NOTHING = "The cluster is as described; nothing to do."
OTHERS_WORDS = ("cluster", "host", "quorum", "config", "status")
"""First words of commands that describe no configuration: they are told of, and passed over."""


def _read(request: Request, ports: Ports) -> list[list[str]]:
    """Return the commands of the file or folder that is named. Raises InvalidRequestError."""
    if len(request.arguments) != 1:
        raise UsageError
    commands: list[list[str]] = []
    for path in _paths(ports, request.arguments[0]):
        try:
            text = ports.files.read(path)
            found = _described(text) if path.endswith(YAML_ENDINGS) else read_commands(text)
        except OSError as problem:
            message = f"Unable to read '{path}': {problem.strerror or problem}"
            raise InvalidRequestError(Report(code="file-unreadable", message=message)) from problem
        except ValueError as problem:
            message = f"Unable to understand '{path}': {problem}"
            raise InvalidRequestError(Report(code="file-broken", message=message)) from problem
        for words in found:
            plain = plain_words(words)
            if plain[:1] and plain[0] in OTHERS_WORDS:
                request.findings.warn(
                    "passed-over", f"'{shlex.join(plain[:3])} ...' is not part of a description"
                )
            else:
                commands.append(words)
    if not commands:
        message = f"'{request.arguments[0]}' describes nothing"
        raise InvalidRequestError(Report(code="file-empty", message=message))
    return commands


def _described(text: str) -> list[list[str]]:
    """Return the commands that a readable description stands for. Raises ValueError."""
    from paceline.commands.readable_cluster import commands_of_description
    from paceline.commands.yaml_text import read_yaml  # few commands need it

    return commands_of_description(read_yaml(text))


def _paths(ports: Ports, path: str) -> tuple[str, ...]:
    """Return the file, or the files of a folder by name."""
    names = ports.files.names_in(path)
    if names is None:
        return (path,)
    return tuple(f"{path}/{name}" for name in sorted(names) if name.endswith(FILE_ENDINGS))


def _wanted(
    request: Request, ports: Ports, commands: Sequence[Sequence[str]], current: Element
) -> Element:
    """Return the configuration that is described. Raises ErrorsHaveOccurredError."""
    session = Session(
        program=request.program, user=request.user, cwd=request.cwd,
        environment=request.environment,
    )  # fmt: skip
    wanted, problems = play(commands, current, session, ports)
    for problem in problems:
        request.findings.error("description-wrong", f"in the description: {problem}")
    request.findings.stop_if_errors()
    return wanted


def _differences(
    current: Element, wanted: Element, commands: Sequence[Sequence[str]]
) -> tuple[Difference, ...]:
    sections = sections_of(commands)
    return differences(things_of(current, sections), things_of(wanted, sections))


def difference_lines(found: Sequence[Difference]) -> list[str]:
    """Return differences as people read them."""
    lines = []
    for one in found:
        lines.append(f"{one.mark} {one.thing.kind} {one.thing.name}".rstrip())
        lines += [f"      {detail}" for detail in one.details]
    return lines


def plan(request: Request, ports: Ports) -> Outcome:
    """Show what `apply` would change: `cluster plan FILE|DIR`."""
    commands = _read(request, ports)
    snapshot = ports.cib.read()
    current = parse_cib(snapshot.document)
    wanted = _wanted(request, ports, commands, current)
    found = _differences(current, wanted, commands)
    if not found:
        return Outcome(text=NOTHING)
    from paceline.commands.foresight import foresee  # brings the scheduler, which loads slowly

    return Outcome(
        text="\n".join((*difference_lines(found), "", *foresee(current, wanted, snapshot.status)))
    )


def apply(request: Request, ports: Ports) -> Outcome:
    """Make the cluster what is described: `cluster apply FILE|DIR [--wait]`.

    The differences are shown first. What goes is stopped before it is deleted; all else is one
    change, so that nobody sees half of it.
    """
    commands = _read(request, ports)
    check_wait(request, ports)
    current = read_cib(ports)
    wanted = _wanted(request, ports, commands, current)
    found = _differences(current, wanted, commands)
    if not found:
        return Outcome(text=NOTHING)
    request.progress("\n".join(difference_lines(found)))
    if ports.cib.is_live and not request.has("dry-run"):
        _stop_what_goes(request, ports, found)
    sections = sections_of(commands)

    def change(root: Element) -> str:
        again = _wanted(request, ports, commands, root)
        for section in sections:
            _replace(root, again, section)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _stop_what_goes(request: Request, ports: Ports, found: Sequence[Difference]) -> None:
    """Disable the resources that are to be deleted, and wait until they have stopped."""
    names = [one.thing.name for one in found if one.mark == "-" and one.thing.kind == "resource"]
    if not names:
        return

    def disable(root: Element) -> str:
        for name in names:
            element = find_resource(root, name)
            if element is not None:
                set_meta(root, element, {"target-role": "Stopped"})
        return ""

    edit_cib(request, ports, disable)
    limit_ms = wait_limit_ms(request)
    answer = ports.daemon.ask({"do": "wait", "timeout_ms": limit_ms}, timeout_ms=limit_ms)
    if answer.get("ok") is not True:
        message = f"Unable to stop what is to be deleted: {', '.join(names)}; nothing else changed"
        raise InvalidRequestError(Report(code="not-stopped", message=message))


def _replace(root: Element, wanted: Element, section: str) -> None:
    """Let a section be what it is in another configuration."""
    old, new = find_section(root, section), find_section(wanted, section)
    if new is None:
        if old is not None:
            for child in list(old):
                old.remove(child)
        return
    copied = parse_cib(serialize(wanted)).find(f"configuration/{section}")
    if copied is None:
        return
    if old is None:
        configuration = root.find("configuration")
        if configuration is not None:
            configuration.append(copied)
    else:
        parent = old.getparent()
        if parent is not None:
            parent.replace(old, copied)


def export(request: Request, ports: Ports) -> Outcome:
    """Write the description of the cluster: `cluster export [FILE]`."""
    if len(request.arguments) > 1:
        raise UsageError
    path = "".join(request.arguments)
    text = "".join(f"{command}\n" for command in describe(read_cib(ports)))
    wanted = request.value("output-format") or ("yaml" if path.endswith(YAML_ENDINGS) else "cmd")
    if wanted not in FORMATS:
        request.findings.add(bad_value("--output-format", wanted, choice(*FORMATS).words))
        request.findings.refuse_if_errors()
    if wanted == "yaml":
        from paceline.commands.readable_export import describe_commands
        from paceline.commands.yaml_text import write_yaml  # few commands need it

        text = write_yaml(describe_commands(read_commands(text)))
    if not request.arguments:
        return Outcome(text=text.rstrip("\n"))
    if ports.files.exists(path) and not (request.is_forced or request.has("overwrite")):
        message = f"'{path}' already exists"
        raise InvalidRequestError(Report(code="file-exists", message=message, is_forceable=True))
    ports.files.write(path, text)
    return Outcome()


def describe(root: Element) -> list[str]:
    """Return the commands that make this configuration, in an order in which each one works."""
    tops = find_section(root, "resources")
    elements = [] if tops is None else list(tops.iter("primitive", "group", "clone", "bundle"))
    tags = find_section(root, "tags")
    by_hand = {
        one.get("id", "")
        for one in root.iter("rsc_location")
        if one.get("id", "").startswith(BY_HAND)
    }
    return [
        *export_texts.property_commands(root, skipped=MANAGED),
        *export_texts.defaults_commands(root, "rsc_defaults", "resource defaults"),
        *export_texts.defaults_commands(root, "op_defaults", "resource op defaults"),
        *command_texts(elements),
        *export_texts.node_commands(root, skipped=frozenset({"standby", "maintenance"})),
        *export_texts.level_commands(root),
        *export_texts.constraint_commands(root, skipped=frozenset(by_hand)),
        *export_texts.tag_commands(() if tags is None else tags.iterfind("tag")),
        *export_texts.alert_commands(root),
        *export_texts.acl_commands(root),
    ]


COMMANDS = (
    Command(
        words="cluster plan",
        handler=plan,
        needs=Needs.CIB,
        arguments="<file or folder>",
        help="Show what 'cluster apply' would change, and what the cluster would then do.",
    ),
    Command(
        words="cluster apply",
        handler=apply,
        needs=Needs.CIB,
        arguments="<file or folder>",
        options=("force", "wait"),
        help="Make the configuration what files describe; what they do not speak of stays.",
        details="The files are YAML (.yaml, .yml: docs/description.md), or hold commands, as "
        "'--output-format cmd' writes them. A second run changes nothing.",
    ),
    Command(
        words="cluster export",
        handler=export,
        needs=Needs.CIB,
        arguments="[<file>]",
        options=("force", "overwrite", "output-format"),
        help="Write the commands that make this configuration, or its description in YAML.",
        details="--output-format is cmd or yaml; a file's ending .yaml or .yml chooses, too.",
    ),
)
