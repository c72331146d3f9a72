"""What every chapter is given: the stage, the nodes' names, and the hands outside of the nodes."""

from collections.abc import Callable
from dataclasses import dataclass

from paceline.lab.demo.stage import Stage, Watch

ACTIVE, PASSIVE = "worker1", "worker2"
NODES = (ACTIVE, PASSIVE)
CLIENT = "client"
VIRTUAL_ADDRESS = "192.168.222.30"
PASSWORD = "notes-2021"
"""The password that the story gives `hacluster`; it is good in this lab only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The stage, and what only somebody outside of the nodes can do.

    `crash` and `boot` are the power switch, `watch_page` is the client's probe of the web page and
    `watch_address` that of the bare address. `shared_image` is the path of the shared disk in the
    nodes, empty where there is none (`shared_image_reason` says why).
    """

    stage: Stage
    crash: Callable[[str], None]
    boot: Callable[[str], None]
    watch_page: Callable[[], Watch]
    watch_address: Callable[[], Watch]
    shared_image: str
    shared_image_reason: str
