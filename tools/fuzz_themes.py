"""Themes for `fuzz_cib`: each changes a made CIB in one direction, so that its rules meet others.

A theme gets the whole CIB and adds to it, or spoils something; the result must stay valid.
"""

import itertools
import random
from collections.abc import Callable, Sequence

from lxml import etree

Element = etree._Element
NOW_S = 1_798_761_600
SCORES = ("INFINITY", "-INFINITY", "100", "-100", "20", "1", "500")


class Shop:
    """The CIB that is worked on, and the small tools of the themes."""

    def __init__(self, chance: random.Random, root: Element) -> None:
        self.chance = chance
        self.root = root
        self._count = 0

    def id(self) -> str:
        self._count += 1
        return f"t-{self._count}"

    def often(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent

    def one(self, values: Sequence[str]) -> str:
        return self.chance.choice(values)

    def part(self, name: str) -> Element:
        found = self.root.find(f"configuration/{name}")
        if found is None:
            configuration = self.root.find("configuration")
            assert configuration is not None
            found = etree.SubElement(configuration, name)
        return found

    def put(self, holder: Element, tag: str, values: dict[str, str]) -> None:
        """Set name-value pairs of an element, in its first set of that kind."""
        found = holder.find(tag)
        if found is None:
            found = etree.Element(tag, id=self.id())
            holder.insert(0, found)
        known = {each.get("name"): each for each in found.iterfind("nvpair")}
        for name, value in values.items():
            if name in known:
                known[name].set("value", value)
            else:
                etree.SubElement(found, "nvpair", id=self.id(), name=name, value=value)

    def option(self, name: str, value: str) -> None:
        self.put(self.part("crm_config"), "cluster_property_set", {name: value})

    def nodes(self) -> list[Element]:
        return list(self.part("nodes"))

    def states(self) -> list[Element]:
        return list(self.root.iterfind("status/node_state"))

    def primitives(self) -> list[Element]:
        return list(self.part("resources").iter("primitive"))

    def plain(self) -> list[Element]:
        return [each for each in self.primitives() if each.get("class") != "stonith"]

    def tops(self) -> list[Element]:
        return list(self.part("resources"))

    def promotable(self) -> list[Element]:
        return [
            top for top in self.tops()
            if top.find("meta_attributes/nvpair[@name='promotable'][@value='true']") is not None
        ]  # fmt: skip

    def name(self) -> str:
        return str(self.chance.choice(self.tops()).get("id"))

    def node_name(self) -> str:
        return str(self.chance.choice(self.nodes()).get("uname"))

    def constraint(self, tag: str, **words: str) -> Element:
        return etree.SubElement(self.part("constraints"), tag, {"id": self.id(), **{
            name.replace("_", "-"): value for name, value in words.items()
        }})  # fmt: skip

    def attribute(self, state: Element, name: str, value: str) -> None:
        transient = state.find("transient_attributes")
        if transient is None:
            transient = etree.SubElement(state, "transient_attributes", id=str(state.get("id")))
        self.put(transient, "instance_attributes", {name: value})

    def rows(self, task: str = "") -> list[Element]:
        return [
            row for row in self.root.iter("lrm_rsc_op")
            if not task or row.get("operation") == task
        ]  # fmt: skip


def apply_themes(chance: random.Random, root: Element) -> None:
    """Apply a few themes, often none."""
    shop = Shop(chance, root)
    for theme in chance.sample(THEMES, chance.choice((0, 1, 1, 2, 2, 3))):
        theme(shop)


def _utilization(shop: Shop) -> None:
    shop.option("placement-strategy", shop.one(("utilization", "minimal", "balanced")))
    for node in shop.nodes():
        if shop.often(90):
            values = {"cpu": shop.one(("2", "4", "8"))}
            if shop.often(40):
                values["ram"] = shop.one(("1000", "2000"))
            shop.put(node, "utilization", values)
    for primitive in shop.plain():
        if shop.often(75):
            values = {"cpu": shop.one(("1", "1", "2", "3"))}
            if shop.often(25):
                values["ram"] = shop.one(("500", "1000"))
            found = etree.SubElement(primitive, "utilization", id=shop.id())
            for name, value in values.items():
                etree.SubElement(found, "nvpair", id=shop.id(), name=name, value=value)


def _migration(shop: Shop) -> None:
    for primitive in shop.plain():
        if shop.often(75):
            shop.put(primitive, "meta_attributes", {"allow-migrate": "true"})
    for _ in range(2):
        shop.constraint("rsc_location", rsc=shop.name(), node=shop.node_name(),
                        score=shop.one(("INFINITY", "-INFINITY", "200")))  # fmt: skip
    names = [str(each.get("id")) for each in shop.tops()]
    if len(names) > 1:
        left, right = shop.chance.sample(names, 2)
        shop.constraint("rsc_order", first=left, then=right)
    if shop.often(50):
        _migration_history(shop)


def _migration_history(shop: Shop) -> None:
    """Turn a start into a migration to another node that went well, badly, or only half way."""
    names = {str(each.get("id")) for top in shop.tops() if top.tag != "clone"
             for each in top.iter("primitive")}  # fmt: skip
    names &= {str(each.get("id")) for each in shop.plain()}
    starts = [row for row in shop.rows("start") if row.getparent().get("id") in names]  # type: ignore[union-attr]
    states = shop.states()
    if not starts or len(states) < 2:
        return
    row = shop.chance.choice(starts)
    resource = row.getparent()
    assert resource is not None
    source = next(resource.iterancestors("node_state"))
    target = shop.chance.choice([each for each in states if each is not source])
    words = {"migrate_source": str(source.get("uname")), "migrate_target": str(target.get("uname"))}
    kind = shop.one(("pending", "failed", "arrived", "left", "arrival-failed"))
    move = _copy_row(row, "migrate_to", 90)
    resource.append(move)
    move.attrib.update(words)
    if kind == "pending":
        _make_pending(move)
    elif kind == "failed":
        _make_failed(move)
    elif kind != "left":
        arrival = _copy_row(row, "migrate_from", 91)
        arrival.attrib.update(words)
        if kind == "arrival-failed":
            _make_failed(arrival)
        parent = target.find("lrm/lrm_resources")
        if parent is None:
            return
        for old in parent.findall(f"lrm_resource[@id='{resource.get('id')}']"):
            parent.remove(old)
        there = etree.SubElement(parent, "lrm_resource", resource.attrib)
        there.append(arrival)
    row.getparent().remove(row)  # type: ignore[union-attr]


def _copy_row(row: Element, task: str, call: int) -> Element:
    copy = etree.fromstring(etree.tostring(row))
    name = str(row.get("operation_key")).rpartition("_start_")[0]
    copy.set("operation", task)
    copy.set("operation_key", f"{name}_{task}_0")
    copy.set("id", f"{name}_last_0")
    copy.set("call-id", str(400 + call))
    copy.set("last-rc-change", str(NOW_S - 300 + call))
    return copy


def _make_pending(row: Element) -> None:
    row.attrib.update({"op-status": "-1", "rc-code": "193", "call-id": "-1"})
    row.set("transition-magic", f"-1:193;{row.get('transition-key')}")


def _make_failed(row: Element) -> None:
    row.attrib.update({"op-status": "4", "rc-code": "1"})
    row.set("transition-magic", f"4:1;{row.get('transition-key')}")
    row.set("id", str(row.get("id")).replace("_last_0", "_last_failure_0"))


def _health(shop: Shop) -> None:
    strategy = shop.one(("only-green", "migrate-on-red", "progressive", "custom"))
    shop.option("node-health-strategy", strategy)
    if shop.often(50):
        shop.option("node-health-yellow", shop.one(("-10", "-100", "5")))
    if shop.often(40):
        shop.option("node-health-base", shop.one(("10", "-10")))
    values = ("red", "yellow", "green", "-50", "10")
    for node in shop.nodes():
        if shop.often(50):
            shop.put(node, "instance_attributes", {"#health-cpu": shop.one(values)})
    for state in shop.states():
        if shop.often(30):
            shop.attribute(state, "#health-disk", shop.one(values))
    for top in shop.tops():
        if shop.often(15):
            shop.put(top, "meta_attributes", {"allow-unhealthy-nodes": "true"})


def _dates(shop: Shop) -> None:
    for _ in range(shop.chance.randint(1, 2)):
        element = shop.constraint("rsc_location", rsc=shop.name())
        rule = etree.SubElement(element, "rule", id=shop.id(), score=shop.one(SCORES))
        rule.set("boolean-op", shop.one(("and", "or")))
        _date_expression(shop, rule)
        if shop.often(50):
            etree.SubElement(rule, "expression", id=shop.id(), attribute="#uname",
                             operation=shop.one(("eq", "ne")), value=shop.node_name())  # fmt: skip


def _date_expression(shop: Shop, rule: Element) -> None:
    operation = shop.one(("gt", "lt", "in_range", "date_spec"))
    found = etree.SubElement(rule, "date_expression", id=shop.id(), operation=operation)
    dates = ("2026-06-01", "2026-12-31T23:59:00Z", "2027-01-01T00:00:10Z", "2027-03-01")
    if operation == "gt":
        found.set("start", shop.one(dates))
    elif operation == "lt":
        found.set("end", shop.one(dates))
    elif operation == "in_range":
        found.set("start", shop.one(dates[:2]))
        if shop.often(50):
            found.set("end", shop.one(dates[2:]))
        else:
            etree.SubElement(found, "duration", id=shop.id(), months=shop.one(("1", "12")))
    else:
        spec = etree.SubElement(found, "date_spec", id=shop.id())
        name, values = shop.chance.choice((
            ("hours", ("0-8", "9-17")), ("weekdays", ("1-5", "6-7")), ("years", ("2027", "2026")),
            ("months", ("1", "2-6")),
        ))  # fmt: skip
        spec.set(name, shop.one(values))


def _shutdown_lock(shop: Shop) -> None:
    shop.option("shutdown-lock", "true")
    if shop.often(40):
        shop.option("shutdown-lock-limit", shop.one(("5min", "1h")))
    for state in shop.states():
        if shop.often(35):
            shop.attribute(state, "shutdown", str(NOW_S - shop.chance.choice((60, 900))))
        if shop.often(35):
            words = {"in_ccm": "false", "crmd": "offline", "join": "down", "expected": "down"}
            state.attrib.update(words)
            for resource in state.iter("lrm_resource"):
                _stop_for_good(shop, resource)


def _stop_for_good(shop: Shop, resource: Element) -> None:
    """Let the last thing that was done be a stop; what can be locked is."""
    starts = [row for row in resource if row.get("operation") == "start"]
    for row in list(resource):
        resource.remove(row)
    if not starts:
        return
    stop = _copy_row(starts[0], "stop", 20)
    resource.append(stop)
    inside = {
        str(each.get("id")) for top in shop.tops() if top.tag == "clone" for each in top.iter()
    }
    is_lockable = resource.get("class") != "stonith" and resource.get("id") not in inside
    if is_lockable and ":" not in str(resource.get("id")) and shop.often(85):
        resource.set("shutdown-lock", str(NOW_S - shop.chance.choice((60, 900))))


def _failures(shop: Shop) -> None:
    words = {
        "start": ("ignore", "block", "stop", "restart", "standby", "fence"),
        "stop": ("ignore", "block", "fence", "standby"),
        "monitor": ("ignore", "block", "stop", "restart", "standby", "fence"),
        "promote": ("ignore", "block", "stop", "restart", "demote", "fence"),
        "demote": ("ignore", "block", "stop", "restart", "fence"),
    }
    for primitive in shop.primitives():
        operations = primitive.find("operations")
        if operations is None:
            operations = etree.SubElement(primitive, "operations")
        known = {row.get("name") for row in operations}
        tasks = ["start", "stop"]
        if primitive.get("type") == "Stateful":
            tasks += ["promote", "demote"]
        for task in tasks:
            if task not in known and shop.often(35):
                etree.SubElement(operations, "op", id=shop.id(), name=task, interval="0s")
        for row in operations:
            task = str(row.get("name"))
            if shop.often(40) and task in words:
                row.set("on-fail", shop.one(words[task]))
                if row.get("role") == "Promoted" and shop.often(40):
                    row.set("on-fail", "demote")
        if shop.often(40):
            shop.put(primitive, "meta_attributes", shop.chance.choice((
                {"failure-timeout": "120"}, {"failure-timeout": "10h"},
                {"migration-threshold": "1"}, {"migration-threshold": "2"},
            )))  # fmt: skip
    rows = [
        row for row in shop.rows() if row.get("operation") != "stop" and row.get("rc-code") != "7"
    ]
    for row in shop.chance.sample(rows, min(len(rows), shop.chance.randint(1, 3))):
        _fail_row(shop, row)


def _fail_row(shop: Shop, row: Element) -> None:
    state = next(row.iterancestors("node_state"))
    task, interval = str(row.get("operation")), str(row.get("interval"))
    name = str(row.get("operation_key")).rpartition(f"_{task}_")[0]
    rc = shop.one(("1", "1", "2", "5", "6", "7", "9", "124"))
    row.set("rc-code", rc)
    row.set("op-status", "2" if rc == "124" else "4")
    if rc == "124":
        row.set("rc-code", "1")
    row.set(
        "transition-magic",
        f"{row.get('op-status')}:{row.get('rc-code')};{row.get('transition-key')}",
    )
    resource = row.getparent()
    assert resource is not None
    if resource.find(f"lrm_rsc_op[@id='{name}_last_failure_0']") is None:
        row.set("id", f"{name}_last_failure_0")
    row.set("last-rc-change", str(NOW_S - shop.chance.choice((60, 600, 4000))))
    if shop.often(80):
        plain = name.partition(":")[0]
        count = shop.one(("1", "2", "INFINITY"))
        shop.attribute(state, f"fail-count-{plain}#{task}_{interval}", count)
        shop.attribute(
            state, f"last-failure-{plain}#{task}_{interval}", str(row.get("last-rc-change"))
        )


def _pending(shop: Shop) -> None:
    rows = [row for row in shop.rows() if row.get("interval") == "0"]
    for row in shop.chance.sample(rows, min(len(rows), shop.chance.randint(1, 2))):
        _make_pending(row)


def _removed(shop: Shop) -> None:
    """Take something out of the configuration that the history still knows."""
    if shop.often(25):
        shop.option(shop.one(("stop-orphan-resources", "stop-orphan-actions")), "false")
    tops = [top for top in shop.tops() if top.get("id") != "Fence"]
    if not tops:
        return
    gone = shop.chance.choice(tops)
    members = gone.findall("primitive") if gone.tag == "group" else []
    if len(members) > 1 and shop.often(60):
        gone = shop.chance.choice(members)
    names = {str(each.get("id")) for each in gone.iter() if each.tag in
             ("primitive", "group", "clone")}  # fmt: skip
    gone.getparent().remove(gone)  # type: ignore[union-attr]
    for constraint in list(shop.part("constraints")):
        named = {value for each in constraint.iter() for value in each.attrib.values()}
        if named & names:
            constraint.getparent().remove(constraint)  # type: ignore[union-attr]


def _discovery(shop: Shop) -> None:
    for _ in range(shop.chance.randint(1, 3)):
        element = shop.constraint("rsc_location", rsc=shop.name(), node=shop.node_name(),
                                  score=shop.one(("INFINITY", "0", "-INFINITY", "50")))  # fmt: skip
        element.set("resource-discovery", shop.one(("never", "exclusive", "exclusive")))


def _promoted(shop: Shop) -> None:
    """Constraints that name the promoted role."""
    clones = shop.promotable()
    if not clones:
        return
    clone = shop.chance.choice(clones)
    name = str(clone.get("id"))
    others = [str(top.get("id")) for top in shop.tops() if top is not clone]
    shop.put(clone, "meta_attributes", shop.chance.choice((
        {}, {"promoted-max": "2"}, {"promoted-max": "0"}, {"promoted-node-max": "1"},
    )))  # fmt: skip
    if shop.often(60):
        element = shop.constraint("rsc_location", rsc=name)
        rule = etree.SubElement(element, "rule", id=shop.id(), score=shop.one(SCORES))
        rule.set("role", shop.one(("Promoted", "Unpromoted")))
        etree.SubElement(rule, "expression", id=shop.id(), attribute="#uname",
                         operation=shop.one(("eq", "ne")), value=shop.node_name())  # fmt: skip
    for other in shop.chance.sample(others, min(len(others), 2)):
        if shop.often(70):
            words = {"rsc": other, "with-rsc": name, "score": shop.one(SCORES)}
            words["with-rsc-role"] = shop.one(("Promoted", "Promoted", "Unpromoted", "Started"))
            shop.constraint("rsc_colocation", **words)
        elif shop.often(60):
            words = {"rsc": name, "with-rsc": other, "score": shop.one(SCORES)}
            words["rsc-role"] = shop.one(("Promoted", "Promoted", "Unpromoted"))
            shop.constraint("rsc_colocation", **words)
        if shop.often(50):
            words = {"first": name, "then": other, "first-action": "promote"}
            words["then-action"] = "start"
            shop.constraint("rsc_order", **words)
        elif shop.often(40):
            words = {"first": other, "then": name, "first-action": "start"}
            words["then-action"] = "promote"
            shop.constraint("rsc_order", **words)


def _sets(shop: Shop) -> None:
    names = [str(top.get("id")) for top in shop.tops()]
    if len(names) < 2:
        return
    promotable = {str(top.get("id")) for top in shop.promotable()}
    shop.chance.shuffle(names)
    is_order = shop.often(50)
    element = shop.constraint("rsc_order" if is_order else "rsc_colocation")
    if is_order:
        element.set("kind", shop.one(("Mandatory", "Mandatory", "Optional", "Serialize")))
        if shop.often(20) and element.get("kind") == "Mandatory":
            element.set("symmetrical", "false")
    else:
        element.set("score", shop.one(("INFINITY", "INFINITY", "-INFINITY", "100")))
    cuts = sorted({0, shop.chance.randint(0, len(names)), shop.chance.randint(0, len(names)),
                   len(names)})  # fmt: skip
    for first, last in itertools.pairwise(cuts):
        found = etree.SubElement(element, "resource_set", id=shop.id())
        if shop.often(60):
            found.set("sequential", shop.one(("true", "false")))
        if is_order and shop.often(30):
            found.set("require-all", "false")
            found.set("sequential", "false")
        part = names[first:last]
        if promotable.issuperset(part) and shop.often(60):
            found.set(*(("action", "promote") if is_order else ("role", "Promoted")))
        for name in part:
            etree.SubElement(found, "resource_ref", id=name)


def _tickets(shop: Shop) -> None:
    promotable = {str(top.get("id")) for top in shop.promotable()}
    for _ in range(shop.chance.randint(1, 2)):
        name = shop.name()
        words = {"rsc": name, "ticket": shop.one(("T", "U"))}
        words["loss-policy"] = shop.one(("stop", "fence", "freeze", "demote"))
        if name in promotable and shop.often(60):
            words["rsc-role"] = "Promoted"
        shop.constraint("rsc_ticket", **words)
    status = shop.root.find("status")
    assert status is not None
    tickets = status.find("tickets")
    if tickets is None:
        tickets = etree.SubElement(status, "tickets")
    if shop.often(60):
        state = etree.SubElement(
            tickets, "ticket_state", id="U", granted=shop.one(("true", "false"))
        )
        state.set("standby", shop.one(("true", "false")))


def _maintenance(shop: Shop) -> None:
    where = shop.one(("cluster", "node", "resource", "unmanaged"))
    if where == "cluster":
        shop.option("maintenance-mode", "true")
    elif where == "node":
        shop.put(shop.chance.choice(shop.nodes()), "instance_attributes", {"maintenance": "true"})
    else:
        word = {"maintenance": "true"} if where == "resource" else {"is-managed": "false"}
        for top in shop.tops():
            if shop.often(50):
                shop.put(top, "meta_attributes", word)


def _digests(shop: Shop) -> None:
    """Parameters or definitions have changed since."""
    rows = shop.rows()
    for row in shop.chance.sample(rows, min(len(rows), shop.chance.randint(1, 3))):
        digest = str(row.get("op-digest"))
        row.set("op-digest", digest[::-1])
        if shop.often(40):
            row.set("op-force-restart", " other ")
            row.set("op-restart-digest", digest)
    for primitive in shop.primitives():
        for row in primitive.iterfind("operations/op"):
            if shop.often(15) and row.get("name") == "monitor":
                row.set(*shop.chance.choice((("interval", "33s"), ("enabled", "false"))))


def _doubled(shop: Shop) -> None:
    """Let something run on two nodes."""
    starts = shop.rows("start")
    states = shop.states()
    if not starts or len(states) < 2:
        return
    resource = shop.chance.choice(starts).getparent()
    assert resource is not None
    source = next(resource.iterancestors("node_state"))
    target = shop.chance.choice([each for each in states if each is not source])
    parent = target.find("lrm/lrm_resources")
    if parent is None:
        return
    for old in parent.findall(f"lrm_resource[@id='{resource.get('id')}']"):
        parent.remove(old)
    parent.append(etree.fromstring(etree.tostring(resource)))
    name = str(resource.get("id")).partition(":")[0]
    for primitive in shop.primitives():
        if primitive.get("id") == name and shop.often(60):
            words = ("block", "stop_only", "stop_start", "stop_unexpected")
            shop.put(primitive, "meta_attributes", {"multiple-active": shop.one(words)})


def _scores(shop: Shop) -> None:
    for _ in range(shop.chance.randint(1, 4)):
        left, right = shop.name(), shop.name()
        if left != right and shop.often(60):
            words = {"rsc": left, "with-rsc": right, "score": shop.one(SCORES)}
            if shop.often(20):
                words["influence"] = "false"
            if shop.often(10):
                words["node-attribute"] = "place"
            shop.constraint("rsc_colocation", **words)
        else:
            shop.constraint("rsc_location", rsc=left, node=shop.node_name(), score=shop.one(SCORES))
    for top in shop.tops():
        if shop.often(40):
            shop.put(top, "meta_attributes", shop.chance.choice((
                {"resource-stickiness": "50"}, {"resource-stickiness": "-1"}, {"priority": "20"},
                {"resource-stickiness": "1000"}, {"priority": "-3"},
            )))  # fmt: skip


def _joining(shop: Shop) -> None:
    """Members that have not joined yet, with times, and wishes to be fenced."""
    for state in shop.states():
        if shop.often(40):
            state.set("in_ccm", str(NOW_S - shop.chance.choice((30, 600))))
            state.set("crmd", shop.one((str(NOW_S - 20), "0", "offline")))
            state.set("join", shop.one(("member", "down", "pending", "banned")))
            state.set("expected", shop.one(("member", "down")))
        elif shop.often(10):
            shop.attribute(state, "terminate", "true")


def _unfencing(shop: Shop) -> None:
    for primitive in shop.primitives():
        if primitive.get("class") == "stonith":
            shop.put(primitive, "meta_attributes", {"provides": "unfencing"})
        elif shop.often(30):
            shop.put(primitive, "meta_attributes", {
                "requires": shop.one(("quorum", "fencing", "unfencing", "nothing")),
            })  # fmt: skip
    for state in shop.states():
        if shop.often(40):
            shop.attribute(state, "#node-unfenced", str(NOW_S - 700))


def _indirect(shop: Shop) -> None:
    """Say things by templates, tags and defaults."""
    plain = [each for each in shop.plain() if each.get("type") == "Dummy"]
    if plain and shop.often(60):
        primitive = shop.chance.choice(plain)
        template = etree.Element("template", id="Template")
        for name in ("class", "provider", "type"):
            template.set(name, str(primitive.attrib.pop(name)))
        operations = primitive.find("operations")
        if operations is not None:
            template.append(operations)
        primitive.set("template", "Template")
        shop.part("resources").insert(0, template)
    if shop.often(60):
        configuration = shop.part("tags")
        tag = etree.SubElement(configuration, "tag", id="Tag")
        names = [str(top.get("id")) for top in shop.tops() if top.tag != "template"]
        for name in shop.chance.sample(names, min(2, len(names))):
            etree.SubElement(tag, "obj_ref", id=name)
        shop.constraint("rsc_location", rsc="Tag", node=shop.node_name(), score=shop.one(SCORES))
    if shop.often(50):
        defaults = shop.part("rsc_defaults")
        shop.put(defaults, "meta_attributes", shop.chance.choice((
            {"resource-stickiness": "30"}, {"migration-threshold": "1"}, {"is-managed": "false"},
            {"failure-timeout": "300"}, {"target-role": "Stopped"},
        )))  # fmt: skip


THEMES: tuple[Callable[[Shop], None], ...] = (
    _utilization, _migration, _health, _dates, _shutdown_lock, _failures, _pending, _removed,
    _discovery, _promoted, _sets, _tickets, _maintenance, _digests, _doubled, _scores, _joining,
    _unfencing, _indirect,
)  # fmt: skip
