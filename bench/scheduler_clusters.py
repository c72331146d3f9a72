"""The clusters that the scheduler's benchmark is about: so many resources on so many nodes.

Each comes fresh (nothing was ever probed), settled (all runs where it was put), and with a node
lost.
"""

import msgspec
from lxml import etree

from paceline.cib.read import snapshot_of_file
from paceline.model.plan import Placement
from paceline.scheduler import schedule

NOW_MS = 1_798_761_600_000
STATES = ("fresh", "settled", "nodeloss")
DIGEST_ONCE = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
DIGEST_RECURRING = "4811cef7f7f94e3a35a70be7916cb2fd"
KEY = "3a6c14d2-95f6-4b7e-8b17-0d9f0c5d4e21"


class Cluster(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is primitive, group (of four) or clone."""

    name: str
    kind: str
    count: int
    nodes: int


CLUSTERS = (
    Cluster(name="prim-1000-16", kind="primitive", count=1000, nodes=16),
    Cluster(name="group-500x4-16", kind="group", count=500, nodes=16),
    Cluster(name="clone-200-32", kind="clone", count=200, nodes=32),
    Cluster(name="prim-5000-32", kind="primitive", count=5000, nodes=32),
)
QUICK = (
    Cluster(name="prim-100-8", kind="primitive", count=100, nodes=8),
    Cluster(name="group-40x4-8", kind="group", count=40, nodes=8),
    Cluster(name="clone-20-8", kind="clone", count=20, nodes=8),
)


def make_states(cluster: Cluster) -> dict[str, bytes]:
    """Return the CIB of each state."""
    fresh = _fresh(cluster)
    document = etree.tostring(fresh)
    plan = schedule(snapshot_of_file(document, NOW_MS))
    _settle(fresh, cluster, plan.placements)
    settled = etree.tostring(fresh)
    lost = fresh.findall("status/node_state")[-1]
    for name, value in (("in_ccm", "false"), ("crmd", "offline"), ("join", "down")):
        lost.set(name, value)
    return {"fresh": document, "settled": settled, "nodeloss": etree.tostring(fresh)}


def _fresh(cluster: Cluster) -> etree._Element:
    root = etree.Element(
        "cib", crm_feature_set="3.16.1", admin_epoch="0", epoch="1", num_updates="0"
    )
    root.set("validate-with", "pacemaker-3.9")
    root.set("have-quorum", "1")
    root.set("dc-uuid", "1")
    configuration = etree.SubElement(root, "configuration")
    options = etree.SubElement(configuration, "crm_config")
    pairs = etree.SubElement(options, "cluster_property_set", id="options")
    for name, value in (("stonith-enabled", "true"), ("concurrent-fencing", "true")):
        etree.SubElement(pairs, "nvpair", id=f"options-{name}", name=name, value=value)
    nodes = etree.SubElement(configuration, "nodes")
    resources = etree.SubElement(configuration, "resources")
    etree.SubElement(configuration, "constraints")
    status = etree.SubElement(root, "status")
    for number in range(1, cluster.nodes + 1):
        etree.SubElement(nodes, "node", id=str(number), uname=f"node{number}")
        state = etree.SubElement(
            status, "node_state", id=str(number), uname=f"node{number}", in_ccm="true",
            crmd="online", join="member", expected="member",
        )  # fmt: skip
        lrm = etree.SubElement(state, "lrm", id=str(number))
        etree.SubElement(lrm, "lrm_resources")
    etree.SubElement(
        resources, "primitive", {"id": "fencing", "class": "stonith", "type": "fence_ipmilan"}
    )
    for number in range(1, cluster.count + 1):
        _add_resource(resources, cluster.kind, number)
    return root


def _add_resource(parent: etree._Element, kind: str, number: int) -> None:
    if kind == "group":
        group = etree.SubElement(parent, "group", id=f"group{number}")
        for member in range(1, 5):
            _add_primitive(group, f"rsc{number}-{member}")
    elif kind == "clone":
        _add_primitive(etree.SubElement(parent, "clone", id=f"clone{number}"), f"rsc{number}")
    else:
        _add_primitive(parent, f"rsc{number}")


def _add_primitive(parent: etree._Element, name: str) -> None:
    words = {"id": name, "class": "ocf", "provider": "heartbeat", "type": "Dummy"}
    primitive = etree.SubElement(parent, "primitive", words)
    operations = etree.SubElement(primitive, "operations")
    etree.SubElement(operations, "op", id=f"{name}-monitor", name="monitor", interval="10s")


def _settle(root: etree._Element, cluster: Cluster, placements: tuple[Placement, ...]) -> None:
    """Write the history that a cluster has in which everything was probed and started."""
    homes: dict[str, set[str]] = {}
    for each in placements:
        homes.setdefault(each.resource.partition(":")[0], set()).add(each.node)
    primitives = [
        (str(each.get("id")), str(each.get("class")), str(each.get("provider", "")),
         str(each.get("type")))
        for each in root.iterfind("configuration/resources//primitive")
    ]  # fmt: skip
    for state in root.iterfind("status/node_state"):
        node = str(state.get("uname"))
        histories = state.find("lrm/lrm_resources")
        assert histories is not None
        for name, agent_class, provider, agent_type in primitives:
            words = {"id": name, "class": agent_class, "type": agent_type}
            if provider:
                words["provider"] = provider
            history = etree.SubElement(histories, "lrm_resource", words)
            if node not in homes.get(name, ()):
                _add_row(history, name, "monitor", 0, 7, 1)
                continue
            _add_row(history, name, "start", 0, 0, 2)
            if agent_class != "stonith":
                _add_row(history, name, "monitor", 10_000, 0, 3)


def _add_row(
    parent: etree._Element, name: str, task: str, interval_ms: int, rc: int, call_id: int
) -> None:
    row = f"{name}_monitor_{interval_ms}" if interval_ms else f"{name}_last_0"
    key = f"{call_id}:1:{rc}:{KEY}"
    element = etree.SubElement(parent, "lrm_rsc_op", id=row, operation=task)
    for attribute, value in (
        ("operation_key", f"{name}_{task}_{interval_ms}"), ("interval", str(interval_ms)),
        ("call-id", str(call_id)), ("rc-code", str(rc)), ("op-status", "0"),
        ("transition-key", key), ("transition-magic", f"0:{rc};{key}"),
        ("last-rc-change", "1798761000"), ("exec-time", "10"), ("queue-time", "0"),
        ("crm_feature_set", "3.16.1"),
        ("op-digest", DIGEST_RECURRING if interval_ms else DIGEST_ONCE),
    ):  # fmt: skip
        element.set(attribute, value)
