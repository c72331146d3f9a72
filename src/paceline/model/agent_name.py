"""The full name of an agent: `ocf:heartbeat:IPaddr2`, `systemd:nginx`, `stonith:fence_ipmilan`."""

from dataclasses import dataclass

STANDARDS = ("lsb", "nagios", "ocf", "service", "stonith", "systemd", "upstart")
"""The classes that a name may begin with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentName:
    """Class, provider (ocf only, else empty) and type."""

    standard: str
    provider: str = ""
    type: str

    def __str__(self) -> str:
        """Return the name as people write it."""
        parts = (self.standard, self.provider, self.type)
        return ":".join(part for part in parts if part)


def parse_agent_name(text: str) -> AgentName:
    """Return the name that `text` says in full.

    Raises ValueError where parts are missing or too many, or the class is unknown.
    """
    parts = text.split(":")
    if parts[0] == "ocf" and len(parts) == 3 and all(parts):
        return AgentName(standard="ocf", provider=parts[1], type=parts[2])
    if parts[0] in STANDARDS and parts[0] != "ocf" and len(parts) >= 2 and all(parts):
        is_instance = parts[0] in ("service", "systemd") and "@" in parts[1]
        if len(parts) == 2 or is_instance:  # an instance's name may have colons
            return AgentName(standard=parts[0], type=":".join(parts[1:]))
    raise ValueError(f"'{text}' is no full agent name")
