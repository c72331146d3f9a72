"""The story's table of contents: the chapters in order, and how the whole is played."""

import sys
import time

from paceline.lab.demo.constraints import play_constraints
from paceline.lab.demo.forming import play_membership, play_setup, play_verify
from paceline.lab.demo.machines import play_auth, play_machines
from paceline.lab.demo.scene import ACTIVE, Scene
from paceline.lab.demo.services import (
    play_address,
    play_apache,
    play_defaults,
    play_location,
    play_order,
    play_stop,
)
from paceline.lab.demo.stage import StepFailedError
from paceline.lab.demo.troubles import (
    play_broken_apache,
    play_fencing,
    play_power_cut,
    play_shared_disk,
)

CHAPTERS = (
    play_machines,
    play_auth,
    play_setup,
    play_membership,
    play_verify,
    play_address,
    play_stop,
    play_defaults,
    play_apache,
    play_order,
    play_location,
    play_constraints,
    play_broken_apache,
    play_shared_disk,
    play_power_cut,
    play_fencing,
)


def play(scene: Scene) -> int:
    """Play all chapters; return the exit status: 0 only if every step held."""
    stage = scene.stage
    began = time.monotonic()
    try:
        for chapter in CHAPTERS:
            chapter(scene)
    except StepFailedError as failure:
        print(f"\nThis step did not hold: {failure.what}", file=sys.stderr)
        print(f"  expected: {failure.expected}", file=sys.stderr)
        print("  came:", file=sys.stderr)
        for line in failure.came.splitlines() or [""]:
            print(f"    {line}", file=sys.stderr)
        return 1
    stage.chapter("=", "What it cost, and where it stands")
    stage.table()
    stage.shell(ACTIVE, "pcs status")
    stage.say(f"{stage.steps_done} steps held, in {time.monotonic() - began:.0f} s.")
    return 0
