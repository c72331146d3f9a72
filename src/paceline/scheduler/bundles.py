"""Bundles: replicas of a container, each with an address, a connection and an instance inside."""

from paceline.model.configuration import Bundle
from paceline.scheduler.work import Colocation, Resource, Work


def make_bundle(work: Work, configured: Bundle) -> Resource | None:
    """Return the bundle with its replicas."""
    return None


def place_bundle(work: Work, bundle: Resource) -> None:
    """Place all replicas."""


def apply_bundle_colocation(
    work: Work, dependent: Resource, primary: Resource, c: Colocation
) -> None:
    """Apply a colocation with a bundle."""
