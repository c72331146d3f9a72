"""What two schedulers answer about one CIB, in one form that can be compared.

An answer holds where everything will be, what is done, and which must wait for which. Instances of
an anonymous clone go by one name, and steps that only order others are looked through.
"""

import collections
import datetime
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lxml import etree

from paceline.cib.read import snapshot_of_file
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.scheduler import schedule

Key = TypeVar("Key", int, str)
PEER = "crm_simulate"
PEER_SECONDS_MAX = 20


class NoAnswerError(Exception):
    """The peer refused the CIB, broke, or took too long: nothing to compare with."""


@dataclass(frozen=True)
class Answer:
    """`places` are (resource, node, is promoted); `waits` are pairs of names of `actions`."""

    places: tuple[tuple[str, str, bool], ...]
    actions: tuple[str, ...]
    waits: frozenset[tuple[str, str]]


def is_peer_installed() -> bool:
    """Say whether there is anything to compare with."""
    return shutil.which(PEER) is not None


def ask_ours(cib: bytes, now_s: int) -> Answer:
    """Return Paceline's answer, made in this process."""
    snapshot = snapshot_of_file(cib, now_s * 1000)
    return answer_of_plan(schedule(snapshot), _unique_names(cib))


def _unique_names(cib: bytes) -> frozenset[str]:
    """Return the primitives whose instances keep their numbers."""
    root = etree.fromstring(cib)
    found: set[str] = set()
    for clone in root.iterfind("configuration/resources//clone"):
        values = {p.get("name"): p.get("value") for p in clone.iterfind("meta_attributes/nvpair")}
        if values.get("globally-unique") == "true":
            found.update(str(each.get("id")) for each in clone.iter("primitive"))
    return frozenset(found)


def _shown(name: str, unique: frozenset[str]) -> str:
    stem, colon, _number = name.rpartition(":")
    return stem if colon and stem not in unique else name


def answer_of_plan(plan: Plan, unique: frozenset[str] = frozenset()) -> Answer:
    """Return a plan as an answer."""
    places = sorted(
        (_shown(each.resource, unique), str(each.node), each.role == "Promoted")
        for each in plan.placements
    )
    names = {
        int(each.id): _name_of_planned(each)
        for each in plan.actions
        if each.kind is not ActionKind.PSEUDO
    }
    waits = {int(each.id): [int(number) for number in each.after] for each in plan.actions}
    return Answer(tuple(places), tuple(sorted(names.values())), _closure(names, waits))


def _name_of_planned(each: PlannedAction) -> str:
    if each.kind is ActionKind.FENCE:
        return f"fence {each.task} {each.node}"
    return _name(each.task, each.resource, each.node, each.interval_ms, each.notify, each.cancels)


def _name(
    task: str, resource: str, node: str, interval_ms: int, notify: str = "", cancels: str = ""
) -> str:
    words = [task, notify, cancels, resource, str(interval_ms or ""), f"on {node}"]
    return " ".join(word for word in words if word)


def _closure(names: dict[Key, str], waits: dict[Key, list[Key]]) -> frozenset[tuple[str, str]]:
    """Return (first, then) for every pair of real actions of which one waits for the other.

    Actions that share a name (instances of one clone on one node) are left out.
    """
    counts = collections.Counter(names.values())
    single = {key: name for key, name in names.items() if counts[name] == 1}
    found: set[tuple[str, str]] = set()
    for key, then in single.items():
        seen: set[Key] = set()
        queue = list(waits.get(key, ()))
        while queue:
            first = queue.pop()
            if first in seen:
                continue
            seen.add(first)
            if first in single:
                found.add((single[first], then))
            queue.extend(waits.get(first, ()))
    return frozenset(found)


# The peer


def ask_peer(cib: bytes, now_s: int) -> Answer:
    """Return the installed crm_simulate's answer. Raises NoAnswerError."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "cib.xml").write_bytes(cib)
        words = [PEER, "-x", str(folder / "cib.xml"), "-S", "-G", str(folder / "graph.xml"),
                 "-t", iso_time(now_s), "--output-as", "xml"]  # fmt: skip
        environment = peer_environment(scratch)
        try:
            done = subprocess.run(
                words, capture_output=True, timeout=PEER_SECONDS_MAX, env=environment, check=False
            )
            graph = (folder / "graph.xml").read_bytes()
            report = etree.fromstring(done.stdout)
        except (OSError, subprocess.TimeoutExpired, etree.XMLSyntaxError) as problem:
            raise NoAnswerError(str(problem)) from problem
    if done.returncode:
        raise NoAnswerError(done.stderr.decode(errors="replace"))
    return answer_of_peer(report, etree.fromstring(graph), _unique_names(cib))


def peer_environment(scratch: str) -> dict[str, str]:
    """Return the environment in which the peer answers the same everywhere."""
    return {**os.environ, "LC_ALL": "C", "TZ": "UTC", "CIB_shadow_dir": scratch}


def iso_time(now_s: int) -> str:
    """Return a moment as the peer's `-t` takes it."""
    moment = datetime.datetime.fromtimestamp(now_s, datetime.UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%SZ")


def answer_of_peer(
    report: etree._Element, graph: etree._Element, unique: frozenset[str] = frozenset()
) -> Answer:
    """Return what crm_simulate's XML report and its graph say."""
    revised = report.find("revised_cluster_status")
    if revised is None:
        raise NoAnswerError("no revised status")
    places = sorted(
        (
            _shown(str(each.get("id")), unique),
            str(node.get("name")),
            each.get("role") == "Promoted",
        )
        for each in revised.iterfind("resources//resource")
        for node in each.iterfind("node")
    )
    names: dict[str, str] = {}
    waits: dict[str, list[str]] = {}
    for synapse in graph.iterfind("synapse"):
        inputs = [str(each.get("id")) for each in synapse.iterfind("inputs/trigger/*")]
        for action in synapse.iterfind("action_set/*"):
            number = str(action.get("id"))
            waits[number] = inputs
            if action.tag != "pseudo_event":
                names[number] = _name_of_peer(action)
    return Answer(tuple(places), tuple(sorted(names.values())), _closure(names, waits))


def _name_of_peer(action: etree._Element) -> str:
    task = str(action.get("operation"))
    node = str(action.get("on_node", ""))
    meta = action.find("attributes")
    found = meta.items() if meta is not None else []
    values = {str(name): str(value) for name, value in found}
    if task == "stonith":
        return f"fence {values.get('CRM_meta_stonith_action')} {node}"
    primitive = action.find("primitive")
    resource = str(primitive.get("id")) if primitive is not None else ""
    notify = ""
    if task == "notify":
        kind, asked = values.get("CRM_meta_notify_type"), values.get("CRM_meta_notify_operation")
        notify = f"{kind}-{asked}"
    return _name(
        task, resource, node, int(values.get("CRM_meta_interval", "0")), str(notify),
        str(values.get("CRM_meta_operation", "")) if task == "cancel" else "",
    )  # fmt: skip
