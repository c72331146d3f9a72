"""`crm_error`: what a number means that one of the tools ended with or logged."""

import errno
import os
from collections.abc import Mapping, Sequence

from paceline.commands.tools import Given, Option, Said, ToolPorts, parse_options

OPTIONS = (
    Option("name", "n"),
    Option("list", "l"),
    Option("exit", "X"),
    Option("rc", "r"),
)
EXITS = {
    0: ("CRM_EX_OK", "OK"),
    1: ("CRM_EX_ERROR", "Error occurred"),
    2: ("CRM_EX_INVALID_PARAM", "Invalid parameter"),
    3: ("CRM_EX_UNIMPLEMENT_FEATURE", "Unimplemented"),
    4: ("CRM_EX_INSUFFICIENT_PRIV", "Insufficient privileges"),
    5: ("CRM_EX_NOT_INSTALLED", "Not installed"),
    6: ("CRM_EX_NOT_CONFIGURED", "Not configured"),
    7: ("CRM_EX_NOT_RUNNING", "Not running"),
    8: ("CRM_EX_PROMOTED", "Promoted"),
    9: ("CRM_EX_FAILED_PROMOTED", "Failed in promoted role"),
    64: ("CRM_EX_USAGE", "Incorrect usage"),
    65: ("CRM_EX_DATAERR", "Invalid data given"),
    66: ("CRM_EX_NOINPUT", "Input file not available"),
    67: ("CRM_EX_NOUSER", "User does not exist"),
    68: ("CRM_EX_NOHOST", "Host does not exist"),
    69: ("CRM_EX_UNAVAILABLE", "Necessary service unavailable"),
    70: ("CRM_EX_SOFTWARE", "Internal software bug"),
    71: ("CRM_EX_OSERR", "Operating system error occurred"),
    72: ("CRM_EX_OSFILE", "System file not available"),
    73: ("CRM_EX_CANTCREAT", "Cannot create output file"),
    74: ("CRM_EX_IOERR", "I/O error occurred"),
    75: ("CRM_EX_TEMPFAIL", "Temporary failure, try again"),
    76: ("CRM_EX_PROTOCOL", "Protocol violated"),
    77: ("CRM_EX_NOPERM", "Insufficient privileges"),
    78: ("CRM_EX_CONFIG", "Invalid configuration"),
    100: ("CRM_EX_FATAL", "Fatal error occurred, will not respawn"),
    101: ("CRM_EX_PANIC", "System panic required"),
    102: ("CRM_EX_DISCONNECT", "Not connected"),
    103: ("CRM_EX_OLD", "Update was older than existing configuration"),
    104: ("CRM_EX_DIGEST", "Digest mismatch"),
    105: ("CRM_EX_NOSUCH", "No such object"),
    106: ("CRM_EX_QUORUM", "Quorum required"),
    107: ("CRM_EX_UNSAFE", "Operation not safe"),
    108: ("CRM_EX_EXISTS", "Requested item already exists"),
    109: ("CRM_EX_MULTIPLE", "Multiple items match request"),
    110: ("CRM_EX_EXPIRED", "Requested item has expired"),
    111: ("CRM_EX_NOT_YET_IN_EFFECT", "Requested item is not yet in effect"),
    112: ("CRM_EX_INDETERMINATE", "Could not determine status"),
    113: ("CRM_EX_UNSATISFIED", "Not applicable under current conditions"),
    124: ("CRM_EX_TIMEOUT", "Timeout occurred"),
    190: ("CRM_EX_DEGRADED", "Service is active but might fail soon"),
    191: ("CRM_EX_DEGRADED_PROMOTED", "Service is promoted but might fail soon"),
    193: ("CRM_EX_NONE", "No exit status available"),
}
"""The exit statuses of all tools: their names in programs, and what they mean."""
GENERIC = -1001
RESULTS = {GENERIC: ("pcmk_rc_error", "Error")}
"""Results below zero; Paceline's programs have no others, those above are the system's errors."""
INTERRUPTED_FROM = 128
INTERRUPTED = ("CRM_EX_NONE", "Interrupted by signal")


def crm_error(words: Sequence[str], ports: ToolPorts) -> Said:
    """Say what the numbers mean: as the system's errors, exit statuses (-X) or results (-r)."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_error [-n] [-X | -r] [-l | -- NUMBER...]")
    table = _table(given.has("exit"), given.has("rc"))
    has_names = given.has("name")
    if given.get("output-as") == "xml":
        return _as_xml(given, table, words)
    if given.has("list") or not given.words:
        return Said("\n".join(_row(number, table, has_names) for number in sorted(table)))
    meanings = [_meaning(_number(word), table, given.has("exit")) for word in given.words]
    return Said("\n".join(f"{n} - {text}" if has_names else text for n, text in meanings))


def _as_xml(given: Given, table: Mapping[int, tuple[str, str]], words: Sequence[str]) -> Said:
    from paceline.commands.tools_answers import Answer, element_of, result_xml

    numbers = [_number(word) for word in given.words]
    if given.has("list") or not numbers:
        numbers = sorted(table)
    elements = []
    for number in numbers:
        name, text = _meaning(number, table, given.has("exit"))
        names = {"name": name} if given.has("name") else {}
        elements.append(element_of("result-code", code=str(number), **names, description=text))
    return Said(result_xml(" ".join(("crm_error", *words)), Answer(elements=tuple(elements))))


def _number(word: str) -> int:
    try:
        return int(word)
    except ValueError:
        return GENERIC


def _table(is_exit: bool, is_result: bool) -> Mapping[int, tuple[str, str]]:
    if is_exit:
        return EXITS
    system = {number: (name, os.strerror(number)) for number, name in errno.errorcode.items()}
    return {0: ("pcmk_rc_ok", "OK")} | system | (RESULTS if is_result else {})


def _row(number: int, table: Mapping[int, tuple[str, str]], has_names: bool) -> str:
    name, text = table[number]
    return f"{number:5d}: {name:<26s}  {text}" if has_names else f"{number:5d}: {text}"


def _meaning(number: int, table: Mapping[int, tuple[str, str]], is_exit: bool) -> tuple[str, str]:
    found = table.get(number) or RESULTS.get(number)
    if found is not None:
        return found
    if is_exit and number > INTERRUPTED_FROM:
        return INTERRUPTED
    return ("Unknown", f"Unknown {'exit status' if is_exit else 'error'} {number}")
