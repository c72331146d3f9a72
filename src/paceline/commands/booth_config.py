"""booth's configuration file: `name = value` lines, tickets with options of their own.

Order is kept; comments are not. Source: boothd(8).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from paceline.cib.wording import check_option_names, quoted
from paceline.commands.contract import Findings

AUTHFILE = "authfile"
SITE, ARBITRATOR, TICKET = "site", "arbitrator", "ticket"
SITES_MIN = 2
TICKET_OPTIONS = (
    "acquire-after", "attr-prereq", "before-acquire-handler", "expire", "mode", "renewal-freq",
    "retries", "timeout", "weights",
)  # fmt: skip
GLOBAL_OPTIONS = (
    "arbitrator", "arbitrator-group", "arbitrator-user", "auth_alg", "authfile", "debug",
    "maxtimeskew", "name", "port", "site", "site-group", "site-user", "ticket", "transport",
    "enable-authfile",
)  # fmt: skip
"""Options of the file as a whole: a ticket cannot have them."""
_TICKET_NAME = re.compile(r"[A-Za-z0-9-]{1,63}")
_UNWRITABLE = re.compile('[\r\n"]')


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """A ticket and its options, as written."""

    name: str
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BoothConfig:
    """The file: what concerns all, then the tickets."""

    options: tuple[tuple[str, str], ...] = ()
    tickets: tuple[Ticket, ...] = ()

    def values(self, name: str) -> tuple[str, ...]:
        """Return the values of an option, in order."""
        return tuple(value for key, value in self.options if key == name)

    def has_ticket(self, name: str) -> bool:
        """Say whether there is such a ticket."""
        return any(ticket.name == name for ticket in self.tickets)

    def with_ticket(self, ticket: Ticket) -> "BoothConfig":
        """Return it with one more ticket."""
        return replace(self, tickets=(*self.tickets, ticket))

    def without_ticket(self, name: str) -> "BoothConfig":
        """Return it without a ticket."""
        return replace(self, tickets=tuple(one for one in self.tickets if one.name != name))


def parse_booth(text: str) -> BoothConfig:
    """Read the file. Raises ValueError, with the line, where it is not as it has to be."""
    options: list[tuple[str, str]] = []
    tickets: list[Ticket] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals or not name:
            raise ValueError(f"line {number}: not 'name = value'")
        value = value.strip("\"'")
        if name == TICKET:
            tickets.append(Ticket(name=value))
        elif tickets:
            last = tickets[-1]
            tickets[-1] = replace(last, options=(*last.options, (name, value)))
        else:
            options.append((name, value))
    return BoothConfig(options=tuple(options), tickets=tuple(tickets))


def render_booth(config: BoothConfig) -> str:
    """Return the file."""
    lines = [f"{name} = {_written(value)}" for name, value in config.options]
    for ticket in config.tickets:
        lines.append(f'{TICKET} = "{ticket.name}"')
        lines += [f"  {name} = {_written(value)}" for name, value in ticket.options]
    return "".join(f"{line}\n" for line in lines)


def _written(value: str) -> str:
    return f'"{value}"' if re.search(r"\s", value) else value


def new_config(sites: Sequence[str], arbitrators: Sequence[str], *, authfile: str) -> BoothConfig:
    """Return the file of a new formation."""
    peers = [(SITE, one) for one in sites] + [(ARBITRATOR, one) for one in arbitrators]
    return BoothConfig(options=((AUTHFILE, authfile), *peers))


def check_peers(findings: Findings, sites: Sequence[str], arbitrators: Sequence[str]) -> None:
    """Report what is wrong with the peers of a new formation."""
    peers = [*sites, *arbitrators]
    if len(sites) < SITES_MIN:
        listed = quoted(sites) if sites else "missing"
        message = f"lack of sites for booth configuration (need 2 at least): sites {listed}"
        findings.error("too-few-sites", message)
    if len(peers) % 2 == 0:
        message = f"odd number of peers is required (entered {len(peers)} peers)"
        findings.error("even-peers", message)
    twice = sorted({one for one in peers if peers.count(one) > 1})
    if twice:
        message = f"duplicate address for booth configuration: {quoted(twice)}"
        findings.error("address-twice", message)
    wrong = [one for one in peers if not one or re.search(r"[\s\"'=]", one)]
    if wrong:
        findings.error("bad-address", f"{quoted(wrong)} cannot be an address")


def check_ticket(
    findings: Findings, config: BoothConfig, name: str, options: Mapping[str, str]
) -> None:
    """Report what is wrong with a new ticket."""
    if not _TICKET_NAME.fullmatch(name):
        findings.error(
            "bad-ticket-name",
            f"booth ticket name '{name}' is not valid, use up to 63 alphanumeric characters or "
            "dash",
        )
    elif config.has_ticket(name):
        message = f"booth ticket name '{name}' already exists in configuration"
        findings.error("ticket-exists", message)
    what = "booth ticket"
    never = [option for option in options if option in GLOBAL_OPTIONS]
    findings.extend(check_option_names(never, TICKET_OPTIONS, what=what))
    others = [option for option in options if option not in GLOBAL_OPTIONS]
    findings.extend(check_option_names(others, TICKET_OPTIONS, what=what, is_forceable=True))
    for option, value in options.items():
        if not value.strip():
            findings.error("value-empty", f"{option} cannot be empty")
        elif _UNWRITABLE.search(value):
            findings.error("bad-value", f"'{value}' cannot be a value of {option}")
