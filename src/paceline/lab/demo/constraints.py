"""Row 17 of the notes: the list of constraints with ids, and how one is removed."""

from paceline.lab.demo.scene import ACTIVE, Scene


def play_constraints(scene: Scene) -> None:
    """Show all constraints with ids and remove one by its id (row 17)."""
    stage = scene.stage
    stage.chapter("17", "Constraints have ids")
    stage.shell(ACTIVE, "pcs constraint location WebService avoids worker2")
    stage.shell(
        ACTIVE,
        "pcs constraint --full",
        expect=(
            r"Enabled on: worker1 \(score:INFINITY\) \(id:location-WebService-worker1-INFINITY\)",
            r"Disabled on: worker2 \(score:-INFINITY\) "
            r"\(id:location-WebService-worker2--INFINITY\)",
            r"\(id:order-VirtualIP-WebService-mandatory\)",
            r"\(id:colocation-WebService-VirtualIP-INFINITY\)",
        ),
    )
    stage.shell(ACTIVE, "pcs constraint remove location-WebService-worker2--INFINITY")
    stage.shell(ACTIVE, "pcs constraint", unexpected=("Disabled on: worker2",))
    stage.shell(ACTIVE, "pcs constraint remove location-WebService-worker1-INFINITY")
