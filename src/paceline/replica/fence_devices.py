"""Which fence devices can fence a node, in which order, with which parameters.

The words are those of fence devices' special parameters (pcmk_host_list, pcmk_host_map,
pcmk_host_check, pcmk_delay_base, pcmk_delay_max, pcmk_TASK_action, pcmk_TASK_timeout,
pcmk_TASK_retries, pcmk_host_argument, priority). Source: man pacemaker-fenced.
"""

import re
from enum import StrEnum

from msgspec import Struct

from paceline.model.configuration import (
    AttributeSet,
    Bundle,
    Clone,
    Configuration,
    ConfiguredResource,
    FencingLevel,
    Group,
    Primitive,
)
from paceline.model.durations import parse_duration_ms
from paceline.model.identifiers import NodeName, ResourceId

RETRIES = 2
"""How often a device is tried in all, where the device does not say (pcmk_TASK_retries)."""
RETRIES_MAX = 10
_SPECIAL = re.compile(r"pcmk_\w+|priority|provides|stonith-timeout")
_SEPARATORS = re.compile(r"[\s,;]+")


class HostCheck(StrEnum):
    """How it is found out whether a device can fence a node."""

    STATIC = "static-list"
    DYNAMIC = "dynamic-list"
    STATUS = "status"
    NONE = "none"


