"""`paceline lab campaign`: random real faults on a lab of its own, and a judge."""

import argparse
from pathlib import Path
from random import SystemRandom

from paceline.lab.campaign import report
from paceline.lab.campaign.clients import Clients
from paceline.lab.campaign.evidence import Outcome
from paceline.lab.campaign.faults import KINDS, RESOURCES, draw_rounds, find_kinds
from paceline.lab.campaign.rounds import Campaign, RoundResult
from paceline.lab.lab import Lab, LabError

FAULTS_DEFAULT = 20
SEED_MAX = 1_000_000
WRITERS_MAX = 3
FOLDER_DEFAULT = Path("build/campaigns")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--nodes", type=int, default=2, metavar="N", help="2 to 16")
    parser.add_argument("--faults", type=int, default=FAULTS_DEFAULT, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="0: by chance")
    parser.add_argument("--fencing", choices=("on", "off"), default="on")
    parser.add_argument(
        "--only", default="", metavar="KINDS",
        help="these faults, with commas: " + ", ".join(kind.name for kind in KINDS),
    )  # fmt: skip
    parser.add_argument(
        "--output", type=Path, default=FOLDER_DEFAULT, metavar="FOLDER",
        help="where answers and evidence are kept (default: %(default)s)",
    )  # fmt: skip


def run(words: argparse.Namespace) -> int:
    """Play a campaign; return 0 only if no promise was broken. Raises LabError."""
    seed = words.seed or SystemRandom().randint(1, SEED_MAX)
    names = [name for name in words.only.split(",") if name]
    is_fencing_on = words.fencing == "on"
    print(
        f"seed {seed}: {words.nodes} nodes, {words.faults} faults, fencing {words.fencing}",
        flush=True,
    )
    if words.nodes < 2 or words.faults < 1:
        raise LabError("a campaign wants two nodes at least, and one fault")
    lab = Lab(words.name, nodes=words.nodes)
    try:
        kinds = find_kinds(names)
        rounds = list(
            draw_rounds(
                seed, lab.spec.node_names, words.faults, kinds=kinds, is_fencing_on=is_fencing_on
            )
        )
    except ValueError as error:
        raise LabError(str(error)) from error
    folder = Path(words.output, f"{words.nodes}-nodes-fencing-{words.fencing}-seed-{seed}")
    folder.mkdir(parents=True, exist_ok=True)
    clients = Clients(
        lab,
        seed=seed,
        writers=min(words.nodes, WRITERS_MAX),
        resources=RESOURCES,
        book=folder / "answers.jsonl",
    )
    with lab:
        campaign = Campaign(lab, seed=seed, is_fencing_on=is_fencing_on, folder=folder, say=_say)
        campaign.prepare()
        results = campaign.run(rounds, clients)
    return _conclude(results, clients, campaign.broken_off)


def _conclude(results: list[RoundResult], clients: Clients, broken_off: str) -> int:
    writes = clients.writes
    acknowledged = sum(write.outcome is Outcome.ACKNOWLEDGED for write in writes)
    print()
    print(report.table(results))
    print()
    print(
        report.summary(results, writes=len(writes), acknowledged=acknowledged, moves=clients.moves)
    )
    if broken_off:
        print(f"Broken off: {broken_off}")
    is_good = not broken_off and not any(result.violations for result in results)
    return 0 if is_good else 1


def _say(line: str) -> None:
    print(line, flush=True)
