"""What holds for every command: force, nothing written on error, retries, routing, help."""

import re

import pytest
from tests.commands.command_line import EMPTY, CommandLine
from tests.commands.status_cib import CIB as STATUS_CIB

from paceline.commands.options import TAKES, parse_words
from paceline.commands.table import MODULES, all_commands
from paceline.commands.usage import implied_options

CLOSING = "Error: Errors have occurred, therefore pcs is unable to continue\n"


def test_all_problems_are_reported_at_once_and_nothing_is_written() -> None:
    pcs = CommandLine()
    status, _out, err = pcs(
        "resource create A ocf:heartbeat:IPaddr2 bogus=1 op sing timeout=3 monitor on-fail=x"
    )
    assert status == 1
    for part in ("'bogus'", "'ip' is missing", "'sing'", "'x' is not a valid on-fail"):
        assert part in err
    assert err.endswith(CLOSING)
    assert pcs.cib.pushes == 0


def test_force_turns_forceable_errors_into_warnings() -> None:
    pcs = CommandLine()
    status, _out, err = pcs("property set bogus=1")
    assert status == 1
    assert ", use --force to override\n" in err
    status, _out, err = pcs("property set bogus=1 --force")
    assert status == 0
    assert err.startswith("Warning: invalid cluster property option 'bogus'")
    assert "use --force" not in err


def test_force_lifts_no_other_error() -> None:
    pcs = CommandLine()
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    status, _out, err = pcs("resource create A ocf:pacemaker:Dummy --force")
    assert (status, err) == (1, "Error: 'A' already exists\n")


def test_change_is_made_again_on_what_others_wrote() -> None:
    pcs = CommandLine()
    rival = EMPTY.replace("<resources/>", '<resources><group id="G"/></resources>')
    pcs.cib.rivals = [rival.encode()]
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    assert 'id="G"' in pcs.text
    assert 'id="A"' in pcs.text


def test_change_is_given_up_when_others_never_stop() -> None:
    pcs = CommandLine()
    pcs.cib.rivals = [EMPTY.encode()] * 50
    status, _out, err = pcs("property set maintenance-mode=true")
    assert status == 1
    assert "changed by others" in err


def test_dry_run_shows_the_difference_and_writes_nothing() -> None:
    pcs = CommandLine()
    out = pcs.ok("property set maintenance-mode=true --dry-run")
    assert '+        <nvpair id="cib-bootstrap-options-maintenance-mode"' in out
    assert "what the cluster would do cannot be said" in out
    assert pcs.cib.pushes == 0


def test_dry_run_tells_what_the_cluster_would_do_and_why() -> None:
    pcs = CommandLine(STATUS_CIB.decode())
    out = pcs.ok("resource disable Address --dry-run")
    brought, anyway = out.split("The cluster would then:")[1].split("And, changed or not:")
    assert re.search(r"\* Stop +Address +\( +web1 +\)  due to node availability", brought)
    assert "Web" not in brought
    assert re.search(r"\* Restart +Web", anyway)
    assert pcs.cib.pushes == 0


@pytest.mark.parametrize(
    ("line", "suggestion"),
    [
        ("resorce create", "Did you mean 'resource'?"),
        ("constraint locaton", "Did you mean 'constraint location' or"),
        ("property sett a=b", "Did you mean 'property set' or 'property unset'?"),
    ],
)
def test_unknown_words_get_a_suggestion(line: str, suggestion: str) -> None:
    status, out, err = CommandLine()(line)
    assert (status, out) == (1, "")
    assert suggestion in err


def test_unknown_option_is_an_error() -> None:
    status, _out, err = CommandLine()("property config --bogus")
    assert status == 1
    assert err.startswith("Error: option --bogus not recognized\n")


def test_option_of_another_command_is_an_error() -> None:
    status, _out, err = CommandLine()("resource create A ocf:pacemaker:Dummy --full")
    assert status == 1
    assert err == "Error: Specified option '--full' is not supported in this command\n"


def test_negative_numbers_are_arguments() -> None:
    parsed = parse_words(["constraint", "-5", "-INFINITY", "--force", "--", "--full"])
    assert parsed.words == ("constraint", "-5", "-INFINITY", "--full")
    assert parsed.options == {"force": ""}


@pytest.mark.parametrize("word", ["a=\x01", "a=\udcff", "\x00"])
def test_characters_that_no_configuration_can_hold_are_refused(word: str) -> None:
    status, _out, err = CommandLine()(f"property set {word} --force")
    assert status == 1
    assert err.startswith("Error: ")
    assert "control character" in err


def test_help_names_every_area() -> None:
    out = CommandLine().ok("help")
    for area in MODULES:
        assert f"    {area}" in out


def test_every_declared_option_is_known() -> None:
    for command in all_commands():
        for name in (*command.options, *implied_options(command.needs)):
            assert name in TAKES, (command.words, name)


def test_no_two_commands_have_the_same_words() -> None:
    seen: dict[str, str] = {}
    for command in all_commands():
        aliases = [alias.words for alias in command.aliases if alias.takes_arguments]
        for words in (command.words, *aliases):
            assert words not in seen, (words, seen.get(words), command.words)
            seen[words] = command.words
