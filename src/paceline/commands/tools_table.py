"""Which low-level tools there are, where each is, and which need the warm node service to be fast.

A light tool asks the daemon itself and loads no library. The others (they read XML, or let the
scheduler judge) are run by the node service, which has everything loaded; where none serves, or
where a tool turns out to need a file of the user's, they run in place.
"""

from collections.abc import Sequence
from importlib import import_module

from paceline.commands.tools import Tool

MODULES = {
    "crm_node": "tools_node",
    "crm_attribute": "tools_attributes",
    "crm_master": "tools_attributes",
    "attrd_updater": "tools_volatile",
    "crm_failcount": "tools_volatile",
    "crm_standby": "tools_attributes",
    "cibadmin": "tools_cib",
    "crm_verify": "tools_verify",
    "crm_mon": "tools_monitor",
    "crm_resource": "tools_resource",
    "stonith_admin": "tools_fence",
    "crm_error": "tools_error",
    "crm_simulate": "tools_simulate",
    "crmadmin": "tools_admin",
    "crm_diff": "tools_diff",
    "crm_ticket": "tools_ticket",
    "crm_rule": "tools_rule",
    "crm_shadow": "tools_shadow",
    "iso8601": "tools_iso8601",
    "cibsecret": "tools_secret",
}
LIGHT = frozenset(
    {"crm_node", "crm_master", "attrd_updater", "crm_failcount", "crm_error", "crmadmin"}
)
LIGHT_LIFETIMES = frozenset({"reboot", "--lifetime=reboot", "-lreboot"})
LIGHT_SECTIONS = frozenset({"status", "--type=status", "-tstatus"})
FILE_TOOLS = frozenset({"crm_diff", "crm_shadow", "iso8601"})
"""These work on files of the user's (or on nothing): the service is not asked at all."""


def load_tool(name: str) -> Tool:
    """Return the tool. Raises KeyError where there is none of that name."""
    tool: Tool = getattr(import_module(f"paceline.commands.{MODULES[name]}"), name)
    return tool


def is_served(name: str, words: Sequence[str]) -> bool:
    """Say whether the node service should run this, because loading what it needs takes longer."""
    if name in LIGHT or name in FILE_TOOLS:
        return False
    if name == "crm_attribute":
        return not is_transient(words)
    return not {"-?", "--help", "-$", "--version"} & set(words)


def is_transient(words: Sequence[str]) -> bool:
    """Say whether `crm_attribute` will work on transient attributes only, as far as one can see."""
    if any(word == "-p" or word.startswith("--promotion") for word in words):
        return True
    return bool(set(words) & (LIGHT_LIFETIMES | LIGHT_SECTIONS))
