"""Phase: live migration, where stop and start would be needed only because of a move."""

from paceline.scheduler.work import Work


def plan_migrations(work: Work) -> None:
    """Replace stop and start by migrate_to and migrate_from where that is possible."""
