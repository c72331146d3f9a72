"""Phase: clones with notify=true tell their instances before and after what happens to others."""

from paceline.scheduler.work import Work


def make_notifications(work: Work) -> None:
    """Create the notify actions."""