class FenceDevice(Struct, frozen=True, gc=False, kw_only=True):
    """One configured device: `parameters` are the agent's own, `special` the others."""

    id: ResourceId
    agent_type: str
    parameters: tuple[tuple[str, str], ...]
    special: tuple[tuple[str, str], ...]
    priority: int = 0

    def find_special(self, name: str) -> str | None:
        """Return a special parameter's value."""
        return next((value for key, value in self.special if key == name), None)

    @property
    def host_map(self) -> dict[str, str]:
        """The plugs of nodes, by node name (`node1:1,2;node2:3`)."""
        plugs: dict[str, str] = {}
        for piece in re.split(r"[;\s]+", self.find_special("pcmk_host_map") or ""):
            name, found, plug = piece.partition(":")
            if not found:
                name, found, plug = piece.partition("=")
            if found and name:
                plugs[name] = plug
        return plugs

    @property
    def hosts(self) -> tuple[str, ...]:
        """The nodes that the configuration says the device can fence."""
        listed = _SEPARATORS.split(self.find_special("pcmk_host_list") or "")
        return tuple(dict.fromkeys([*(name for name in listed if name), *self.host_map]))

    @property
    def host_check(self) -> HostCheck:
        """How to find out whether it can fence a node: its lists, where it has any."""
        word = (self.find_special("pcmk_host_check") or "").lower()
        for check in HostCheck:
            if word == check.value:
                return check
        return HostCheck.STATIC if self.hosts else HostCheck.DYNAMIC

    def action_for(self, task: str) -> str:
        """Return the agent's word for a task."""
        return self.find_special(f"pcmk_{task}_action") or task

    def timeout_ms(self, task: str, default_ms: int) -> int:
        """Return the time limit of one run."""
        return _duration(self.find_special(f"pcmk_{task}_timeout"), default_ms)

    def retries(self, task: str) -> int:
        """Return how often it is tried in all."""
        word = self.find_special(f"pcmk_{task}_retries") or ""
        return min(RETRIES_MAX, max(1, int(word))) if word.isdigit() else RETRIES

    def delay_ms(self, target: str, rank: int, ranks: int) -> int:
        """Return how long to wait before an off or reboot.

        Between pcmk_delay_base and pcmk_delay_max Pacemaker takes a random value; here the
        executor's rank among the nodes decides, so that two nodes never take the same.
        """
        base_ms = _duration(_for_target(self.find_special("pcmk_delay_base"), target), 0)
        max_ms = _duration(self.find_special("pcmk_delay_max"), 0)
        spread_ms = max(0, max_ms - base_ms)
        return base_ms + (spread_ms * rank // (ranks - 1) if ranks > 1 else 0)

    @property
    def has_delay(self) -> bool:
        """Say whether the administrator chose a delay."""
        return any(name in ("pcmk_delay_base", "pcmk_delay_max") for name, _ in self.special)

    def parameters_for(self, target: str) -> tuple[tuple[str, str], ...]:
        """Return what the agent gets: its own parameters, the node's name and its plug."""
        words = dict(self.parameters)
        words["nodename"] = target
        argument = self.find_special("pcmk_host_argument") or "port"
        plug = self.host_map.get(target, target)
        if argument != "none" and not words.get("port") and not words.get("plug"):
            words.setdefault(argument, plug)
            if argument == "port":
                words.setdefault("plug", plug)
        return tuple(sorted(words.items()))

    def is_listed(self, target: str, output: str) -> bool:
        """Say whether the agent's list (one `PLUG,ALIAS` a line) has the node or its plug."""
        wanted = {target, *self.host_map.get(target, target).split(",")}
        return any(word in wanted for word in _SEPARATORS.split(output) if word)


def read_devices(configuration: Configuration) -> tuple[FenceDevice, ...]:
    """Return the devices that are not disabled, by priority (highest first), then as configured."""
    found = [
        _device(primitive)
        for resource in configuration.resources
        for primitive in _primitives(resource)
        if primitive.agent.agent_class == "stonith" and not _is_disabled(primitive)
    ]
    return tuple(sorted(found, key=lambda device: -device.priority))


def levels_for(
    configuration: Configuration,
    target: NodeName,
    attributes: tuple[tuple[str, str], ...],
) -> tuple[tuple[FenceDevice, ...], ...]:
    """Return the devices to try for a node, level by level; each level's go together.

    Without a topology for the node each device that may fence it is a level of its own.
    """
    devices = read_devices(configuration)
    by_id = {device.id: device for device in devices}
    chosen = [level for level in configuration.fencing_levels if _is_for(level, target, attributes)]
    if chosen:
        ordered = sorted(chosen, key=lambda level: level.index)
        return tuple(
            tuple(by_id[name] for name in level.devices if name in by_id) for level in ordered
        )
    able = [
        device
        for device in devices
        if device.host_check is not HostCheck.STATIC or target in device.hosts
    ]
    return tuple((device,) for device in able)


def _is_for(level: FencingLevel, target: NodeName, attributes: tuple[tuple[str, str], ...]) -> bool:
    if level.target:
        return level.target == target
    if level.target_pattern:
        try:
            return re.search(level.target_pattern, target) is not None
        except re.error:
            return False
    return dict(attributes).get(level.target_attribute) == level.target_value


def _primitives(resource: ConfiguredResource) -> tuple[Primitive, ...]:
    match resource:
        case Primitive():
            return (resource,)
        case Group():
            return resource.members
        case Clone():
            return _primitives(resource.child)
        case Bundle():
            return (resource.child,) if resource.child is not None else ()


def _device(primitive: Primitive) -> FenceDevice:
    words = _flatten(primitive.parameters)
    special = {name: value for name, value in words.items() if _SPECIAL.fullmatch(name)}
    priority = special.get("priority", "0").strip()
    return FenceDevice(
        id=primitive.id,
        agent_type=primitive.agent.agent_type,
        parameters=tuple(
            sorted((name, value) for name, value in words.items() if name not in special)
        ),
        special=tuple(sorted(special.items())),
        priority=int(priority) if priority.lstrip("-").isdigit() else 0,
    )


def _is_disabled(primitive: Primitive) -> bool:
    return _flatten(primitive.meta).get("target-role", "").lower() == "stopped"


def _flatten(sets: tuple[AttributeSet, ...]) -> dict[str, str]:
    """Return the pairs of all sets without a rule; the first one counts."""
    words: dict[str, str] = {}
    for each in sets:
        if each.rule is None:
            for name, value in each.pairs:
                words.setdefault(name, value)
    return words


def _for_target(word: str | None, target: str) -> str | None:
    """Return the delay for a node where the value maps nodes (`node1:2s;node2:5s`)."""
    if word is None or ":" not in word:
        return word
    for piece in re.split(r"[;\s]+", word):
        name, _, value = piece.partition(":")
        if name == target:
            return value
    return None


def _duration(word: str | None, default_ms: int) -> int:
    if word is None:
        return default_ms
    try:
        return parse_duration_ms(word)
    except ValueError:
        return default_ms
