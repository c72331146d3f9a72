"""Random small clusters for `fuzz_scheduler`: a configuration and a status that could be true.

The same seed gives the same CIB. Most values are the usual ones, so that a CIB has a few strange
things and not only strange things.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from fuzz_themes import apply_themes
from lxml import etree

Element = etree._Element
NOW_S = 1_798_761_600
"""2027-01-01, the moment that every CIB is looked at."""
FEATURE_SET = "3.16.1"
UUID = "3a6c14d2-95f6-4b7e-8b17-0d9f0c5d4e21"
DIGEST_PLAIN = "f2317cad3d54cec5d7d7aa7d0bf35cf8"
DIGEST_RECURRING = "4811cef7f7f94e3a35a70be7916cb2fd"
"""What is recorded for an operation without parameters: once, and every so often."""
SCORES = ("INFINITY", "-INFINITY", "100", "50", "-50", "10", "0", "200")


@dataclass
class Member:
    """A primitive as the status needs it."""

    name: str
    agent: tuple[str, str, str]
    is_promotable: bool = False
    monitors: list[tuple[int, str]] = field(default_factory=list)
    """Interval and role of each recurring monitor."""


@dataclass
class Top:
    """A resource of the configuration's top level: what may be named by constraints."""

    name: str
    kind: str
    members: list[Member]
    is_unique: bool = False
    node_max: int = 1
    clone_max: int = 0


