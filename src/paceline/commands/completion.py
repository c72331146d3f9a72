"""`completion bash|zsh|fish`: a shell's completion script, made from the declarations.

The script holds a table: what may follow which words, and which options a command takes. It asks
nobody while somebody types, so it is as fast as the shell, and works without a cluster.
"""

from collections.abc import Iterable, Mapping

from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.options import EVERYWHERE
from paceline.commands.table import PROGRAMS, SUMMARIES, all_commands
from paceline.commands.usage import implied_options

SHELLS = ("bash", "fish", "zsh")
PROGRAM_NAMES = ("pcs", "paceline")


def completion(request: Request, ports: Ports) -> Outcome:
    """Print the script of one shell."""
    if len(request.arguments) != 1 or request.arguments[0] not in SHELLS:
        raise UsageError
    commands = tuple(command for command in all_commands() if not command.is_hidden)
    match request.arguments[0]:
        case "bash":
            return Outcome(text=bash_script(commands))
        case "zsh":
            return Outcome(text=zsh_script(commands))
        case _:
            return Outcome(text=fish_script(commands))


def following_words(commands: Iterable[Command]) -> Mapping[str, tuple[str, ...]]:
    """Return, by the words so far (joined by blanks), which may come next, sorted."""
    found: dict[str, set[str]] = {"": set(PROGRAMS)}
    for command in commands:
        words = command.words.split()
        for size in range(len(words)):
            found.setdefault(" ".join(words[:size]), set()).add(words[size])
    return {prefix: tuple(sorted(words)) for prefix, words in sorted(found.items())}


def options_of(command: Command) -> tuple[str, ...]:
    """Return the options of a command as they are typed, sorted."""
    names = {*command.options, *implied_options(command.needs), *EVERYWHERE}
    names -= {*command.unlisted_options, "debug", "future", "version"}
    return tuple(sorted(f"-{name}" if len(name) == 1 else f"--{name}" for name in names))


def _shell_table(name: str, rows: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Return the lines that declare an associative array, as bash and zsh read it."""
    return [
        f"typeset -gA {name}",
        *(f"{name}[{_key(prefix)}]='{' '.join(words)}'" for prefix, words in rows.items()),
    ]


def _key(prefix: str) -> str:
    """Return the key of words: joined by dots, because keys with blanks need other quotes in zsh.

    A dot begins it, because no shell takes an empty key.
    """
    return "." + prefix.replace(" ", ".")


def _options(commands: Iterable[Command]) -> dict[str, tuple[str, ...]]:
    return {command.words: options_of(command) for command in commands}


_FIND = r"""
    key="." options=""
    for word in "${typed[@]}"; do
        case $word in -*) continue ;; esac
        next=${key%.}.$word
        if [[ -z ${_paceline_words[$next]:-}${_paceline_options[$next]:-} ]]; then
            [[ -n ${_paceline_options[$key]:-} ]] || key=none
            break
        fi
        key=$next
        options=${_paceline_options[$key]:-$options}
    done
"""
"""Finds the longest beginning of what was typed that the tables know."""


def bash_script(commands: Iterable[Command]) -> str:
    """Return the script for bash 4 and later."""
    chosen = tuple(commands)
    lines = [
        "# Completion for bash. Use it:  source <(paceline completion bash)",
        *_shell_table("_paceline_words", following_words(chosen)),
        *_shell_table("_paceline_options", _options(chosen)),
        "_paceline_complete() {",
        "    local current=${COMP_WORDS[COMP_CWORD]} key options word next",
        '    local -a typed=("${COMP_WORDS[@]:1:COMP_CWORD-1}")',
        _FIND.strip("\n"),
        "    if [[ $current == -* ]]; then",
        '        COMPREPLY=($(compgen -W "$options" -- "$current"))',
        "    else",
        '        COMPREPLY=($(compgen -W "${_paceline_words[$key]:-}" -- "$current"))',
        "    fi",
        "}",
        f"complete -o default -F _paceline_complete {' '.join(PROGRAM_NAMES)}",
    ]
    return "\n".join(lines).replace("typeset -gA", "declare -gA")


def zsh_script(commands: Iterable[Command]) -> str:
    """Return the script for zsh."""
    chosen = tuple(commands)
    lines = [
        f"#compdef {' '.join(PROGRAM_NAMES)}",
        "# Completion for zsh. Use it:  source <(paceline completion zsh)",
        *_shell_table("_paceline_words", following_words(chosen)),
        *_shell_table("_paceline_options", _options(chosen)),
        "_paceline_complete() {",
        "    local current=$words[CURRENT] key options word next",
        "    local -a typed=(${words[2,CURRENT-1]})",
        _FIND.strip("\n"),
        "    if [[ $current == -* ]]; then",
        "        compadd -- ${=options}",
        "    elif [[ -n ${_paceline_words[$key]:-} ]]; then",
        "        compadd -- ${=_paceline_words[$key]}",
        "    else",
        "        _files",
        "    fi",
        "}",
        f"(( $+functions[compdef] )) && compdef _paceline_complete {' '.join(PROGRAM_NAMES)}",
    ]
    return "\n".join(lines)


def fish_script(commands: Iterable[Command]) -> str:
    """Return the script for fish."""
    chosen = tuple(commands)
    lines = [
        "# Completion for fish. Use it:  paceline completion fish | source",
        "function __paceline_typed",
        "    # The words typed so far, without options, begin with (or with -x: are) these.",
        "    set -l typed (string match -v -- '-*' (commandline -opc))[2..-1]",
        '    if test "$argv[1]" = -x',
        '        test "$typed" = "$argv[2..-1]"',
        "    else",
        '        string match -q -- "$argv*" "$typed"',
        "    end",
        "end",
    ]
    helps = {command.words: command.help for command in chosen}
    for program in PROGRAM_NAMES:
        for prefix, words in following_words(chosen).items():
            for word in words:
                whole = f"{prefix} {word}".strip()
                text = helps.get(whole) or (SUMMARIES.get(word, "") if not prefix else "")
                lines.append(
                    f"complete -c {program} -f -n '__paceline_typed -x {prefix}' "
                    f"-a {word}{_described(text)}"
                )
        for command in chosen:
            for option in options_of(command):
                kind = "-l" if option.startswith("--") else "-s"
                lines.append(
                    f"complete -c {program} -n '__paceline_typed {command.words}' "
                    f"{kind} {option.lstrip('-')}"
                )
    return "\n".join(lines)


def _described(text: str) -> str:
    """Return a description as an argument, quoted for fish."""
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f" -d '{quoted}'" if text else ""


COMMANDS = (
    Command(
        words="completion",
        handler=completion,
        needs=Needs.NOTHING,
        arguments="bash|zsh|fish",
        help="Print a shell's completion script.",
        details="For bash:  source <(paceline completion bash)",
    ),
)
