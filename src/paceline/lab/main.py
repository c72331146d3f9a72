"""`paceline lab ...`: several real nodes on this machine, to break on purpose."""

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from paceline.lab import cluster, terminal
from paceline.lab.campaign import main as campaign
from paceline.lab.lab import Lab, LabError, Member, all_labs
from paceline.lab.layout import LAB_NAME_DEFAULT, NETWORKS, TOKEN_MS_DEFAULT
from paceline.lab.members import member_python
from paceline.lab.parser import WordsParser

Words = argparse.Namespace
CAMPAIGN_NAME = "campaign"


def main(words: Sequence[str]) -> int:
    """Carry out `paceline lab WORDS`; return the exit status."""
    given, command = list(words), []
    if "--" in given:
        at = given.index("--")
        given, command = given[:at], given[at + 1 :]
    parsed = _parser().parse_args(given)
    parsed.command = command or getattr(parsed, "command", [])
    action: Callable[[Words], int] = parsed.action
    try:
        return action(parsed)
    except LabError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = WordsParser(prog="paceline lab", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    for verb, (action, text) in _VERBS.items():
        one = verbs.add_parser(verb, help=text, description=text)
        one.set_defaults(action=action)
        if verb != "list":
            one.add_argument("--name", default=LAB_NAME_DEFAULT, metavar="LAB", help="which lab")
        _add_arguments(verb, one)
    return parser


def _add_arguments(verb: str, one: argparse.ArgumentParser) -> None:
    devices = [network.device for network in NETWORKS]
    match verb:
        case "up":
            one.add_argument("--nodes", type=int, default=2, metavar="N", help="1 to 16")
            one.add_argument("--bare", action="store_true", help="no cluster: hosts only")
            one.add_argument("--token", type=int, default=TOKEN_MS_DEFAULT, metavar="MS")
            one.add_argument(
                "--disks", default="", metavar="FOLDER",
                help="the nodes' disks as images there, not in memory (root)",
            )  # fmt: skip
        case "exec":
            one.add_argument("node")
            one.add_argument("command", nargs="*", help="after --")
        case "cut":
            one.add_argument("node")
            one.add_argument("other", nargs="?", default="", help="only between these two")
            one.add_argument("--link", choices=devices, default="", help="only this link")
            one.add_argument("--one-way", action="store_true", help="only what NODE sends")
        case "campaign":
            campaign.add_arguments(one)
            one.set_defaults(name=CAMPAIGN_NAME)
        case "heal":
            one.add_argument("node", nargs="?", default="")
        case "spoil":
            one.add_argument("node")
            one.add_argument("--loss", type=float, default=0.0, metavar="PERCENT")
            one.add_argument("--delay", type=int, default=0, metavar="MS", help="each way")
        case "probe":
            one.add_argument("target", help="http://HOST/PATH, HOST:PORT or HOST")
            one.add_argument("--interval", type=int, default=10, metavar="MS")
            one.add_argument("--seconds", type=float, default=0.0, help="end after this time")
            one.add_argument("--json", action="store_true")
        case "down" | "list" | "ledger":
            pass
        case _:
            one.add_argument("node")


def _lab(words: Words) -> Lab:
    return Lab(words.name)


def _member(words: Words) -> Member:
    """Return the node that can be spoken to, so that nobody waits for one that is frozen."""
    lab = _lab(words)
    member = lab.node(words.node)
    power = lab.state.power(member.name)
    if power == "frozen":
        raise LabError(f"{member.name} is frozen; thaw it first")
    if power == "off":
        raise LabError(f"{member.name} is off; boot it first")
    return member


def _up(words: Words) -> int:
    lab = Lab(words.name, nodes=words.nodes, token_ms=words.token, disk_folder=words.disks)
    lab.up()
    names = ", ".join(lab.spec.node_names)
    print(f"Lab '{words.name}' is up: {names} and client.")
    if not lab.state.shared_disk:
        print("No shared disk /dev/vdb: a loop device needs root.")
    option = "" if words.name == LAB_NAME_DEFAULT else f" --name {words.name}"
    try:
        if not words.bare:
            cluster.set_up(lab, print)
    except LabError:
        print(f"The nodes are up, a cluster is not. End them with: paceline lab down{option}")
        raise
    print(f"Next: paceline lab shell{option} {lab.spec.node_names[0]}")
    return 0


def _down(words: Words) -> int:
    _lab(words).down()
    return 0


def _list(_: Words) -> int:
    labs = all_labs()
    if not labs:
        print("No labs.")
    for lab in labs:
        state = lab.state
        print(f"{lab.spec.name}: {lab.spec.nodes} nodes, token {lab.spec.token_ms} ms")
        for name, power in state.members:
            member = lab.node(name)
            full = ", disk full" if name in state.full else ""
            print(f"  {name:<10} {power:<8} {' '.join(member.addresses)}{full}")
        for first, second, *devices in state.cuts:
            print(f"  cut: {first} and {second or 'all others'} on {', '.join(devices)}")
        for name, loss_permille, delay_ms in state.spoils:
            print(f"  spoiled: {name}, loss {loss_permille / 10:g} %, delay {delay_ms} ms")
    return 0


def _shell(words: Words) -> int:
    member = _member(words)
    run = terminal.run_on_terminal if terminal.is_terminal() else terminal.run_plain
    return run(member, ["bash", "--login"], {})


def _exec(words: Words) -> int:
    if not words.command:
        raise LabError("give a command: paceline lab exec NODE -- COMMAND")
    member = _member(words)
    run = terminal.run_on_terminal if terminal.is_terminal() else terminal.run_plain
    return run(member, words.command, {})


def _cut(words: Words) -> int:
    _lab(words).cut(words.node, words.other, device=words.link, is_one_way=words.one_way)
    return 0


def _heal(words: Words) -> int:
    _lab(words).heal(words.node)
    return 0


def _spoil(words: Words) -> int:
    _lab(words).spoil(words.node, loss_percent=words.loss, delay_ms=words.delay)
    return 0


def _probe(words: Words) -> int:
    options = ["--interval-ms", str(words.interval), "--seconds", str(words.seconds)]
    if words.json:
        options.append("--json")
    command = [*member_python(), "-m", "paceline.lab.probe", *options, words.target]
    environment: Mapping[str, str] = {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    return terminal.run_plain(_lab(words).client, command, environment)


def _ledger(words: Words) -> int:
    for entry in _lab(words).ledger():
        took_s = (entry.ended_ms - entry.begun_ms) / 1000
        outcome = "done" if entry.is_done else f"failed: {entry.error}"
        print(f"{entry.begun_ms} {entry.asker} {entry.verb} {entry.plug} {took_s:.3f} s {outcome}")
    return 0


def _crash(words: Words) -> int:
    _lab(words).crash(words.node)
    return 0


def _boot(words: Words) -> int:
    _lab(words).boot(words.node)
    return 0


def _freeze(words: Words) -> int:
    _lab(words).freeze(words.node)
    return 0


def _thaw(words: Words) -> int:
    _lab(words).thaw(words.node)
    return 0


def _fill(words: Words) -> int:
    _lab(words).fill(words.node)
    return 0


_VERBS: Mapping[str, tuple[Callable[[Words], int], str]] = {
    "up": (_up, "make the nodes and, without --bare, a cluster of them"),
    "down": (_down, "end a lab; nothing of it stays"),
    "list": (_list, "show all labs, their nodes and what is wrong with them"),
    "shell": (_shell, "a shell in a node (or in the client)"),
    "exec": (_exec, "run a command in a node: exec NODE -- COMMAND"),
    "crash": (_crash, "take a node's power away: everything in it is killed at once"),
    "boot": (_boot, "give a node its power back"),
    "cut": (_cut, "drop a node's packets, or those between two; its links stay up"),
    "heal": (_heal, "undo cut, spoil and fill, for one node or for all"),
    "freeze": (_freeze, "stop every process of a node; its links stay up"),
    "thaw": (_thaw, "let a frozen node go on"),
    "spoil": (_spoil, "lose and delay a node's packets"),
    "fill": (_fill, "fill a node's disk, until heal"),
    "probe": (_probe, "watch a URL or an address from the client; print each outage"),
    "campaign": (campaign.run, "random faults on a lab of its own, and a judge of what it keeps"),
    "ledger": (_ledger, "show what the power switch did for fence_lab"),
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
