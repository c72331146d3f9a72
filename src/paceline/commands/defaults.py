"""`resource defaults`, `resource op defaults`, `stonith ...`: defaults of meta attributes."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from paceline.cib.names import check_new_id
from paceline.cib.nvsets import add_set, pairs_of, update_set
from paceline.cib.rule_checks import check_condition
from paceline.cib.rule_effects import MARKS, Effect, effect_of_all
from paceline.cib.rule_parsing import RuleKind, RuleSyntaxError, parse_rule
from paceline.cib.rules import add_rule
from paceline.cib.tree import Element, find_by_id, find_section, get_section, remove, unique_id
from paceline.cib.wording import bad_score, check_option_names
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import (
    Alias,
    Command,
    Handler,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.export_texts import defaults_commands
from paceline.commands.output_formats import output_format
from paceline.commands.resource_records import set_records
from paceline.commands.show_rules import rule_lines
from paceline.model.scores import parse_score

META = "meta_attributes"


@dataclass(frozen=True, slots=True)
class Section:
    """Which defaults: of resources or of operations."""

    tag: str
    rule_kind: RuleKind


RESOURCES = Section("rsc_defaults", RuleKind.RESOURCE_DEFAULTS)
OPERATIONS = Section("op_defaults", RuleKind.OPERATION_DEFAULTS)


def _warn(request: Request) -> None:
    request.findings.warn(
        "defaults-overridden",
        "Defaults do not apply to resources which override them with their own defined values",
    )


def _config(section: Section) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        if request.arguments:
            raise UsageError
        root = read_cib(ports)
        wanted = output_format(request)
        if wanted == "json":
            owner = get_section(root, section.tag)
            record = {tag: set_records(owner, tag) for tag in ("instance_attributes", META)}
            return Outcome(text=json.dumps(record))
        if wanted == "cmd":
            prefix = "resource defaults" if section is RESOURCES else "resource op defaults"
            return Outcome(text=";\n".join(defaults_commands(root, section.tag, prefix)))
        if request.is_classic:
            return Outcome(text=_classic_text(_sets(root, section)))
        lines = listing(
            root, section, shows_ids=request.has("full"), shows_expired=request.has("all"),
            now_ms=None if request.has("no-expire-check") else time.time_ns() // 1_000_000,
        )  # fmt: skip
        if not lines and not _sets(root, section):
            lines = ["No defaults set"]
        return Outcome(text="\n".join(lines))

    return handler


def _sets(root: Element, section: Section) -> list[Element]:
    found = find_section(root, section.tag)
    return [] if found is None else list(found.iterfind("*"))


def listing(
    root: Element,
    section: Section,
    *,
    shows_ids: bool,
    shows_expired: bool = True,
    now_ms: int | None = None,
) -> list[str]:
    """Return the lines of the sets of defaults; without `now_ms` no rule counts as expired."""
    lines: list[str] = []
    for nvset in _sets(root, section):
        effect = Effect.UNKNOWN if now_ms is None else effect_of_all(nvset, now_ms)
        if effect is not Effect.EXPIRED or shows_expired:
            lines += _set_lines(nvset, effect, shows_ids=shows_ids, now_ms=now_ms)
    return lines


def _classic_text(sets: list[Element]) -> str:
    """Return the defaults as pcs 0.9 shows them."""
    lines = [f"{name}={value}" for nvset in sets for name, value in sorted(pairs_of(nvset).items())]
    return "\n".join(lines) if lines else "No defaults set"


def _set_lines(nvset: Element, effect: Effect, *, shows_ids: bool, now_ms: int | None) -> list[str]:
    label = "Meta Attrs" if nvset.tag == META else "Attributes"
    score = f" score={nvset.get('score')}" if nvset.get("score") else ""
    lines = [f"{label}{MARKS.get(effect, '')}: {nvset.get('id')}{score}"]
    lines += [f"  {name}={_quote(value)}" for name, value in sorted(pairs_of(nvset).items())]
    for rule in nvset.iterfind("rule"):
        lines += [f"  {line}" for line in rule_lines(rule, shows_ids=shows_ids, now_ms=now_ms)]
    return lines


def _quote(value: str) -> str:
    return f'"{value}"' if " " in value else value


def _set_values(section: Section, *, is_old_form: bool = False) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        changes = parse_pairs(request.arguments)
        if is_old_form and not request.is_classic:
            words = " ".join(request.words)
            request.findings.deprecate(
                "deprecated-command",
                "This command is deprecated and will be removed. Please use "
                f"'{request.program} {words} update' instead.",
            )
        if not changes:
            return Outcome()

        def change(root: Element) -> str:
            _refuse_several(request, root, section)
            _warn(request)
            return _update_first(root, section, changes)

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _refuse_several(request: Request, root: Element, section: Section) -> None:
    """End the request where there are several sets: nobody can say which one is meant."""
    found = find_section(root, section.tag)
    if found is not None and len(found.findall(META)) > 1:
        words = " ".join(word for word in request.words if word != "update")
        request.findings.error(
            "sets-several",
            f"Several options sets exist, please use the '{request.program} {words} set update' "
            "command and specify an option set ID",
        )
        request.findings.stop_if_errors()


def _update_first(root: Element, section: Section, changes: dict[str, str]) -> str:
    owner = get_section(root, section.tag)
    nvset = owner.find(META)
    if nvset is None:
        set_id = unique_id(root, f"{section.tag}-{META}")
        nvset = add_set(root, owner, META, (), set_id=set_id)
    update_set(root, nvset, changes, has_short_ids=True)
    return ""


def _show_or_set(section: Section) -> Handler:
    """Return the handler of the bare words: a listing, or pairs in the old form."""
    show, change = _config(section), _set_values(section, is_old_form=True)

    def handler(request: Request, ports: Ports) -> Outcome:
        if not any("=" in word for word in request.arguments):
            return show(request, ports)
        return change(request, ports)

    return handler


def _create_set(section: Section) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        first, sections = split_sections(request.arguments, ("meta", "rule"))
        options = parse_pairs(first)
        values = parse_pairs(sections.get("meta", ()))
        rule_text = " ".join(sections.get("rule", ()))

        def change(root: Element) -> str:
            findings = request.findings
            findings.extend(check_option_names(options, ("id", "score"), is_forceable=True))
            set_id = options.get("id") or unique_id(root, f"{section.tag}-{META}")
            if "id" in options:
                findings.extend(check_new_id(root, set_id))
            score = options.get("score", "")
            if score:
                try:
                    parse_score(score)
                except ValueError:
                    findings.add(bad_score(score))
            rule = None
            if rule_text:
                try:
                    rule = parse_rule(rule_text, section.rule_kind)
                    findings.extend(tuple(check_condition(rule)))
                except RuleSyntaxError as problem:
                    findings.error("rule-invalid", str(problem))
            findings.stop_if_errors()
            _warn(request)
            nvset = add_set(root, get_section(root, section.tag), META, (), set_id=set_id)
            for name, value in options.items():
                if name != "id" and value:
                    nvset.set(name, value)
            if rule is not None:
                add_rule(root, nvset, rule, f"{set_id}-rule")
            update_set(root, nvset, dict(sorted(values.items())), has_short_ids=True)
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _find_set(request: Request, root: Element, section: Section, wanted: str) -> Element | None:
    owner = find_section(root, section.tag)
    for nvset in () if owner is None else owner.iterfind("*"):
        if nvset.get("id") == wanted:
            return nvset
    elsewhere = find_by_id(root, wanted)
    if elsewhere is not None and elsewhere.tag in (META, "instance_attributes"):
        request.findings.error(
            "set-elsewhere",
            f"{elsewhere.tag} '{wanted}' exists but does not belong to '{section.tag}'",
        )
        return None
    request.findings.error("set-unknown", f"options set '{wanted}' does not exist")
    return None


def _delete_set(section: Section) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        def change(root: Element) -> str:
            found = [_find_set(request, root, section, wanted) for wanted in request.arguments]
            request.findings.stop_if_errors()
            for nvset in found:
                if nvset is not None:
                    remove(nvset)
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _update_set(section: Section) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        if not request.arguments:
            raise UsageError
        wanted, *rest = request.arguments
        first, sections = split_sections(rest, ("meta",))
        if first:
            raise UsageError
        changes = parse_pairs(sections.get("meta", ()))

        def change(root: Element) -> str:
            nvset = _find_set(request, root, section, wanted)
            request.findings.stop_if_errors()
            _warn(request)
            if nvset is not None:
                update_set(root, nvset, changes, has_short_ids=True)
            return ""

        edit_cib(request, ports, change)
        return Outcome()

    return handler


def _commands(prefix: str, section: Section, what: str) -> tuple[Command, ...]:
    make: Callable[..., Command] = Command
    listing = ("all", "full", "no-expire-check", "output-format")
    return (
        make(
            words=prefix,
            handler=_show_or_set(section),
            needs=Needs.CIB,
            arguments="[<name>=<value>...]",
            options=(*listing, "force"),
            help=f"List defaults of {what}; with pairs, set them (old form of update).",
        ),
        make(
            words=f"{prefix} config",
            handler=_config(section),
            needs=Needs.CIB,
            options=listing,
            help=f"List defaults of {what}.",
            aliases=(Alias(words=f"{prefix} show"),),
        ),
        make(
            words=f"{prefix} update",
            handler=_set_values(section),
            needs=Needs.CIB,
            arguments="<name>=<value>...",
            options=("force",),
            help=f"Change defaults of {what}; an empty value removes one.",
        ),
        make(
            words=f"{prefix} set create",
            handler=_create_set(section),
            needs=Needs.CIB,
            arguments="[id=<id>] [score=<score>] [meta [<name>=<value>]...] [rule <expression>]",
            options=("force",),
            help=f"Create a set of defaults of {what}, optionally for some of them only.",
        ),
        make(
            words=f"{prefix} set delete",
            handler=_delete_set(section),
            needs=Needs.CIB,
            arguments="<set id>...",
            help="Delete sets of defaults.",
            aliases=(Alias(words=f"{prefix} set remove"),),
        ),
        make(
            words=f"{prefix} set update",
            handler=_update_set(section),
            needs=Needs.CIB,
            arguments="<set id> [meta [<name>=<value>]...]",
            help="Change a set of defaults; an empty value removes.",
        ),
    )


COMMANDS = (
    *_commands("resource defaults", RESOURCES, "resources"),
    *_commands("resource op defaults", OPERATIONS, "operations"),
    *_commands("stonith defaults", RESOURCES, "resources and fence devices"),
    *_commands("stonith op defaults", OPERATIONS, "operations"),
)
