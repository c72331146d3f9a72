"""What `crm_mon` may be asked for. Read without anything slow, to know whether it will watch."""

from paceline.commands.tools import EXIT_USAGE, Given, Option, ToolError
from paceline.model.durations import parse_duration_ms

OPTIONS = (
    Option("one-shot", "1"), Option("group-by-node", "n"), Option("inactive", "r"),
    Option("failcounts", "f"), Option("operations", "o"), Option("timing-details", "t"),
    Option("tickets", "c"), Option("fence-history", "m", "maybe"),
    Option("neg-locations", "L", "maybe"), Option("show-node-attributes", "A"),
    Option("hide-headers", "D"), Option("show-detail", "R"), Option("brief", "b"),
    Option("simple-status", "s"), Option("interval", "i", "value"), Option("as-xml", "X"),
    Option("disable-ncurses", "N"), Option("quiet", "Q"), Option("include", "I", "value"),
    Option("exclude", "U", "value"), Option("node", "", "value"), Option("resource", "", "value"),
    Option("classic"), Option("daemonize", "d"), Option("pid-file", "p", "value"),
    Option("as-html", "h", "value"), Option("as-cgi", "w"), Option("text-fancy"),
    Option("external-agent", "E", "value"), Option("external-recipient", "e", "value"),
    Option("watch-fencing", "W"), Option("show-description"),
)  # fmt: skip
SUMMARY = ("stack", "dc", "times", "counts", "options", "maint-mode")
FENCING = ("fencing-failed", "fencing-pending", "fencing-succeeded")
SECTIONS = (
    *SUMMARY, *FENCING, "nodes", "resources", "attributes", "failcounts", "operations", "failures",
    "tickets", "bans",
)  # fmt: skip
PAGE_SECTIONS = (
    "stack", "dc", "times", "counts", "maint-mode", "nodes", "resources", "failures",
    "fencing-failed", "fencing-pending",
)  # fmt: skip
"""What text and pages have if nothing else is said; the other forms have all."""
OF_OPTIONS = {
    "show-node-attributes": "attributes", "failcounts": "failcounts", "operations": "operations",
    "timing-details": "operations", "tickets": "tickets", "neg-locations": "bans",
    "fence-history": "fencing-succeeded",
}  # fmt: skip
FORMS = ("text", "xml", "html", "json")
INTERVAL_MS_DEFAULT = 5_000
INTERVAL_MS_MIN = 500


def form_of(given: Given) -> str:
    """Return text, xml, html or json. Raises ToolError for another form."""
    form = given.get("output-as", "text")
    if form == "console":
        form = "text"
    if form not in FORMS:
        raise ToolError(f"Invalid value for --output-as: {form}", EXIT_USAGE)
    if given.has("as-xml"):
        return "xml"
    return "html" if given.has("as-html") or given.has("as-cgi") else form


def sections_of(given: Given) -> frozenset[str]:
    """Return the sections that are wanted: with what `--include` names, without `--exclude`.

    Raises ToolError for a section that is none.
    """
    default = PAGE_SECTIONS if form_of(given) in ("text", "html") else SECTIONS
    options = [section for option, section in OF_OPTIONS.items() if given.has(option)]
    found = {*default, *options} - set(SUMMARY if given.has("hide-headers") else ())
    for name in ("include", "exclude"):
        for word in ",".join(given.every.get(name, ())).split(","):
            is_all = word == ("all" if name == "include" else "none")
            if is_all or word in ("all", "none", "default"):
                found = set(SECTIONS if is_all else default if word == "default" else ())
            elif name == "include":
                found |= _named(word)
            else:
                found -= _named(word)
    return frozenset(found)


def _named(word: str) -> set[str]:
    groups = {"": (), "summary": SUMMARY, "fencing": FENCING}
    if word in groups:
        return set(groups[word])
    if word not in SECTIONS:
        known = ", ".join(("all", "none", "default", "summary", "fencing", *SECTIONS))
        raise ToolError(f"'{word}' is no section: {known}", EXIT_USAGE)
    return {word}


def output_path(given: Given) -> str:
    """Return the file to write, "" for the terminal."""
    path = given.get("as-html") or given.get("output-to")
    return "" if path == "-" else path


def is_watching(given: Given) -> bool:
    """Say whether the status is to be shown again and again, not once."""
    if given.has("daemonize"):
        return True
    once = ("one-shot", "simple-status", "as-cgi", "help", "version")
    if any(given.has(name) for name in once):
        return False
    return form_of(given) == "text" or bool(output_path(given))


def interval_ms(given: Given) -> int:
    """Return the time between two looks. Raises ToolError where it is none."""
    if not given.has("interval"):
        return INTERVAL_MS_DEFAULT
    try:
        return max(parse_duration_ms(given.get("interval")), INTERVAL_MS_MIN)
    except ValueError as problem:
        raise ToolError(f"Invalid value for -i: {given.get('interval')}", EXIT_USAGE) from problem
