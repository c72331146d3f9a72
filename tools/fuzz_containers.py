"""Random small clusters with bundles, guest nodes and remote nodes, for `fuzz_scheduler`.

What such a cluster's history holds is not easily made up: containers, addresses, connections and
what runs inside know of each other. So the peer itself carries the configuration out first, and
then something happens: nodes are lost or leave, operations fail, the configuration changes; some
transitions are cut short by a failure in their midst. The same seed gives the same CIB.
"""

import random
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from fuzz_answers import PEER, PEER_SECONDS_MAX, iso_time, peer_environment
from fuzz_cib import FEATURE_SET, NOW_S, SCORES
from lxml import etree

Element = etree._Element
EVENTS_MAX = 3
GUEST_HOST = ("ocf", "heartbeat", "VirtualDomain")


def make_container_cib(seed: int) -> bytes:
    """Return the CIB of a seed."""
    return _Maker(random.Random(seed)).make()


class _Maker:
    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.numbers: dict[str, int] = {}
        self.members: list[str] = []
        self.remotes: list[str] = []
        self.guests: dict[str, str] = {}
        """Guest node and the resource that it is inside."""
        self.bundles: dict[str, dict[str, str]] = {}
        self.tops: list[str] = []
        self.promotable: list[str] = []

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
        found = parent.find(tag)
        if found is None:
            found = etree.Element(tag, id=self.new_id("set-"))
            parent.insert(0 if parent.tag != "node" else len(parent), found)
        for name, value in values.items():
            for old in [each for each in found if each.get("name") == name]:
                found.remove(old)
            etree.SubElement(found, "nvpair", id=self.new_id("nv-"), name=name, value=value)

    def some(self, *choices: tuple[int, str, Sequence[str]]) -> dict[str, str]:
        """Choose options: each is (percent, name, values)."""
        return {name: self.one(values) for percent, name, values in choices if self.often(percent)}

    # The whole

    def make(self) -> bytes:
        root = etree.Element(
            "cib", crm_feature_set=FEATURE_SET, admin_epoch="0", epoch="1", num_updates="0",
        )  # fmt: skip
        root.set("validate-with", "pacemaker-3.9")
        root.set("have-quorum", "1")
        configuration = etree.SubElement(root, "configuration")
        options = etree.SubElement(configuration, "crm_config")
        nodes = etree.SubElement(configuration, "nodes")
        self.resources = etree.SubElement(configuration, "resources")
        self.constraints = etree.SubElement(configuration, "constraints")
        status = etree.SubElement(root, "status")
        self._options(options)
        self._members(nodes, status)
        self._make_resources(nodes)
        for _ in range(self.chance.choice((0, 0, 1, 1, 2, 3))):
            self._constraint()
        root.set("dc-uuid", "1")
        cib = etree.tostring(root, pretty_print=True)
        if self.often(8):
            return self._changed(cib)
        cib = self._settled(cib)
        for _ in range(self.chance.randint(1, EVENTS_MAX)):
            cib = self._event(cib)
        return cib

    def _options(self, parent: Element) -> None:
        values = {"stonith-enabled": "true" if self.often(75) else "false"}
        values |= self.some(
            (12, "no-quorum-policy", ("ignore", "stop", "freeze")),
            (6, "symmetric-cluster", ("false",)),
            (100, "concurrent-fencing", ("true",)),
            (5, "start-failure-is-fatal", ("false",)),
        )
        self.pairs(parent, "cluster_property_set", values)

    def _members(self, parent: Element, status: Element) -> None:
        for number in range(1, self.chance.randint(2, 4) + 1):
            name = f"n{number}"
            self.members.append(name)
            node = etree.SubElement(parent, "node", id=str(number), uname=name)
            self.pairs(node, "instance_attributes", self.some((35, "place", ("here", "there"))))
            state = etree.SubElement(
                status, "node_state", id=str(number), uname=name, in_ccm="true", crmd="online",
                join="member", expected="member",
            )  # fmt: skip
            lrm = etree.SubElement(state, "lrm", id=str(number))
            etree.SubElement(lrm, "lrm_resources")

    # Resources

    def _make_resources(self, nodes: Element) -> None:
        if self.often(95):
            self._primitive(self.resources, "Fence", ("stonith", "", "fence_ipmilan"), plain=True)
        kind = self.chance.randrange(10)
        if kind >= 5:
            for _ in range(self.chance.choice((1, 1, 2))):
                self._remote(nodes)
        if kind in (3, 4, 8, 9):
            for _ in range(self.chance.choice((1, 1, 2))):
                self._guest()
        if kind in (0, 1, 2, 5, 6, 9):
            for _ in range(self.chance.choice((1, 1, 2))):
                self._bundle()
        for _ in range(self.chance.choice((0, 1, 1, 2))):
            self._plain_top()

    def _remote(self, nodes: Element) -> None:
        name = self.new_id("rem")
        self.remotes.append(name)
        primitive = self._primitive(self.resources, name, ("ocf", "pacemaker", "remote"))
        self.pairs(primitive, "meta_attributes", self.some((8, "allow-migrate", ("false",))))
        self.pairs(primitive, "instance_attributes", {
            "server": "192.168.9.9", **self.some((30, "reconnect_interval", ("60", "10min"))),
        })  # fmt: skip
        if self.often(50):
            node = etree.SubElement(nodes, "node", id=name, uname=name, type="remote")
            self.pairs(node, "instance_attributes", self.some((50, "place", ("here", "there"))))

    def _guest(self) -> None:
        name = self.new_id("vm")
        guest = f"g-{name}"
        parent = self.resources
        if self.often(12):
            parent = etree.SubElement(self.resources, "group", id=f"grp-{name}")
            self.tops.append(f"grp-{name}")
        primitive = self._primitive(parent, name, GUEST_HOST)
        self.pairs(primitive, "meta_attributes", {
            "remote-node": guest, **self.some((40, "allow-migrate", ("true",))),
        })  # fmt: skip
        self.guests[guest] = name
        self.tops.append(name)

    def _bundle(self) -> None:
        name = self.new_id("b")
        bundle = etree.SubElement(self.resources, "bundle", id=name)
        self.tops.append(name)
        engine = self.one(("docker", "podman"))
        words = {"image": "img", "replicas": self.one(("1", "2", "2", "3"))}
        is_promotable = self.often(45)
        if is_promotable:
            words["promoted-max"] = self.one(("1", "1", "2"))
            self.promotable.append(name)
        words |= self.some(
            (15, "replicas-per-host", ("2",)), (50, "network", ("host",)),
            (30, "run-command", ("/usr/sbin/pacemaker_remoted",)),
        )  # fmt: skip
        etree.SubElement(bundle, engine, words)
        way = self.one(("address", "address", "port", "none"))
        network = etree.SubElement(bundle, "network")
        if way == "address":
            network.set("ip-range-start", f"10.9.{len(self.tops)}.10")
            for key, value in self.some((20, "host-netmask", ("24",))).items():
                network.set(key, value)
        elif way == "port":
            network.set("control-port", str(3100 + len(self.tops)))
        if self.often(20):
            etree.SubElement(network, "port-mapping", id=self.new_id("port-"), port="80")
        if self.often(20):
            storage = etree.SubElement(bundle, "storage")
            etree.SubElement(
                storage, "storage-mapping",
                {"id": self.new_id("store-"), "source-dir": "/srv", "target-dir": "/var/www"},
            )  # fmt: skip
        self.bundles[name] = {"engine": engine, "replicas": words["replicas"], "way": way}
        if way != "none":
            agent = ("ocf", "pacemaker", "Stateful" if is_promotable else "Dummy")
            self._primitive(bundle, f"{name}p", agent)
        meta = self.some(
            (35, "notify", ("true",)), (25, "interleave", ("true",)), (15, "ordered", ("true",)),
            (10, "target-role", ("Stopped", "Started")), (8, "priority", ("5",)),
        )  # fmt: skip
        self.pairs(bundle, "meta_attributes", meta)
        if len(bundle) and bundle[0].tag == "meta_attributes":
            bundle.append(bundle[0])
            found = bundle.find("primitive")
            if found is not None:
                bundle.append(found)

    def _plain_top(self) -> None:
        kind = self.chance.choice(("primitive", "primitive", "group", "clone", "promotable"))
        if kind == "primitive":
            name = self.new_id("r")
            primitive = self._primitive(self.resources, name, ("ocf", "heartbeat", "Dummy"))
            if self.often(15):
                self.pairs(primitive, "meta_attributes", {"allow-migrate": "true"})
        elif kind == "group":
            name = self.new_id("g")
            group = etree.SubElement(self.resources, "group", id=name)
            for number in (1, 2):
                self._primitive(
                    group, f"{name}m{number}", ("ocf", "heartbeat", "Dummy"), plain=True
                )
        else:
            name = self.new_id("c")
            clone = etree.SubElement(self.resources, "clone", id=name)
            agent = ("ocf", "pacemaker", "Stateful" if kind == "promotable" else "Dummy")
            self._primitive(clone, f"{name}i", agent)
            meta = self.some(
                (35, "interleave", ("true",)), (10, "ordered", ("true",)),
                (30, "notify", ("true",)), (20, "clone-max", ("1", "2")),
            )  # fmt: skip
            if kind == "promotable":
                meta["promotable"] = "true"
                self.promotable.append(name)
            self.pairs(clone, "meta_attributes", meta)
        self.tops.append(name)

    def _primitive(
        self, parent: Element, name: str, agent: tuple[str, str, str], *, plain: bool = False
    ) -> Element:
        words = {"id": name, "class": agent[0], "type": agent[2]}
        if agent[1]:
            words["provider"] = agent[1]
        primitive = etree.SubElement(parent, "primitive", words)
        if not plain:
            self.pairs(primitive, "meta_attributes", self.some(
                (8, "resource-stickiness", ("0", "100")), (8, "migration-threshold", ("1", "2")),
                (8, "failure-timeout", ("60",)), (4, "is-managed", ("false",)),
                (4, "priority", ("10",)),
            ))  # fmt: skip
        operations = etree.Element("operations")
        if agent[2] == "Stateful":
            monitors = [("10s", "Promoted"), ("11s", "Unpromoted")]
        else:
            monitors = [("10s", "")] if self.often(75) else []
        for interval, role in monitors:
            operation = etree.SubElement(
                operations, "op", id=self.new_id("op-"), name="monitor", interval=interval
            )
            if role:
                operation.set("role", role)
            if self.often(8):
                operation.set("on-fail", self.one(("ignore", "block", "stop", "fence", "standby")))
        if len(operations):
            primitive.append(operations)
        return primitive

    # Constraints

    def _constraint(self) -> None:
        if not self.tops:
            return
        kind = self.chance.choices(("location", "rule", "colocation", "order"), (22, 14, 30, 34))[0]
        if kind == "location":
            name = self.one([*self.tops, *self.remotes])
            where = self.one([*self.members, *self.members, *self.remotes, *self.guests])
            etree.SubElement(
                self.constraints, "rsc_location", id=self.new_id("loc-"), rsc=name, node=where,
                score=self.one(SCORES),
            )  # fmt: skip
        elif kind == "rule":
            element = etree.SubElement(
                self.constraints, "rsc_location", id=self.new_id("loc-"), rsc=self.one(self.tops)
            )
            if self.often(60):
                element.set("resource-discovery", self.one(("exclusive", "exclusive", "never")))
            rule = etree.SubElement(
                element, "rule", id=self.new_id("rule-"), score=self.one(("0", "0", *SCORES))
            )
            etree.SubElement(
                rule, "expression", id=self.new_id("exp-"), attribute="place", operation="eq",
                value="here",
            )  # fmt: skip
        else:
            self._pair(kind)

    def _pair(self, kind: str) -> None:
        left, right = self.one(self.tops), self.one(self.tops)
        if left == right or "grp-" in left + right:
            return
        if kind == "colocation":
            element = etree.SubElement(
                self.constraints, "rsc_colocation", id=self.new_id("col-"), rsc=left,
                score=self.one(("INFINITY", *SCORES)),
            )  # fmt: skip
            element.set("with-rsc", right)
            if right in self.promotable and self.often(50):
                element.set("with-rsc-role", "Promoted")
            return
        element = etree.SubElement(
            self.constraints, "rsc_order", id=self.new_id("ord-"), first=left, then=right,
            kind=self.chance.choices(("Mandatory", "Optional"), (80, 20))[0],
        )  # fmt: skip
        if left in self.promotable and self.often(50):
            element.set("first-action", "promote")
            element.set("then-action", "start")

    # What happens

    def _settled(self, cib: bytes) -> bytes:
        """Let the peer carry out what it wants until it wants nothing, or nearly."""
        for _ in range(3):
            cib = self._promotion_scores(self._carry_out(cib, []))
        return self._carry_out(cib, []) if self.often(85) else cib

    def _promotion_scores(self, cib: bytes) -> bytes:
        root = etree.fromstring(cib)
        for state in root.iterfind("status/node_state"):
            for history in state.iterfind("lrm/lrm_resources/lrm_resource[@type='Stateful']"):
                self._attribute(state, f"master-{history.get('id')}", self.one(("10", "10", "5")))
        for bundle in self.bundles:
            for state in root.iterfind("status/node_state"):
                if bundle in self.promotable and self.often(60):
                    self._attribute(state, f"master-{bundle}p", self.one(("10", "5", "20")))
        return etree.tostring(root)

    def _attribute(self, state: Element, name: str, value: str) -> None:
        found = state.find("transient_attributes")
        if found is None:
            found = etree.SubElement(state, "transient_attributes", id=str(state.get("id")))
        if found.find(f"instance_attributes/nvpair[@name='{name}']") is not None:
            return
        self.pairs(found, "instance_attributes", {name: value})

    def _carry_out(self, cib: bytes, words: list[str]) -> bytes:
        """Return the CIB after the peer's transition; as it was if the peer refuses."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            (folder / "cib.xml").write_bytes(cib)
            try:
                subprocess.run(
                    [PEER, "-x", str(folder / "cib.xml"), "-S", "-Q", "-O", str(folder / "out.xml"),
                     "-t", iso_time(NOW_S - 600), *words],
                    capture_output=True, timeout=PEER_SECONDS_MAX, check=False,
                    env=peer_environment(scratch),
                )  # fmt: skip
                return _without_cancels((folder / "out.xml").read_bytes())
            except (OSError, subprocess.TimeoutExpired):
                return cib

    def _event(self, cib: bytes) -> bytes:
        kind = self.chance.choices(
            ("node", "fail", "cut", "change", "go on"), (28, 28, 16, 30, 10)
        )[0]
        if kind == "node":
            return self._node_event(cib)
        if kind == "fail":
            return self._failure(cib)
        if kind == "cut":
            return self._cut(self._changed(cib) if self.often(60) else self._node_event(cib))
        if kind == "change":
            return self._changed(cib)
        return self._carry_out(cib, [])

    def _node_event(self, cib: bytes) -> bytes:
        root = etree.fromstring(cib)
        name = self.one([*self.members, *self.remotes, *self.guests])
        state = root.find(f"status/node_state[@uname='{name}']")
        if name not in self.members:
            if state is not None:
                wishes = (("standby", "on"), ("maintenance", "true"), ("shutdown", str(NOW_S - 5)))
                asked = self.chance.choice(wishes)
                self._attribute(state, *asked)
            return etree.tostring(root)
        if state is None:
            return cib
        what = self.one(("lost", "lost", "gone", "leaving", "standby", "maintenance", "pending"))
        if what == "lost":
            state.set("in_ccm", "false")
            state.set("crmd", "offline")
        elif what == "gone":
            for key, value in (("in_ccm", "false"), ("crmd", "offline"), ("join", "down"),
                               ("expected", "down")):  # fmt: skip
                state.set(key, value)
        elif what == "pending":
            state.set("join", "pending")
        else:
            wish = {"leaving": ("shutdown", str(NOW_S - 5)), "standby": ("standby", "on"),
                     "maintenance": ("maintenance", "true")}[what]  # fmt: skip
            self._attribute(state, *wish)
        dc = root.get("dc-uuid")
        up = [each.get("id") for each in root.iterfind("status/node_state[@crmd='online']")]
        if dc not in up and up:
            root.set("dc-uuid", str(up[0]))
        return etree.tostring(root)

    def _operations(self, cib: bytes) -> list[tuple[str, str, str, str, Element]]:
        """Return node, resource, task and interval of what the history holds."""
        root = etree.fromstring(cib)
        return [
            (str(state.get("uname")), str(history.get("id")), str(entry.get("operation")),
             str(entry.get("interval")), entry)
            for state in root.iterfind("status/node_state")
            for history in state.iterfind("lrm/lrm_resources/lrm_resource")
            for entry in history.iterfind("lrm_rsc_op")
            if entry.get("rc-code") in ("0", "8") and entry.get("operation") != "stop"
        ]  # fmt: skip

    def _failure(self, cib: bytes) -> bytes:
        """Let a recurring monitor, else a start, have failed; the peer injects it as an event."""
        found = self._operations(cib)
        found = [each for each in found if each[3] != "0"] or found
        if not found:
            return cib
        node, rsc, _task, interval, _ = self.chance.choice(found)
        rc = self.one(("1", "1", "7"))
        task = "monitor"
        if interval == "0" or self.often(12):
            task, interval = self.one(("start", "stop")), "0"
            rc = self.one(("1", "5"))
        return self._injected(cib, node, rsc, task, interval, rc)

    def _injected(
        self, cib: bytes, node: str, rsc: str, task: str, interval: str, rc: str
    ) -> bytes:
        """Write a failed operation into the history, with its fail count."""
        root = etree.fromstring(cib)
        state = root.find(f"status/node_state[@uname='{node}']")
        history = root.find(
            f"status/node_state[@uname='{node}']/lrm/lrm_resources/lrm_resource[@id='{rsc}']"
        )
        if state is None or history is None:
            return cib
        # As the peer's simulation counts, so that what it records later comes after this.
        entries = sorted(history, key=lambda each: int(each.get("call-id", "0")))
        for number, each in enumerate(entries, start=1):
            each.set("call-id", str(number))
        call = len(entries) + 1
        uuid = "3a6c14d2-95f6-4b7e-8b17-0d9f0c5d4e21"
        digest = next(
            (e.get("op-digest", "") for e in history if e.get("interval") == interval), ""
        )
        when = str(NOW_S - self.chance.choice((30, 200)))
        status = "0" if rc == "7" else "4"
        etree.SubElement(history, "lrm_rsc_op", {
            "id": f"{rsc}_last_failure_0", "operation": task,
            "operation_key": f"{rsc}_{task}_{interval}", "interval": interval,
            "call-id": str(call), "rc-code": rc, "op-status": status,
            "transition-key": f"9:1:0:{uuid}", "transition-magic": f"{status}:{rc};9:1:0:{uuid}",
            "last-rc-change": when, "exec-time": "10", "queue-time": "0", "op-digest": digest,
            "crm_feature_set": FEATURE_SET, "on_node": node,
        })  # fmt: skip
        if self.often(85):
            count = "INFINITY" if task == "start" else self.one(("1", "1", "2"))
            self._attribute(state, f"fail-count-{rsc}#{task}_{interval}", count)
            self._attribute(state, f"last-failure-{rsc}#{task}_{interval}", when)
        return etree.tostring(root)

    def _cut(self, cib: bytes) -> bytes:
        """Carry the next transition out in part: one of its operations fails."""
        after = self._carry_out(cib, [])
        before = {self._key(each) for each in self._operations(cib)}
        fresh = [each for each in self._operations(after) if self._key(each) not in before]
        if not fresh:
            return after
        node, rsc, task, interval, _ = self.chance.choice(fresh)
        if task == "monitor" and interval == "0":
            return after
        rc = self.one(("1", "5") if task == "start" else ("1",))
        return self._carry_out(cib, ["-F", f"{rsc}_{task}_{interval}@{node}={rc}"])

    def _key(self, each: tuple[str, str, str, str, Element]) -> tuple[str, ...]:
        return (*each[:4], str(each[4].get("call-id")))

    def _changed(self, cib: bytes) -> bytes:
        """Change the configuration."""
        root = etree.fromstring(cib)
        resources = root.find("configuration/resources")
        assert resources is not None
        choices = [
            each for each in resources.iter("primitive", "bundle", "clone") if self.often(60)
        ]
        if not choices:
            return cib
        rsc = self.chance.choice(choices)
        what = self.chance.randrange(10)
        if what < 4:
            self.pairs(rsc, "meta_attributes", self.chance.choice((
                {"target-role": "Stopped"}, {"is-managed": "false"}, {"maintenance": "true"},
                {"target-role": "Stopped"},
            )))  # fmt: skip
        elif what < 6:
            parent = rsc.getparent()
            if parent is not None and parent.tag == "resources" and rsc.get("id") != "Fence":
                parent.remove(rsc)
                self._drop_dangling(root)
        elif what < 7 and rsc.tag == "bundle":
            rsc[0].set("replicas", self.one(("1", "2", "3")))
        elif what < 8:
            for primitive in rsc.iter("primitive"):
                self.pairs(primitive, "instance_attributes", {"changed": "1"})
        elif what < 9 and self.tops:
            constraints = root.find("configuration/constraints")
            assert constraints is not None
            self.constraints = constraints
            self._constraint()
            self._drop_dangling(root)
        else:
            root.set("have-quorum", "0")
        return etree.tostring(root)

    def _drop_dangling(self, root: Element) -> None:
        left = {str(each.get("id")) for each in root.iterfind("configuration/resources//*")}
        for constraint in list(root.iterfind("configuration/constraints/*")):
            names = [constraint.get(key) for key in ("rsc", "with-rsc", "first", "then")]
            if any(name and name not in left for name in names):
                parent = constraint.getparent()
                assert parent is not None
                parent.remove(constraint)


def _without_cancels(cib: bytes) -> bytes:
    """Take away what a simulation records of cancellations: a real node does not."""
    root = etree.fromstring(cib)
    for entry in list(root.iter("lrm_rsc_op")):
        parent = entry.getparent()
        if entry.get("operation") == "cancel" and parent is not None:
            parent.remove(entry)
    return etree.tostring(root)
