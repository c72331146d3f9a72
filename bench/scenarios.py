"""What is measured: the figures, their bars and goals, and how a row of figures is made of them."""

from collections.abc import Mapping
from dataclasses import dataclass

VIRTUAL_IP = "192.168.222.30"
PAGE = f"http://{VIRTUAL_IP}/"
TOLERANCE_S = 0.03
"""How far ours may be above the peer and still count as equal (the probe looks each 10 ms)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure: `key` in a measurement's row, in seconds; the bar is ours to stay below.

    Without a bar the peer's median of the same run is it.
    """

    key: str
    title: str
    bar_s: float | None = None
    worst_s: float | None = None
    goal: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One thing that is done to the cluster. `session` is what runs: `full` or `vip`.

    `full`: the address and the web server. `vip`: the address alone, while a web server that the
    cluster does not know runs on every node, so that the outage is the address's alone.
    """

    name: str
    session: str
    act: str
    monitor: str
    figures: tuple[Figure, ...]


SCENARIOS = (
    Scenario(
        name="coldstart",
        session="full",
        act="coldstart",
        monitor="1min",
        figures=(
            Figure(
                key="served",
                title="cold start: daemons started on both nodes until the page is served",
                bar_s=5.0,
                goal="corosync's formation + 1 s",
            ),
        ),
    ),
    Scenario(
        name="crash",
        session="full",
        act="crash",
        monitor="1min",
        figures=(
            Figure(
                key="decided",
                title="crash, new membership until the first start action begins",
                bar_s=0.05,
                worst_s=0.15,
                goal="median 0.02",
            ),
            Figure(
                key="outage",
                title="crash of the active node, token 1000, until the page is served again",
                goal="detection + agents + 0.03 s",
            ),
        ),
    ),
    Scenario(
        name="stop-vip",
        session="vip",
        act="stop",
        monitor="1min",
        figures=(
            Figure(
                key="outage", title="graceful stop, address only", goal="agents' own time + 0.05 s"
            ),
        ),
    ),
    Scenario(
        name="stop",
        session="full",
        act="stop",
        monitor="1min",
        figures=(
            Figure(
                key="outage", title="graceful stop, with Apache", goal="agents' own time + 0.05 s"
            ),
        ),
    ),
    Scenario(
        name="move-vip",
        session="vip",
        act="move",
        monitor="1min",
        figures=(
            Figure(
                key="outage", title="forced move, address only", goal="agents' own time + 0.05 s"
            ),
        ),
    ),
    Scenario(
        name="move",
        session="full",
        act="move",
        monitor="1min",
        figures=(
            Figure(
                key="outage", title="forced move, with Apache", goal="agents' own time + 0.05 s"
            ),
        ),
    ),
    Scenario(
        name="kill",
        session="full",
        act="kill",
        monitor="1s",
        figures=(
            Figure(key="outage", title="`kill -9` of Apache, monitor every 1 s, until served"),
        ),
    ),
)


def find_scenario(name: str) -> Scenario | None:
    """Return the scenario of this name."""
    return next((scenario for scenario in SCENARIOS if scenario.name == name), None)


Row = Mapping[str, float]
"""One measurement: figures by key, in seconds."""
