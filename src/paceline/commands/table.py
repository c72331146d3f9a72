"""Which modules declare the commands of which first word. The one place where commands are listed.

Modules are imported only when one of their commands is wanted, so that each command starts fast.
"""

from collections.abc import Mapping
from importlib import import_module

from paceline.commands.contract import Command
from paceline.model.errors import check

MODULES: Mapping[str, tuple[str, ...]] = {
    "resource": (
        "resource_create",
        "resource_cleanup",
        "resource_update",
        "resource_op",
        "resource_state",
        "resource_group",
        "resource_clone",
        "resource_bundle",
        "resource_delete",
        "resource_move",
        "resource_relocate",
        "resource_restart",
        "resource_show",
        "resource_relations",
        "resource_agents",
        "defaults",
        "resource_failcount",
        "resource_debug",
        "description",
        "status",
    ),
    "stonith": (
        "resource_create",
        "resource_cleanup",
        "resource_update",
        "resource_op",
        "resource_state",
        "resource_delete",
        "resource_show",
        "resource_agents",
        "stonith_level",
        "stonith_actions",
        "stonith_sbd",
        "stonith_scsi",
        "description",
        "defaults",
        "resource_failcount",
        "status",
    ),
    "constraint": (
        "constraint_show",
        "constraint_location",
        "constraint_order",
        "constraint_colocation",
        "constraint_ticket",
        "constraint_set",
    ),
    "property": ("property",),
    "tag": ("tag",),
    "acl": ("acl",),
    "alert": ("alert",),
    "cib": ("description",),
    "config": ("config_show", "config_checkpoint", "config_backup"),
    "node": ("node_attributes",),
    "cluster": (
        "node_attributes",
        "cluster_cib",
        "cluster_apply",
        "cluster_edit",
        "corosync_config",
        "host_auth",
        "cluster_setup",
        "cluster_services",
        "cluster_nodes",
        "cluster_remote_nodes",
        "cluster_files",
        "cluster_link",
        "status",
        "cluster_report",
        "cluster_uidgid",
        "cluster_rename",
    ),
    "host": ("host_auth",),
    "doctor": ("doctor",),
    "pcsd": ("host_auth", "cluster_services", "cluster_files"),
    "status": (
        "status",
        "status_query",
        "cluster_services",
        "resource_show",
        "qdevice",
        "booth_running",
    ),
    "quorum": ("status", "corosync_file", "corosync_device", "corosync_live"),
    "qdevice": ("qdevice",),
    "client": ("client_auth",),
    "dr": ("dr",),
    "booth": ("booth", "booth_running"),
    "why": ("why_command",),
    "completion": ("completion",),
}
"""First word -> names of modules in `paceline.commands` that have a COMMANDS tuple."""

PROGRAMS = ("lab", "demo", "sim", "install", "uninstall")
"""First words that are programs of their own, with a --help of their own."""

SUMMARIES: Mapping[str, str] = {
    "cluster": "Configure cluster options and nodes.",
    "resource": "Manage cluster resources.",
    "stonith": "Manage fence devices.",
    "constraint": "Manage resource constraints.",
    "property": "Manage cluster properties.",
    "acl": "Manage access control lists.",
    "qdevice": "Manage quorum device provider on the local host.",
    "quorum": "Manage cluster quorum settings.",
    "booth": "Manage booth (cluster ticket manager).",
    "status": "View cluster status.",
    "config": "View and manage cluster configuration.",
    "pcsd": "Manage the node service.",
    "host": "Manage hosts known to this one.",
    "node": "Manage cluster nodes.",
    "alert": "Manage alerts.",
    "client": "Manage the command line's own configuration.",
    "dr": "Manage disaster recovery configuration.",
    "tag": "Manage tags.",
    "cib": "Manage the configuration as such.",
    "doctor": "Check every precondition, and print the fix for what does not hold.",
    "why": "Say why a resource is where it is, or why it does not run.",
    "completion": "Print a shell's completion script.",
    "simulate": "Show what would happen.",
    "demo": "Play the walk-through on two real nodes.",
    "lab": "Real clusters on this machine, to break on purpose.",
    "sim": "Run the simulator.",
    "install": "Make this machine ready to be a node.",
    "uninstall": "Undo install.",
}


_ONLY_FOR_WORDS: Mapping[str, str] = {
    "status": "status",
    "status_query": "query wait",
    "resource_failcount": "failcount",
    "resource_debug": "debug-start debug-stop debug-promote debug-demote debug-monitor",
    "resource_create": "create",
    "resource_cleanup": "cleanup refresh reprobe failcount",
    "resource_update": "meta update utilization",
    "resource_op": "op",
    "resource_state": "disable enable manage unmanage safe-disable",
    "resource_group": "group ungroup",
    "resource_clone": "clone master promotable unclone",
    "resource_bundle": "bundle",
    "resource_delete": "delete remove",
    "resource_move": "ban clear move move-with-constraint",
    "resource_relocate": "relocate",
    "resource_restart": "restart",
    "resource_show": "config group groups show",
    "resource_relations": "relations",
    "resource_agents": "agents describe list providers standards",
    "defaults": "defaults op",
    "stonith_level": "level",
    "stonith_actions": "fence confirm history",
    "stonith_sbd": "sbd",
    "stonith_scsi": "update-scsi-devices",
    "node_attributes": "attribute maintenance standby unmaintenance unstandby utilization",
    "cluster_apply": "plan apply export",
    "cluster_edit": "edit",
    "config_checkpoint": "checkpoint",
    "config_backup": "backup restore",
    "description": "description element",
    "cluster_cib": "cib cib-push cib-upgrade verify",
    "cluster_link": "link",
    "cluster_setup": "setup",
    "cluster_report": "report",
    "cluster_uidgid": "uidgid",
    "cluster_rename": "rename node",
    "corosync_config": "config",
    "corosync_device": "device",
    "qdevice": "qdevice",
    "booth_running": "booth create delete disable enable remove restart start status stop ticket",
    "corosync_live": "expected-votes unblock",
}
ONLY_FOR: Mapping[str, frozenset[str]] = {
    name: frozenset(words.split()) for name, words in _ONLY_FOR_WORDS.items()
} | {"status": frozenset({"", *_ONLY_FOR_WORDS["status"].split()})}
"""Modules that load slowly, and the second words they have commands for (beside those whose first
word they are named after)."""


def commands_of(first_word: str, second_word: str | None = None) -> tuple[Command, ...]:
    """Return the commands whose words begin with `first_word`; empty where there are none.

    With `second_word`, modules that have nothing to do with it may be left out.
    """
    found: list[Command] = []
    for name in MODULES.get(first_word, ()):
        if name != first_word and second_word is not None:
            wanted = ONLY_FOR.get(name)
            if wanted is not None and second_word not in wanted:
                continue
        declared = import_module(f"paceline.commands.{name}").COMMANDS
        for command in declared:
            check(isinstance(command, Command), f"{name}.COMMANDS holds commands")
            if _belongs(command, first_word):
                found.append(command)
    return tuple(found)


def _belongs(command: Command, first_word: str) -> bool:
    spellings = (command.words, *(alias.words for alias in command.aliases))
    return any(spelling.split()[0] == first_word for spelling in spellings)


def all_commands() -> tuple[Command, ...]:
    """Return every command, once, in the order of the table."""
    seen: dict[str, Command] = {}
    for first_word in MODULES:
        for command in commands_of(first_word):
            seen.setdefault(command.words, command)
    return tuple(seen.values())
