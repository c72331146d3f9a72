"""`cluster cib`, `cib-push`, `cib-upgrade`, `verify`: the configuration as a whole."""

from lxml import etree

from paceline.cib.tree import (
    Element,
    attributes_of,
    find_section,
    get_configuration,
    parse_cib,
    remove,
    serialize,
)
from paceline.cib.validate import validate
from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import ATTEMPTS_MAX, read_cib
from paceline.commands.tools_verify import findings_of
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report, Severity
from paceline.ports.cib_store import CibSnapshot, VersionMovedError

SCOPES = (
    "acls", "alerts", "configuration", "constraints", "crm_config", "fencing-topology", "nodes",
    "op_defaults", "resources", "rsc_defaults", "tags",
)  # fmt: skip
COUNTERS = ("admin_epoch", "epoch", "num_updates")


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _read_arguments(request: Request, *names: str) -> tuple[str, dict[str, str]]:
    """Return the file (or "") and the options among the arguments. Raises UsageError."""
    file, options = "", {}
    for word in request.arguments:
        name, equals, value = word.partition("=")
        if equals and name in names:
            options[name] = value
        elif equals or file:
            raise UsageError
        else:
            file = word
    if request.has("config"):
        if "scope" in options:
            raise UsageError
        options["scope"] = "configuration"
    scope = options.get("scope")
    if scope is not None and scope not in SCOPES:
        raise _refuse("scope-unknown", f"invalid CIB scope '{scope}'")
    return file, options


def _find_scope(root: Element, scope: str) -> Element | None:
    return root.find("configuration") if scope == "configuration" else find_section(root, scope)


def show(request: Request, ports: Ports) -> Outcome:
    """Print the CIB or save it: `cluster cib [FILE] [scope=SCOPE | --config]`."""
    file, options = _read_arguments(request, "scope")
    snapshot = ports.cib.read()
    root = parse_cib(_with_status(snapshot))
    element: Element | None = root
    if "scope" in options:
        element = _find_scope(root, options["scope"])
        if element is None:
            raise _refuse("scope-empty", f"unable to get cib: there is no '{options['scope']}'")
        element.tail = None
    if element is None:
        return Outcome()
    text = serialize(element).decode().rstrip("\n")
    if not file:
        return Outcome(text=text)
    try:
        ports.files.write(file, text + "\n")
    except OSError as problem:
        message = f"Unable to write to file '{file}', {problem.strerror or problem}"
        raise _refuse("file-unwritable", message) from problem
    return Outcome()


def _with_status(snapshot: CibSnapshot) -> bytes:
    """Return the document with the live status in it, as a file has it."""
    if snapshot.status is None:
        return snapshot.document
    from paceline.cib.write_status import cib_with_status  # loads slowly; only this needs it

    return cib_with_status(snapshot.document, snapshot.status)


def push(request: Request, ports: Ports) -> Outcome:
    """Replace the cluster's configuration by a file's: `cluster cib-push FILE [...]`.

    With `diff-against=ORIGINAL` only sections that differ from that file are replaced; without, the
    whole configuration, if the file is not older than what runs.
    """
    file, options = _read_arguments(request, "scope", "diff-against")
    if not file or ("scope" in options and "diff-against" in options):
        raise UsageError
    check_wait(request, ports)
    new = _read_file(ports, file)
    base = _read_file(ports, options["diff-against"]) if "diff-against" in options else None
    for _attempt in range(ATTEMPTS_MAX):
        snapshot = ports.cib.read()
        root = parse_cib(snapshot.document)
        if base is not None:
            _replace_changed(request, root, base, new)
        elif "scope" in options:
            _replace_section(root, new, options["scope"])
        else:
            _refuse_older(request, root, new)
            root = new
        _check(request, root)
        status = root.find("status")
        if status is not None and ports.cib.is_live:
            remove(status)
        try:
            outcome = ports.cib.push(
                serialize(root), based_on=snapshot.version, is_forced=request.is_forced
            )
        except VersionMovedError:
            continue
        request.findings.inform("pushed", "CIB updated")
        if not outcome.is_safe:
            request.findings.warn(
                "not-yet-safe", f"The change is not yet safe; it waits for {outcome.waits_for}"
            )
        wait_if_asked(request, ports)
        return Outcome()
    raise _refuse("version-moved", "the configuration kept changing meanwhile; try again")


def _read_file(ports: Ports, file: str) -> Element:
    """Return a file's CIB; a file with one section only is put into an empty one."""
    try:
        document = ports.files.read(file).encode()
    except (OSError, ValueError) as problem:
        message = f"unable to parse new cib: unable to read '{file}': {problem}"
        raise _refuse("file-unreadable", message) from problem
    try:
        element = parse_text(document)
    except XmlTextError as problem:
        raise _refuse("cib-not-xml", f"unable to parse new cib: {problem}") from problem
    if element.tag == "cib":
        return element
    root = etree.Element("cib")
    if element.tag == "configuration":
        root.append(element)
    elif element.tag in SCOPES:
        get_configuration(root).append(element)
    else:
        raise _refuse("cib-wrong-root", f"unable to parse new cib: it begins with {element.tag}")
    return root


