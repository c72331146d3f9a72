"""YAML as text of mappings, lists and words: every value is the text that was written.

`yes`, `1:30` and `08` mean nothing but themselves here. Anchors, tags and several documents in one
file are refused: a description is to be read as it stands.
"""

from collections.abc import Mapping, Sequence

import yaml

Tree = str | Sequence["Tree"] | Mapping[str, "Tree"]
BYTES_MAX = 4 << 20
DEPTH_MAX = 16
WIDTH = 100
_STRING = "tag:yaml.org,2002:str"
_LIST = "tag:yaml.org,2002:seq"
_MAP = "tag:yaml.org,2002:map"


def read_yaml(text: str) -> Tree:
    """Return what the text holds; "" where it holds nothing.

    Raises ValueError, with the line, where it is no YAML, or more than is wanted.
    """
    if len(text) > BYTES_MAX:
        raise ValueError(f"it has more than {BYTES_MAX} characters")
    try:
        _check_events(text)
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"line {mark.line + 1}: " if mark is not None else ""
        raise ValueError(f"{where}{error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
    return "" if node is None else _tree(node)


def _check_events(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        line = event.start_mark.line + 1 if event.start_mark is not None else 0
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"line {line}: anchors and aliases are not taken")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                raise ValueError(f"line {line}: it is nested more than {DEPTH_MAX} levels deep")
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if isinstance(event, yaml.NodeEvent) and getattr(event, "tag", None) not in (None, "!"):
            raise ValueError(f"line {line}: tags are not taken")


def _tree(node: yaml.Node) -> Tree:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_tree(each) for each in node.value]
    found: dict[str, Tree] = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = _tree(key)
            if not isinstance(name, str):
                raise ValueError(f"line {line}: a name has to be one word or text")
            if name in found:
                raise ValueError(f"line {key.start_mark.line + 1}: '{name}' is there twice")
            found[name] = _tree(value)
    return found


def write_yaml(tree: Mapping[str, Tree]) -> str:
    """Return the text: what is short and holds no lists in itself stands in one line."""
    text: str = yaml.serialize(_node(tree, depth=0), Dumper=yaml.BaseDumper, width=WIDTH)
    return text


def _node(tree: Tree, *, depth: int) -> yaml.Node:
    if isinstance(tree, str):
        return yaml.ScalarNode(_STRING, tree, style=None)
    is_flow = depth > 1 and _is_flat(tree)
    if isinstance(tree, Mapping):
        pairs = [
            (_node(name, depth=depth + 1), _node(value, depth=depth + 1))
            for name, value in tree.items()
        ]
        return yaml.MappingNode(_MAP, pairs, flow_style=is_flow)
    nodes = [_node(each, depth=depth + 1) for each in tree]
    return yaml.SequenceNode(_LIST, nodes, flow_style=is_flow)


def _is_flat(tree: Tree) -> bool:
    values = list(tree.values()) if isinstance(tree, Mapping) else list(tree)
    return all(isinstance(value, str) for value in values)
