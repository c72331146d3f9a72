"""`paceline demo [--down]`: makes the lab, plays the story, says what to type next."""

import sys
from collections.abc import Callable, Sequence

from paceline.lab.demo.scene import VIRTUAL_ADDRESS, Scene
from paceline.lab.demo.stage import Answer, Stage
from paceline.lab.demo.story import play
from paceline.lab.lab import Lab, LabError
from paceline.lab.parser import WordsParser

LAB_NAME = "demo"
NEXT_STEPS = """
The lab stays up. Look around in it, and break it:

    .venv/bin/paceline lab shell worker1 --name {name}    (then type: pcs status)
    .venv/bin/paceline lab probe http://{address}/ --name {name}
    .venv/bin/paceline lab crash worker1 --name {name}    a power cut; `lab boot` ends it
    .venv/bin/paceline lab cut worker1 worker2 --name {name}
    .venv/bin/paceline lab down --name {name}             when you have seen enough
"""


def main(words: Sequence[str]) -> int:
    """Play the demo; return 0 only if every step held."""
    parser = WordsParser(
        prog="paceline demo",
        description="The walk-through: two real nodes, a virtual IP and Apache, on real Corosync.",
    )
    parser.add_argument("--down", action="store_true", help="remove the lab after the story")
    parser.add_argument("--name", default=LAB_NAME, help="the lab's name (default: %(default)s)")
    given = parser.parse_args(words)
    lab = Lab(given.name, nodes=2)
    try:
        if lab.is_up:
            print("Removing the lab of an earlier demo ...", flush=True)
            lab.down()
        print("Making a lab: worker1, worker2 and a client ...", flush=True)
        lab.up()
        status = play(make_scene(lab))
    except LabError as error:
        print(f"Error: {error}", file=sys.stderr)
        status = 1
    if given.down:
        lab.down()
        print("The lab is removed.")
    elif lab.is_up:
        print(NEXT_STEPS.format(name=given.name, address=VIRTUAL_ADDRESS))
    return status


def make_scene(lab: Lab) -> Scene:
    """Return the hands with which the story acts on this lab."""
    shared = lab.state.shared_disk
    stage = Stage(run_in_node=NodeShell(lab).run)

    def switch(verb: str, act: Callable[[str], None]) -> Callable[[str], None]:
        def do(node: str) -> None:
            stage.outside(f"paceline lab {verb} {node} --name {lab.spec.name}")
            act(node)

        return do

    return Scene(
        stage=stage,
        crash=switch("crash", lab.crash),
        boot=switch("boot", lab.boot),
        watch_page=lambda: lab.client.probe(f"http://{VIRTUAL_ADDRESS}/"),
        watch_address=lambda: lab.client.probe(VIRTUAL_ADDRESS),
        shared_image=shared,
        shared_image_reason="an ordinary user has no loop devices; run the demo as root to see it.",
    )


class NodeShell:
    """Runs the story's commands in the lab's members, in the notes' style."""

    def __init__(self, lab: Lab) -> None:
        """Keep the lab."""
        self._lab = lab

    def run(self, node: str, command: str, typed: str, seconds: float) -> Answer:
        """Run a line in a member's shell and return its answer."""
        return self._lab.node(node).run(
            ["bash", "-c", command],
            text=typed,
            environment={"PACELINE_STYLE": "classic"},
            timeout_s=seconds,
        )