def _refuse_older(request: Request, current: Element, new: Element) -> None:
    """Refuse a file that was saved before the last change, unless forced: it would be undone."""
    old_version, new_version = _version(current), _version(new)
    if new_version and old_version and new_version < old_version:
        shown = ".".join(str(part) for part in old_version)
        request.findings.error(
            "cib-older",
            "Unable to push: the file is older than the running configuration "
            f"({shown}), which others changed meanwhile",
            is_forceable=True,
            advice="Use diff-against=<the file it was made from> to push only what you changed.",
        )
        request.findings.stop_if_errors()


def _version(root: Element) -> tuple[int, ...]:
    values = [attributes_of(root).get(name, "") for name in COUNTERS]
    return tuple(int(value) for value in values) if all(v.isdecimal() for v in values) else ()


def _replace_section(root: Element, new: Element, scope: str) -> None:
    section = _find_scope(new, scope)
    if section is None:
        raise _refuse("scope-empty", f"unable to push cib: the file has no '{scope}'")
    old = _find_scope(root, scope)
    if scope == "configuration":
        if old is not None:
            remove(old)
        root.insert(0, section)
    elif old is not None and (parent := old.getparent()) is not None:
        parent.replace(old, section)
    else:
        get_configuration(root).append(section)


def _replace_changed(request: Request, root: Element, base: Element, new: Element) -> None:
    """Replace the sections in which `new` differs from `base`; refuse what others changed too."""
    changed = False
    for scope in SCOPES:
        if scope == "configuration":
            continue
        before, after = find_section(base, scope), find_section(new, scope)
        if _text(before) == _text(after):
            continue
        current = find_section(root, scope)
        if _text(current) not in (_text(before), _text(after)):
            request.findings.error(
                "section-moved",
                f"'{scope}' was changed in the cluster since '{scope}' of the original was saved",
                is_forceable=True,
            )
        changed = True
        if current is not None and after is None:
            remove(current)
        elif current is not None and after is not None:
            current_parent = current.getparent()
            if current_parent is not None:
                current_parent.replace(current, after)
        elif after is not None:
            get_configuration(root).append(after)
    request.findings.stop_if_errors()
    if not changed:
        request.findings.inform(
            "no-difference",
            "The new CIB and the original CIB are the same, there is nothing to push.",
        )


def _text(element: Element | None) -> bytes:
    if element is None:
        return b""
    return etree.tostring(element, method="c14n")


def _check(request: Request, root: Element) -> None:
    """Refuse a configuration that is not valid, with every reason."""
    for report in validate(root):
        if report.severity is Severity.ERROR:
            request.findings.add(report)
    request.findings.stop_if_errors()


def verify(request: Request, ports: Ports) -> Outcome:
    """Check the configuration, and what the scheduler thinks of it: `cluster verify [FILE]`."""
    if len(request.arguments) > 1:
        raise UsageError
    if request.arguments:
        try:
            root = parse_cib(ports.files.read(request.arguments[0]).encode())
        except (OSError, ValueError) as problem:
            message = f"unable to read '{request.arguments[0]}': {problem}"
            raise _refuse("file-unreadable", message) from problem
    else:
        snapshot = ports.cib.read()
        root = parse_cib(_with_status(snapshot))
    errors, warnings = findings_of(root)
    if request.has("full") or request.has("verbose"):
        for message in warnings:
            request.findings.warn("verify", message)
    if errors:
        listed = "\n".join(f"  {message}" for message in errors)
        request.findings.error("cib-invalid", f"invalid cib:\n{listed}")
        request.findings.stop_if_errors()
    return Outcome()


def upgrade(request: Request, ports: Ports) -> Outcome:
    """Say that the configuration is in the newest format: every format is understood."""
    if request.arguments:
        raise UsageError
    read_cib(ports)
    request.findings.inform("upgraded", "Cluster CIB has been upgraded to latest version")
    return Outcome()


COMMANDS = (
    Command(
        words="cluster cib",
        handler=show,
        needs=Needs.CIB,
        arguments="[<file>] [scope=<scope> | --config]",
        options=("config",),
        help="Print the configuration and the status as XML, or save them to a file.",
        details=f"Scopes are {', '.join(SCOPES)}.",
    ),
    Command(
        words="cluster cib-push",
        handler=push,
        needs=Needs.CIB,
        arguments="<file> [diff-against=<original file> | scope=<scope> | --config]",
        options=("config", "wait", "force"),
        help="Replace the cluster's configuration by a file's, or only what you changed in it.",
    ),
    Command(
        words="cluster verify",
        handler=verify,
        needs=Needs.CIB,
        arguments="[<file>]",
        options=("full", "verbose"),
        help="Check the configuration for mistakes; --full shows warnings too.",
    ),
    Command(
        words="cluster cib-upgrade",
        handler=upgrade,
        needs=Needs.CIB,
        help="Bring the configuration to the newest format.",
    ),
)
