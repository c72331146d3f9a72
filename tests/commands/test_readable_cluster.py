"""A cluster described in YAML: the same as the commands that make it."""

import pytest
from tests.commands.command_line import CommandLine

from paceline.commands.yaml_text import read_yaml, write_yaml

SHOP = """# the shop
properties:
  no-quorum-policy: stop
resource-defaults: {resource-stickiness: 100}
resources:
  Address:
    agent: ocf:heartbeat:IPaddr2
    options: {ip: 192.168.222.30}
    operations:
      monitor: {interval: 10s}
  Web:
    agent: ocf:heartbeat:apache
    meta: {migration-threshold: 3}
    utilization: {cpu: 2}
  Ping:
    agent: ocf:pacemaker:Dummy
    operations:
      monitor:
      - {interval: 5s}
      - {interval: 7s, role: Promoted}
fence-devices:
  F:
    agent: fence_lab
    options: {ip: 10.0.0.1}
groups:
  Shop: [Address, Web]
clones:
  Ping-clone: {resource: Ping, meta: {interleave: yes}}
nodes:
  worker1: {attributes: {rack: 08}, utilization: {cpu: 4}}
fencing-levels:
- {level: 1, target: worker1, devices: [F]}
constraints:
- {location: Shop, node: worker1, score: 50}
- {colocation: Shop, with: Ping-clone, score: INFINITY}
- {order: [start Ping-clone, start Shop], kind: Optional}
- {ticket: T1, resource: Web, loss-policy: stop}
tags:
  all: [Web, Ping]
commands:
- pcs alert create path=/bin/true id=tell
- pcs constraint colocation set Shop Ping-clone setoptions id=pair
"""


def _described(text: str = SHOP) -> CommandLine:
    pcs = CommandLine()
    pcs.files.texts["shop.yaml"] = text
    return pcs


def test_a_description_is_made_once() -> None:
    pcs = _described()
    pcs.ok("cluster apply shop.yaml")
    for made in ('id="Shop"', 'value="08"', 'loss-policy="stop"', 'id="tell"', 'value="100"'):
        assert made in pcs.text
    before = pcs.text
    assert "nothing to do" in pcs.ok("cluster apply shop.yaml")
    assert pcs.text == before


def test_an_export_describes_the_same_cluster_and_is_stable() -> None:
    pcs = _described()
    pcs.ok("cluster apply shop.yaml")
    pcs.ok("cluster export all.yaml")
    assert "nothing to do" in pcs.ok("cluster plan all.yaml")
    other = CommandLine()
    other.files.texts["all.yaml"] = pcs.files.texts["all.yaml"]
    other.ok("cluster apply all.yaml")
    assert other.ok("cluster export --output-format=yaml") == pcs.files.texts["all.yaml"]


def test_what_has_no_shorter_way_is_exported_as_commands() -> None:
    pcs = CommandLine()
    pcs.ok("resource bundle create B container podman image=x")
    pcs.ok("resource create In ocf:pacemaker:Dummy bundle B --force")
    pcs.ok("constraint location B rule score=5 '#uname eq worker1'")
    text = pcs.ok("cluster export --output-format=yaml")
    assert "resources:" not in text
    other = _described(text)
    other.ok("cluster apply shop.yaml")
    assert other.ok("cluster export --output-format=yaml") == text


def test_agents_defaults_are_added_unless_the_description_is_exact() -> None:
    text = "resources: {A: {agent: 'ocf:pacemaker:Dummy', operations: {monitor: {interval: 9s}}}}"
    pcs = _described(text)
    pcs.ok("cluster apply shop.yaml")
    assert 'name="start"' in pcs.text
    exact = _described(f"exact: yes\n{text}")
    exact.ok("cluster apply shop.yaml")
    assert 'name="start"' not in exact.text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("properties: [a]", "properties: names with values are wanted here"),
        ("property: {a: 1}", "'property' is none of: clones, commands"),
        ("properties: {a: 1, a: 2}", "line 1: 'a' is there twice"),
        ("properties: {a: {b: c}}", "properties: a: one value is wanted here"),
        ("resources: {x: {options: {}}}", "resources: x: an agent is missing"),
        ("resources: {x: {agent: a, opts: {}}}", "resources: x: 'opts' is none of: agent, options"),
        ("a: &x 1\nb: *x\n", "line 2: anchors and aliases are not taken"),
        ("a: !!python/name:os.system x", "line 1: tags are not taken"),
        ("constraints: [{order: [start A]}]", "order takes two steps"),
        ("constraints: [{near: A}]", "it is none of location, colocation, order, ticket"),
        ("constraints: [{location: A, node: n}]", "constraints: 1: 'score' is missing"),
        ("constraints: {location: A}", "constraints: a list is wanted here"),
        ("commands: ['pcs \"x']", "commands: 1: No closing quotation"),
        ("format: 2", "format has to be 1"),
        ("exact: maybe", "exact has to be yes or no"),
        ("groups: [", "line "),
        ("[" * 40, "nested more than 16 levels deep"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_nothing_changes(text: str, message: str) -> None:
    pcs = _described(text)
    status, _out, err = pcs("cluster apply shop.yaml")
    assert status == 1
    assert message in err
    assert pcs.cib.pushes == 0


def test_an_unknown_format_of_export_is_refused() -> None:
    status, _out, err = CommandLine()("cluster export --output-format=json")
    assert (status, err) == (
        1, "Error: 'json' is not a valid --output-format value, use 'cmd', 'yaml'\n"
    )  # fmt: skip


def test_values_are_the_text_that_was_written() -> None:
    tree = {"a": "yes", "b": "08", "c": "1:30", "d": "", "e": "x: y # z", "f": ["null", "~"]}
    assert read_yaml(write_yaml(tree)) == tree
