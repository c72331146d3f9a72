"""`crm_verify`: is the configuration well-formed, valid, and free of what the scheduler minds."""

from collections.abc import Sequence

from msgspec.structs import replace

from paceline.cib.read import has_watchdog_option, read_configuration, read_status
from paceline.cib.tree import Element, parse_cib
from paceline.commands.tools import (
    EXIT_CONFIGURATION,
    EXIT_ERROR,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)
from paceline.commands.tools_cib import read_live
from paceline.model.errors import InvalidRequestError
from paceline.model.plan import Finding
from paceline.model.reports import Report, Severity
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus
from paceline.scheduler import schedule

OPTIONS = (
    Option("live-check", "L"),
    Option("xml-file", "x", "value"),
    Option("xml-text", "X", "value"),
    Option("xml-pipe", "p"),
    Option("save-xml", "S", "value"),
    Option("quiet", "qQ"),
    Option("classic"),
)
NO_DEVICES = "no-fence-device"
STONITH_LINES = (
    "Resource start-up disabled since no STONITH resources have been defined",
    "Either configure some or disable STONITH with the stonith-enabled option",
    "NOTE: Clusters with shared data need STONITH to ensure data integrity",
)
"""What administrators know these three findings by."""
WATCHDOG_IGNORED = (
    "have-watchdog=true has no effect: this cluster has no watchdog fencing; create a fence device"
)
NOT_VALID = "Errors found during check: config not valid"


def crm_verify(words: Sequence[str], ports: ToolPorts) -> Said:
    """Check the live configuration (`-L`) or the given one."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_verify -L | -x FILE | -X TEXT | -p [-V]")
    said = _checked(given, ports)
    if given.get("output-as") == "xml":
        from paceline.commands.tools_answers import Answer, result_xml

        request = " ".join(("crm_verify", *words))
        return said._replace(out=result_xml(request, Answer(status=said.status)))
    return said


def _checked(given: Given, ports: ToolPorts) -> Said:
    is_classic = given.has("classic") or ports.environment.get("PACELINE_STYLE") == "classic"
    try:
        root = _source(given, ports)
    except InvalidRequestError as problem:
        return _verdict([str(problem)], [], given, is_classic=is_classic)
    errors, warnings = findings_of(root, is_live=given.has("live-check"))
    return _verdict(errors, warnings, given, is_classic=is_classic)


def _source(given: Given, ports: ToolPorts) -> Element:
    if given.has("live-check"):
        return read_live(ports)
    if given.has("xml-file"):
        try:
            return parse_cib(ports.read_file(given.get("xml-file")))
        except OSError as problem:
            name = given.get("xml-file")
            raise ToolError(f"Couldn't parse input file: {name}", EXIT_ERROR) from problem
    if given.has("xml-text"):
        return parse_cib(given.get("xml-text").encode())
    if given.has("xml-pipe"):
        return parse_cib(ports.read_input())
    raise ToolError(
        "No configuration source specified.  Use --help for usage information.", EXIT_ERROR
    )


def findings_of(root: Element, *, is_live: bool = False) -> tuple[list[str], list[str]]:
    """Return the errors and the warnings of a configuration, each as a sentence.

    A file's option `have-watchdog` is believed; a running cluster has no watchdog fencing.
    """
    from paceline.cib.validate import validate

    reports = validate(root)
    errors = [_sentence(each) for each in reports if each.severity is Severity.ERROR]
    warnings = [_sentence(each) for each in reports if each.severity is Severity.WARNING]
    if errors:
        return errors, warnings
    if is_live and has_watchdog_option(root):
        warnings.append(WATCHDOG_IGNORED)
    for finding in plan_findings(root, is_live=is_live):
        lines = STONITH_LINES if finding.code == NO_DEVICES else (finding.message,)
        (errors if finding.severity == "error" else warnings).extend(lines)
    return errors, warnings


def _sentence(report: Report) -> str:
    """Return what was found, where, and what to do."""
    line = dict(report.facts).get("line")
    where = f" (line {line})" if line else ""
    return f"{report.message}{where}{f'; {report.advice}' if report.advice else ''}"


def plan_findings(root: Element, *, is_live: bool = False) -> tuple[Finding, ...]:
    """Return what the scheduler could not do or had to bend."""
    status = read_status(root) or ClusterStatus(now_ms=0, is_quorate=True)
    if is_live:
        status = replace(status, has_watchdog_fencing=False)
    return schedule(Snapshot(configuration=read_configuration(root), status=status)).findings


def _verdict(errors: list[str], warnings: list[str], given: Given, *, is_classic: bool) -> Said:
    lines = []
    if given.has("verbose"):
        if is_classic:
            lines = [f"   error: unpack_resources:     {each}" for each in errors]
            lines += [f" warning: unpack_resources:     {each}" for each in warnings]
        else:
            lines = [f"(unpack_resources) \terror: {each}" for each in errors]
            lines += [f"(unpack_resources) \twarning: {each}" for each in warnings]
    if not errors:
        return Said(err="\n".join(lines))
    lines.append(NOT_VALID if is_classic else f"crm_verify: {NOT_VALID}")
    if not given.has("verbose"):
        lines.append("-V may provide more details")
    return Said(status=EXIT_CONFIGURATION, err="\n".join(lines))
