"""A cluster described in files: the commands that make it, read and played on a configuration.

The files hold what `cluster export` and `--output-format cmd` write: commands, ended by `;` or the
line, going on after a backslash, with comments after `#`. Playing them on an empty configuration
gives the one that is wanted; what the files do not speak of stays as it is.
"""

import copy
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from paceline.cib.cluster_options import CLUSTER_OPTIONS
from paceline.cib.comparing import Thing, things_of
from paceline.cib.constraints import LOCATION, iterate_constraints
from paceline.cib.tree import (
    Element,
    find_section,
    get_configuration,
    get_section,
    nodes,
    parse_cib,
    remove,
    serialize,
)
from paceline.commands.contract import Ports, UsageError
from paceline.commands.run import Session, run_words
from paceline.ports.cib_store import CibSnapshot, PushOutcome

PROGRAMS = ("pcs", "paceline")
GROUPS: dict[str, tuple[str, ...]] = {
    "property": ("crm_config",),
    "node": ("nodes",),
    "resource": ("resources", "constraints", "fencing-topology", "tags"),
    "stonith": ("resources", "constraints", "fencing-topology", "tags"),
    "constraint": ("resources", "constraints", "fencing-topology", "tags"),
    "tag": ("resources", "constraints", "fencing-topology", "tags"),
    "resource defaults": ("rsc_defaults",),
    "stonith defaults": ("rsc_defaults",),
    "resource op defaults": ("op_defaults",),
    "stonith op defaults": ("op_defaults",),
    "alert": ("alerts",),
    "acl": ("acls",),
}
"""First words of commands, and the sections that a file speaks of when it has such a command."""
NODE_STATES = ("standby", "maintenance")
"""What people switch at a node; no description of a cluster changes it."""
BY_HAND = ("cli-ban-", "cli-prefer-")
"""Beginnings of the ids that move and ban leave; no description of a cluster changes them."""
MANAGED = frozenset(option.name for option in CLUSTER_OPTIONS if option.is_managed)


@dataclass(slots=True)
class KeptTerminal:
    """Keeps what a played command says."""

    text: str = ""

    def out(self, text: str) -> None:
        """Pass over what it shows: nobody asked for it."""

    def err(self, text: str) -> None:
        """Keep what it has to say."""
        self.text += text

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        """Raise UsageError: nobody is there to answer."""
        raise UsageError("a described cluster cannot ask questions")


@dataclass(slots=True)
class CibInMemory:
    """A configuration that the played commands change."""

    document: bytes
    is_live: bool = field(default=False)

    def read(self) -> CibSnapshot:
        """Return it."""
        return CibSnapshot(document=self.document, version="")

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        """Take the change."""
        self.document = document
        return PushOutcome()


def read_commands(text: str) -> list[list[str]]:
    """Return the commands of a file, each as words without the program's name.

    Raises ValueError where quotes are not closed, or a line does not begin with the program.
    """
    lexer = shlex.shlex(text.replace("\\\n", " "), posix=True, punctuation_chars=";\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    commands: list[list[str]] = [[]]
    for word in lexer:
        if set(word) <= {";", "\n"}:
            commands.append([])
        else:
            commands[-1].append(word)
    found = [words for words in commands if words]
    for words in found:
        if words[0] not in PROGRAMS or len(words) < 2:
            raise ValueError(f"'{' '.join(words)}' is no command of {PROGRAMS[0]}")
    return [words[1:] for words in found]


def plain_words(words: Sequence[str]) -> list[str]:
    """Return the words that are no options."""
    return [word for word in words if not word.startswith("-")]


def sections_of(commands: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """Return the sections that commands speak of, in a fixed order."""
    spoken: set[str] = set()
    for words in commands:
        plain = plain_words(words)
        for size in (3, 2, 1):
            group = GROUPS.get(" ".join(plain[:size]))
            if group is not None:
                spoken.update(group)
                break
    ordered = dict.fromkeys(name for group in GROUPS.values() for name in group)
    return tuple(name for name in ordered if name in spoken)


def play(
    commands: Sequence[Sequence[str]], current: Element, session: Session, ports: Ports
) -> tuple[Element, list[str]]:
    """Return the configuration that the commands make, and what was wrong with them."""
    base = copy.deepcopy(current)
    sections = sections_of(commands)
    for section in sections:
        _empty(base, section)
    store = CibInMemory(serialize(base))
    problems: list[str] = []
    for words in commands:
        terminal = KeptTerminal()
        status = run_words(
            words,
            session=session,
            terminal=terminal,
            make_ports=lambda _places: replace(ports, cib=store),
        )
        if status != 0:
            problems.append(f"{shlex.join(words)}\n{terminal.text.strip()}")
    wanted = parse_cib(store.document)
    _keep_what_is_by_hand(current, wanted, sections)
    _keep_equal(current, wanted, sections)
    return wanted, problems


def _empty(root: Element, section: str) -> None:
    """Take everything out of a section that a description of a cluster says."""
    if section == "nodes":
        for node in nodes(root):
            for nvset in node.findall("instance_attributes"):
                _keep_pairs(nvset, frozenset(NODE_STATES))
            for nvset in node.findall("utilization"):
                remove(nvset)
        return
    found = find_section(root, section)
    for child in list(() if found is None else found):
        if child.tag == "cluster_property_set":
            _keep_pairs(child, MANAGED)
        else:
            remove(child)


def _keep_pairs(nvset: Element, names: frozenset[str]) -> None:
    for pair in nvset.findall("nvpair"):
        if pair.get("name") not in names:
            nvset.remove(pair)


def _keep_what_is_by_hand(current: Element, wanted: Element, sections: Sequence[str]) -> None:
    """Keep the constraints of move and ban, as long as there is what they are about."""
    if "constraints" not in sections:
        return
    known = {thing.name for thing in things_of(wanted, ("resources",))}
    have = {one.get("id") for one in iterate_constraints(wanted)}
    for one in iterate_constraints(current, (LOCATION,)):
        name = one.get("id", "")
        if name.startswith(BY_HAND) and name not in have and one.get("rsc") in known:
            get_section(wanted, "constraints").append(copy.deepcopy(one))


def _keep_equal(current: Element, wanted: Element, sections: Sequence[str]) -> None:
    """Put what is the same already in the place of what was made anew: its ids stay."""
    for section in sections:
        old_section, new_section = find_section(current, section), find_section(wanted, section)
        if old_section is None or new_section is None:
            continue
        old_by_id = {one.get("id"): one for one in old_section}
        for new in list(new_section):
            old = old_by_id.get(new.get("id"))
            if old is not None and _alone(section, old) == _alone(section, new):
                new_section.replace(new, copy.deepcopy(old))


def _alone(section: str, element: Element) -> dict[Thing, dict[str, str]]:
    """Return what one element of a section configures."""
    root = parse_cib(b"<cib><configuration/></cib>")
    holder = get_configuration(root).makeelement(section)
    get_configuration(root).append(holder)
    holder.append(copy.deepcopy(element))
    return things_of(root, (section,))
