"""`resource relations`: what a resource hangs together with, as a tree."""

from collections import deque
from dataclasses import dataclass, field

from paceline.cib.constraints import ORDER, has_sets, iterate_constraints, sets_of
from paceline.cib.resources import agent_of, find_resource, inner_resources, parent_resource
from paceline.cib.tree import Element, attributes_of
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import read_cib
from paceline.commands.resource_words import note_other_kind
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

ELSEWHERE = " [displayed elsewhere]"


@dataclass(slots=True)
class _Node:
    """A resource or a relation in the tree."""

    title: str
    key: tuple[str, str]
    details: list[str] = field(default_factory=list)
    is_repeated: bool = False
    children: list["_Node"] = field(default_factory=list)


def relations(request: Request, ports: Ports) -> Outcome:
    """Show the orders and containers that tie a resource to others: `resource relations ID`."""
    if len(request.arguments) != 1:
        raise UsageError
    root = read_cib(ports)
    wanted = request.arguments[0]
    element = find_resource(root, wanted)
    if element is None:
        message = f"resource '{wanted}' does not exist"
        raise InvalidRequestError(Report(code="id-unknown", message=message))
    note_other_kind(request, element, device="stonith resource")
    builder = _Builder(root, shows_ids=request.has("full"))
    return Outcome(text="\n".join(_lines(builder.build(wanted))))


class _Builder:
    """Builds the tree breadth first: what is nearer is shown there, farther it is named only."""

    def __init__(self, root: Element, *, shows_ids: bool) -> None:
        self._root = root
        self._shows_ids = shows_ids
        self._seen: set[tuple[str, str]] = set()

    def build(self, wanted: str) -> _Node:
        """Return the tree that begins at a resource."""
        top = self._resource(wanted)
        self._seen.add(top.key)
        waiting: deque[tuple[_Node, frozenset[tuple[str, str]]]] = deque([(top, frozenset())])
        while waiting:
            node, above = waiting.popleft()
            path = above | {node.key}
            for child in self._children(node):
                if child.key in path or self._leads_back(child, path):
                    continue
                node.children.append(child)
                if child.key in self._seen:
                    child.is_repeated = True
                    continue
                self._seen.add(child.key)
                waiting.append((child, path))
        return top

    def _leads_back(self, child: _Node, path: frozenset[tuple[str, str]]) -> bool:
        """Say whether a container's relation leads only to resources we came from."""
        kind, name = child.key
        if kind not in ("inner", "outer"):
            return False
        return all(("resource", member) in path for member in self._members(kind, name))

    def _resource(self, name: str) -> _Node:
        title = name
        if self._shows_ids:
            element = find_resource(self._root, name)
            if element is not None:
                kind = str(agent_of(element)) if element.tag == "primitive" else element.tag
                title = f"{name} (resource: {kind})"
        return _Node(title, ("resource", name))

    def _children(self, node: _Node) -> list[_Node]:
        kind, name = node.key
        if kind == "resource":
            return self._relations(name)
        return [self._resource(member) for member in self._members(kind, name)]

    def _title(self, text: str, name: str) -> str:
        return f"{text} ({name})" if self._shows_ids else text

    def _relations(self, name: str) -> list[_Node]:
        """Return the relations of a resource: containers first, then orders."""
        element = find_resource(self._root, name)
        if element is None:
            return []
        found: list[_Node] = []
        parent = parent_resource(element)
        if parent is not None:
            outer = parent.get("id", "")
            found.append(_Node(self._title("outer resource", outer), ("outer", f"{name} {outer}")))
        inner = inner_resources(element)
        if inner:
            node = _Node(self._title("inner resource(s)", name), ("inner", name))
            if len(inner) > 1:
                listed = " ".join(one.get("id", "") for one in inner)
                node.details.append(f"members: {listed}")
            found.append(node)
        constraints = sorted(
            iterate_constraints(self._root, (ORDER,)), key=lambda one: one.get("id", "")
        )
        plain = [
            one for one in constraints
            if not has_sets(one) and name in (one.get("first"), one.get("then"))
        ]  # fmt: skip
        found += [self._order(one) for one in plain]
        found += [
            self._order_set(one)
            for one in constraints
            if any(ref.get("id") == name for ref in one.iter("resource_ref"))
        ]
        return found

    def _order(self, constraint: Element) -> _Node:
        name = constraint.get("id", "")
        first = f"{constraint.get('first-action', 'start')} {constraint.get('first')}"
        then = f"{constraint.get('then-action', 'start')} {constraint.get('then')}"
        details = [f"{first} then {then}"]
        shown = ("kind", "symmetrical", "require-all", "score")
        attributes = attributes_of(constraint)
        details += _on_one_line(attributes, shown)
        return _Node(self._title("order", name), ("order", name), details)

    def _order_set(self, constraint: Element) -> _Node:
        name = constraint.get("id", "")
        details: list[str] = []
        own = attributes_of(constraint)
        details += _on_one_line(own, ("kind", "symmetrical"))
        for members, options in sets_of(constraint):
            text = f"   set {' '.join(members)}"
            if options:
                pairs = " ".join(f"{key}={value}" for key, value in sorted(options.items()))
                text += f" ({pairs})"
            details.append(text)
        return _Node(self._title("order set", name), ("order", name), details)

    def _members(self, kind: str, name: str) -> list[str]:
        """Return the resources that a relation ties together."""
        if kind == "outer":
            return [name.split(" ", 1)[1]]
        if kind == "inner":
            element = find_resource(self._root, name)
            inner = [] if element is None else inner_resources(element)
            return [one.get("id", "") for one in inner]
        for constraint in iterate_constraints(self._root, (ORDER,)):
            if constraint.get("id") != name:
                continue
            if not has_sets(constraint):
                return [constraint.get("first", ""), constraint.get("then", "")]
            return sorted({one for members, _options in sets_of(constraint) for one in members})
        return []


def _on_one_line(attributes: dict[str, str], names: tuple[str, ...]) -> list[str]:
    """Return those of the attributes that there are, as one line; no line where there are none."""
    pairs = [f"{name}={attributes[name]}" for name in names if name in attributes]
    return [" ".join(pairs)] if pairs else []


def _lines(node: _Node) -> list[str]:
    """Return the node's lines, its children's under it with branches drawn."""
    if node.is_repeated:
        return [f"{node.title}{ELSEWHERE}"]
    lines = [node.title]
    rail = "|" if node.children else " "
    lines += [f"{rail}  {detail}" for detail in node.details]
    for place, child in enumerate(node.children):
        is_last = place == len(node.children) - 1
        head, rest = ("`- ", "   ") if is_last else ("|- ", "|  ")
        first, *others = _lines(child)
        lines.append(head + first)
        lines += [rest + line for line in others]
    return lines


COMMANDS = (
    Command(
        words="resource relations",
        handler=relations,
        needs=Needs.CIB,
        arguments="<resource id>",
        options=("full",),
        help="Show which orders and containers tie a resource to others.",
    ),
)