def make_cib(seed: int) -> bytes:
    """Return the CIB of a seed: a usual one, or one with some themes."""
    chance = random.Random(seed)
    root = _Maker(chance).make()
    if seed % 2:
        apply_themes(chance, root)
    return etree.tostring(root, pretty_print=True)


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.numbers: dict[str, int] = {}
        self.nodes: list[str] = []
        self.online: list[str] = []
        self.tops: list[Top] = []
        self.call_id = 0

    # Small choices

    def often(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent

    def one(self, values: Sequence[str]) -> str:
        return self.chance.choice(values)

    def new_id(self, stem: str) -> str:
        self.numbers[stem] = self.numbers.get(stem, 0) + 1
        return f"{stem}{self.numbers[stem]}"

    def pairs(self, parent: Element, tag: str, values: dict[str, str]) -> None:
        if not values:
            return
        found = etree.SubElement(parent, tag, id=self.new_id("set-"))
        for name, value in values.items():
            etree.SubElement(found, "nvpair", id=self.new_id("nv-"), name=name, value=value)

    def some(self, *choices: tuple[int, str, Sequence[str]]) -> dict[str, str]:
        """Choose options: each is (percent, name, values)."""
        return {name: self.one(values) for percent, name, values in choices if self.often(percent)}

    # The whole

    def make(self) -> Element:
        root = etree.Element(
            "cib", crm_feature_set=FEATURE_SET, admin_epoch="0", epoch="1", num_updates="0",
        )  # fmt: skip
        root.set("validate-with", "pacemaker-3.9")
        root.set("have-quorum", "0" if self.often(8) else "1")
        configuration = etree.SubElement(root, "configuration")
        options = etree.SubElement(configuration, "crm_config")
        nodes = etree.SubElement(configuration, "nodes")
        resources = etree.SubElement(configuration, "resources")
        constraints = etree.SubElement(configuration, "constraints")
        status = etree.SubElement(root, "status")
        self._options(options)
        self._nodes(nodes, status)
        self._fence_device(resources)
        for _ in range(self.chance.randint(1, 4)):
            self._top(resources)
        for _ in range(self.chance.choice((0, 0, 1, 1, 2, 3))):
            self._constraint(constraints)
        self._histories(status)
        root.set("dc-uuid", self.online[0][1:] if self.online else "0")
        return root

    def _options(self, parent: Element) -> None:
        values = {"stonith-enabled": "true" if self.often(70) else "false"}
        values |= self.some(
            (30, "no-quorum-policy", ("ignore", "stop", "freeze", "demote", "suicide")),
            (10, "symmetric-cluster", ("false",)),
            (8, "start-failure-is-fatal", ("false",)),
            (5, "maintenance-mode", ("true",)),
            (4, "stop-all-resources", ("true",)),
            (8, "stonith-action", ("off",)),
            (6, "enable-startup-probes", ("false",)),
            (100, "concurrent-fencing", ("true", "true", "false")),
            (4, "stop-orphan-resources", ("false",)),
            (5, "startup-fencing", ("false",)),
            (5, "node-health-strategy", ("only-green", "migrate-on-red", "progressive")),
        )
        self.pairs(parent, "cluster_property_set", values)

    # Nodes

    def _nodes(self, parent: Element, status: Element) -> None:
        for number in range(1, self.chance.randint(2, 4) + 1):
            name = f"n{number}"
            self.nodes.append(name)
            node = etree.SubElement(parent, "node", id=str(number), uname=name)
            self.pairs(node, "instance_attributes", self.some(
                (6, "standby", ("on",)), (4, "maintenance", ("true",)),
                (12, "place", ("here", "there")), (3, "#health-disk", ("red", "yellow")),
            ))  # fmt: skip
            kind = self.chance.choices(
                ("online", "clean", "lost", "unseen", "pending", "leaving"), (78, 6, 8, 2, 2, 4)
            )[0]
            if kind != "unseen":
                self._node_state(status, name, kind)
        if not self.online:
            self.online.append(self.nodes[0])

    def _node_state(self, status: Element, name: str, kind: str) -> None:
        is_up = kind in ("online", "leaving")
        state = etree.SubElement(status, "node_state", id=name[1:], uname=name)
        words = {
            "online": ("true", "online", "member", "member"),
            "leaving": ("true", "online", "member", "member"),
            "clean": ("false", "offline", "down", "down"),
            "lost": ("false", "offline", "member", "member"),
            "pending": ("true", "online", "down", "member"),
        }[kind]
        for key, value in zip(("in_ccm", "crmd", "join", "expected"), words, strict=True):
            state.set(key, value)
        transient = etree.SubElement(state, "transient_attributes", id=name[1:])
        self.pairs(transient, "instance_attributes", {
            **({"shutdown": str(NOW_S - 5)} if kind == "leaving" else {}),
            "probe_complete": "true",
        })  # fmt: skip
        lrm = etree.SubElement(state, "lrm", id=name[1:])
        etree.SubElement(lrm, "lrm_resources")
        if is_up:
            self.online.append(name)

    # Resources

    def _fence_device(self, parent: Element) -> None:
        if self.often(96):
            device = Member("Fence", ("stonith", "", "fence_ipmilan"))
            self._primitive(parent, device, is_plain=True)
            self.tops.append(Top("Fence", "fence", [device]))

    def _top(self, parent: Element) -> None:
        kind = self.chance.choices(
            ("primitive", "group", "clone", "promotable", "cloned-group"), (45, 20, 18, 12, 5)
        )[0]
        if kind == "primitive":
            member = Member(self.new_id("r"), ("ocf", "heartbeat", "Dummy"))
            self._primitive(parent, member)
            self.tops.append(Top(member.name, kind, [member]))
        elif kind == "group":
            self.tops.append(self._group(parent))
        else:
            self.tops.append(self._clone(parent, kind))

    def _group(self, parent: Element) -> Top:
        name = self.new_id("g")
        group = etree.SubElement(parent, "group", id=name)
        self.pairs(group, "meta_attributes", self._meta(is_group=True))
        members = []
        for number in range(self.chance.randint(1, 3)):
            member = Member(f"{name}m{number + 1}", ("ocf", "heartbeat", "Dummy"))
            self._primitive(group, member, is_plain=self.often(60))
            members.append(member)
        return Top(name, "group", members)

    def _clone(self, parent: Element, kind: str) -> Top:
        name = self.new_id("c")
        clone = etree.SubElement(parent, "clone", id=name)
        is_unique = kind == "clone" and self.often(15)
        meta = self.some(
            (25, "interleave", ("true",)), (15, "ordered", ("true",)), (20, "notify", ("true",)),
            (20, "clone-max", ("1", "2", "3")), (5, "clone-min", ("1", "2")),
            (8, "target-role", ("Stopped", "Unpromoted" if kind == "promotable" else "Started")),
            (4, "is-managed", ("false",)), (10, "resource-stickiness", ("0", "10", "INFINITY")),
        )  # fmt: skip
        if is_unique:
            meta |= {"globally-unique": "true", "clone-node-max": self.one(("1", "2"))}
        if kind == "promotable":
            meta |= {"promotable": "true", **self.some((15, "promoted-max", ("2",)))}
        self.pairs(clone, "meta_attributes", meta)
        if kind == "cloned-group":
            inner = self._group(clone)
            members = inner.members
        else:
            agent = ("ocf", "pacemaker", "Stateful" if kind == "promotable" else "Dummy")
            member = Member(f"{name}i", agent, is_promotable=kind == "promotable")
            self._primitive(clone, member)
            members = [member]
        return Top(
            name, kind, members, is_unique=is_unique, node_max=int(meta.get("clone-node-max", "1")),
            clone_max=int(meta.get("clone-max", "0")),
        )  # fmt: skip

    def _meta(self, *, is_group: bool = False) -> dict[str, str]:
        found = self.some(
            (8, "target-role", ("Stopped", "Started")), (5, "is-managed", ("false",)),
            (15, "resource-stickiness", ("0", "1", "100", "INFINITY")),
            (10, "priority", ("5", "10", "-5")), (3, "maintenance", ("true",)),
        )  # fmt: skip
        if not is_group:
            found |= self.some(
                (15, "migration-threshold", ("1", "2", "3")),
                (10, "failure-timeout", ("60", "10h")),
                (15, "allow-migrate", ("true",)), (4, "multiple-active", ("block", "stop_only")),
                (5, "requires", ("nothing", "quorum", "fencing")), (5, "critical", ("false",)),
            )  # fmt: skip
        return found

    def _primitive(self, parent: Element, member: Member, *, is_plain: bool = False) -> None:
        words = {"id": member.name, "class": member.agent[0], "type": member.agent[2]}
        if member.agent[1]:
            words["provider"] = member.agent[1]
        primitive = etree.SubElement(parent, "primitive", words)
        if not is_plain:
            self.pairs(primitive, "meta_attributes", self._meta())
        operations = etree.Element("operations")
        if member.is_promotable:
            member.monitors = [(10_000, "Promoted"), (11_000, "Unpromoted")]
        elif self.often(60):
            member.monitors = [(10_000, "")]
            if self.often(4):
                member.monitors.append((20_000, "Stopped"))
        for interval_ms, role in member.monitors:
            operation = etree.SubElement(
                operations, "op", id=self.new_id("op-"), name="monitor",
                interval=f"{interval_ms // 1000}s",
            )  # fmt: skip
            if role:
                operation.set("role", role)
            if self.often(15):
                words_of_fail = ("ignore", "block", "stop", "restart", "standby", "fence")
                operation.set("on-fail", self.one(words_of_fail))
        for task in ("start", "stop"):
            if self.often(6):
                operation = etree.SubElement(
                    operations, "op", id=self.new_id("op-"), name=task, interval="0s"
                )
                words_of_start = ("block", "stop", "restart", "ignore")
                words_of_stop = ("ignore", "block", "fence")
                operation.set(
                    "on-fail", self.one(words_of_stop if task == "stop" else words_of_start)
                )
        if len(operations):
            primitive.append(operations)

    # Constraints

    def _name(self) -> str:
        top = self.chance.choice(self.tops)
        if top.kind == "group" and self.often(15):
            return self.chance.choice(top.members).name
        return top.name

    def _constraint(self, parent: Element) -> None:
        kind = self.chance.choices(
            ("location", "rule", "colocation", "order", "order-set", "colocation-set", "ticket"),
            (30, 8, 28, 28, 3, 3, 4),
        )[0]
        if kind == "location":
            element = etree.SubElement(
                parent, "rsc_location", id=self.new_id("loc-"), rsc=self._name(),
                node=self.one(self.nodes), score=self.one(SCORES),
            )  # fmt: skip
            if self.often(8):
                element.set("resource-discovery", self.one(("never", "exclusive", "always")))
        elif kind == "rule":
            self._rule(parent)
        elif kind == "ticket":
            element = etree.SubElement(
                parent, "rsc_ticket", id=self.new_id("tick-"), rsc=self._name(), ticket="T"
            )
            element.set("loss-policy", self.one(("stop", "fence", "freeze", "demote")))
        elif kind.endswith("-set"):
            self._sets(parent, kind)
        else:
            self._pair(parent, kind)

    def _rule(self, parent: Element) -> None:
        element = etree.SubElement(parent, "rsc_location", id=self.new_id("loc-"), rsc=self._name())
        rule = etree.SubElement(element, "rule", id=self.new_id("rule-"), score=self.one(SCORES))
        expression = etree.SubElement(rule, "expression", id=self.new_id("exp-"))
        operation = self.one(("eq", "ne", "defined", "not_defined"))
        expression.set("attribute", self.one(("place", "#uname")))
        expression.set("operation", operation)
        if operation in ("eq", "ne"):
            expression.set("value", self.one(("here", "n1", "n2")))

    def _pair(self, parent: Element, kind: str) -> None:
        left, right = self._name(), self._name()
        if left == right or (left[:2] == right[:2] and left[0] == "g"):
            return
        if kind == "colocation":
            element = etree.SubElement(
                parent, "rsc_colocation", id=self.new_id("col-"), rsc=left,
                score=self.one(SCORES),
            )  # fmt: skip
            element.set("with-rsc", right)
            promotable = {top.name for top in self.tops if top.kind == "promotable"}
            if right in promotable and self.often(50):
                element.set("with-rsc-role", "Promoted")
            if left in promotable and self.often(30):
                element.set("rsc-role", "Promoted")
            return
        element = etree.SubElement(
            parent, "rsc_order", id=self.new_id("ord-"), first=left, then=right,
            kind=self.chance.choices(("Mandatory", "Optional", "Serialize"), (75, 18, 7))[0],
        )  # fmt: skip
        if self.often(12) and element.get("kind") != "Serialize":
            element.set("symmetrical", "false")
        if self.often(20):
            self._order_actions(element, left, right)

    def _order_actions(self, element: Element, left: str, right: str) -> None:
        promotable = {top.name for top in self.tops if top.kind == "promotable"}
        first = ["start", "stop", *(["promote", "demote"] if left in promotable else [])]
        then = ["start", "stop", *(["promote", "demote"] if right in promotable else [])]
        element.set("first-action", self.one(first))
        element.set("then-action", self.one(then))

    def _sets(self, parent: Element, kind: str) -> None:
        names = [top.name for top in self.tops if top.kind != "fence"]
        if len(names) < 2:
            return
        self.chance.shuffle(names)
        is_order = kind == "order-set"
        element = etree.SubElement(
            parent, "rsc_order" if is_order else "rsc_colocation", id=self.new_id("sets-")
        )
        element.set("kind" if is_order else "score", "Mandatory" if is_order else "INFINITY")
        cut = self.chance.randint(1, len(names))
        for part in (names[:cut], names[cut:]):
            if not part:
                continue
            found = etree.SubElement(element, "resource_set", id=self.new_id("rs-"))
            if self.often(40):
                found.set("sequential", self.one(("true", "false")))
            if is_order and self.often(15):
                found.set("require-all", "false")
            for name in part:
                etree.SubElement(found, "resource_ref", id=name)

    # The status

    def _histories(self, status: Element) -> None:
        tickets = etree.SubElement(status, "tickets") if self.often(50) else None
        if tickets is not None:
            etree.SubElement(
                tickets, "ticket_state", id="T", granted=self.one(("true", "false"))
            ).set("last-granted", str(NOW_S - 1000))
        if self.often(15):
            return
        states = {str(each.get("uname")): each for each in status.iterfind("node_state")}
        if not states:
            return
        for top in self.tops:
            self._history_of(top, states)

    def _history_of(self, top: Top, states: dict[str, Element]) -> None:
        names = list(states)
        if top.kind in ("primitive", "group", "fence"):
            home = self.one(names) if self.often(75) else ""
            for member in top.members:
                if self.often(8):
                    home = self.one(["", *names])
                for name in names:
                    is_here = name == home or self.often(1)
                    self._entries(states[name], member.name, member, is_here, is_promoted=False)
            return
        limit = top.clone_max or len(names)
        promoted = self.one(names) if self.often(75) else ""
        count = 0
        for name in names:
            is_here = self.often(75) and count < limit
            count += is_here
            for member in top.members:
                shown = f"{member.name}:{count - 1}" if top.is_unique and is_here else member.name
                if top.is_unique and not is_here:
                    continue
                is_promoted = member.is_promotable and name == promoted
                self._entries(states[name], shown, member, is_here and self.often(97),
                              is_promoted=is_promoted)  # fmt: skip
                if member.is_promotable and is_here:
                    self._promotion_score(states[name], member, is_promoted=is_promoted)

    def _promotion_score(self, state: Element, member: Member, *, is_promoted: bool) -> None:
        if self.often(75):
            found = state.find("transient_attributes/instance_attributes")
            assert found is not None
            value = self.one(("10", "10", "5", "100") if is_promoted else ("5", "10", "-1"))
            etree.SubElement(
                found, "nvpair", id=self.new_id("nv-"), name=f"master-{member.name}", value=value
            )

    def _entries(
        self, state: Element, shown: str, member: Member, is_here: bool, *, is_promoted: bool
    ) -> None:
        rows: list[tuple[str, int, int, int]] = []
        if not is_here:
            if self.often(90):
                rows.append(("monitor", 0, 7, 7))
        else:
            rows.append(("start", 0, 0, 0))
            if is_promoted:
                rows.append(("promote", 0, 0, 0))
            if self.often(90):
                role = "Promoted" if is_promoted else "Unpromoted"
                rows.extend(
                    ("monitor", interval_ms, 8 if is_promoted else 0, 8 if is_promoted else 0)
                    for interval_ms, wanted in member.monitors
                    if wanted in ("", role)
                )
            if self.often(10):
                rows.append(self._failure(member))
        if rows:
            self._rows(state, shown, member, rows)

    def _failure(self, member: Member) -> tuple[str, int, int, int]:
        task = self.one(("monitor", "monitor", "start", "stop"))
        interval_ms = member.monitors[0][0] if member.monitors and task == "monitor" else 0
        if task == "monitor" and not interval_ms:
            task = "start"
        rc = self.chance.choice((1, 1, 7) if task == "monitor" else (1, 5))
        return (task, interval_ms, rc, 0)

    def _rows(
        self, state: Element, shown: str, member: Member, rows: list[tuple[str, int, int, int]]
    ) -> None:
        parent = state.find("lrm/lrm_resources")
        assert parent is not None
        words = {"id": shown, "class": member.agent[0], "type": member.agent[2]}
        if member.agent[1]:
            words["provider"] = member.agent[1]
        found = etree.SubElement(parent, "lrm_resource", words)
        last: dict[str, Element] = {}
        for number, (task, interval_ms, rc, target_rc) in enumerate(rows):
            self.call_id += 1
            is_failure = rc != target_rc
            row = f"{shown}_last_failure_0" if is_failure else (
                f"{shown}_monitor_{interval_ms}" if interval_ms else f"{shown}_last_0"
            )  # fmt: skip
            if row in last:
                found.remove(last[row])
            when = str(NOW_S - 600 + 10 * number)
            key = f"{target_rc}:{UUID}"
            element = etree.SubElement(found, "lrm_rsc_op", {
                "id": row, "operation": task, "operation_key": f"{shown}_{task}_{interval_ms}",
                "interval": str(interval_ms), "call-id": str(self.call_id), "rc-code": str(rc),
                "op-status": "4" if is_failure else "0", "transition-key": f"9:1:{key}",
                "transition-magic": f"{4 if is_failure else 0}:{rc};9:1:{key}",
                "last-rc-change": when, "exec-time": "10", "queue-time": "0",
                "op-digest": DIGEST_RECURRING if interval_ms else DIGEST_PLAIN,
                "crm_feature_set": FEATURE_SET, "on_node": str(state.get("uname")),
            })  # fmt: skip
            last[row] = element
            if is_failure:
                self._fail_count(state, member, task, interval_ms, when)

    def _fail_count(
        self, state: Element, member: Member, task: str, interval_ms: int, when: str
    ) -> None:
        if self.often(85):
            found = state.find("transient_attributes/instance_attributes")
            assert found is not None
            suffix = f"{member.name}#{task}_{interval_ms}"
            count = "INFINITY" if task == "start" and self.often(80) else self.one(("1", "1", "2"))
            for name, value in (("fail-count", count), ("last-failure", when)):
                etree.SubElement(
                    found, "nvpair", id=self.new_id("nv-"), name=f"{name}-{suffix}", value=value
                )
