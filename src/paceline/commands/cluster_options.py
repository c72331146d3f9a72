"""The options of corosync.conf that a user may set, and what each may be.

Source: corosync.conf(5), votequorum(5).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paceline.commands.contract import Findings

TRANSPORTS = ("knet", "udp", "udpu")
KNET_LINKS_MAX = 8
_NUMBER = re.compile(r"[0-9]{1,10}")
_PORT_MAX = 65_535
_PRIORITY_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What a value may be: a test, and the words that say it."""

    is_valid: Callable[[str], bool]
    words: str


def choice(*values: str) -> Kind:
    """Return the kind of values that are one of these words."""
    shown = ", ".join(f"'{value}'" for value in values)
    return Kind(is_valid=lambda value: value in values, words=shown)


def number_range(low: int, high: int) -> Kind:
    """Return the kind of numbers between these, both included."""

    def is_valid(value: str) -> bool:
        return _NUMBER.fullmatch(value) is not None and low <= int(value) <= high

    return Kind(is_valid=is_valid, words=f"{low}..{high}")


NUMBER = Kind(is_valid=lambda v: _NUMBER.fullmatch(v) is not None, words="a non-negative integer")
POSITIVE = Kind(
    is_valid=lambda v: _NUMBER.fullmatch(v) is not None and int(v) > 0, words="a positive integer"
)
TEXT = Kind(is_valid=lambda v: bool(v) and not set(v) & set("{}\n\r"), words="text without braces")
FLAG = choice("0", "1")
YES_NO = choice("no", "yes")

TOTEM: Mapping[str, Kind] = {
    "block_unlisted_ips": YES_NO,
    **dict.fromkeys(
        (
            "consensus", "downcheck", "fail_recv_const", "heartbeat_failures_allowed", "hold",
            "join", "max_messages", "max_network_delay", "merge", "miss_count_const", "send_join",
            "seqno_unchanged_const", "token", "token_coefficient", "token_retransmit",
            "token_retransmits_before_loss_const", "window_size",
        ),
        NUMBER,
    ),
}  # fmt: skip
QUORUM: Mapping[str, Kind] = {
    "auto_tie_breaker": FLAG,
    "last_man_standing": FLAG,
    "last_man_standing_window": POSITIVE,
    "wait_for_all": FLAG,
}
_IP_VERSION = choice("ipv4", "ipv4-6", "ipv6", "ipv6-4")
TRANSPORT_KNET: Mapping[str, Kind] = {
    "ip_version": _IP_VERSION,
    "knet_pmtud_interval": NUMBER,
    "link_mode": choice("active", "passive", "rr"),
}
TRANSPORT_UDP: Mapping[str, Kind] = {
    "ip_version": choice("ipv4", "ipv6"),
    "netmtu": POSITIVE,
}
LINK_KNET: Mapping[str, Kind] = {
    "link_priority": number_range(0, _PRIORITY_MAX),
    "linknumber": number_range(0, KNET_LINKS_MAX - 1),
    "mcastport": number_range(0, _PORT_MAX),
    "ping_interval": NUMBER,
    "ping_precision": NUMBER,
    "ping_timeout": NUMBER,
    "pong_count": NUMBER,
    "transport": choice("sctp", "udp"),
}
LINK_UDP: Mapping[str, Kind] = {
    "bindnetaddr": TEXT,
    "broadcast": FLAG,
    "mcastaddr": TEXT,
    "mcastport": number_range(0, _PORT_MAX),
    "ttl": number_range(0, _PRIORITY_MAX),
}
CRYPTO: Mapping[str, Kind] = {
    "cipher": choice("aes128", "aes192", "aes256", "none"),
    "hash": choice("md5", "none", "sha1", "sha256", "sha384", "sha512"),
    "model": choice("nss", "openssl"),
}
COMPRESSION: Mapping[str, Kind] = {"level": NUMBER, "model": TEXT, "threshold": NUMBER}

LINK_NAMES_IN_FILE: Mapping[str, str] = {
    "linknumber": "linknumber",
    "mcastport": "mcastport",
    "link_priority": "knet_link_priority",
    "ping_interval": "knet_ping_interval",
    "ping_precision": "knet_ping_precision",
    "ping_timeout": "knet_ping_timeout",
    "pong_count": "knet_pong_count",
    "transport": "knet_transport",
}


def check_options(
    findings: Findings, what: str, given: Mapping[str, str], allowed: Mapping[str, Kind]
) -> None:
    """Report every option that does not exist, and every value that cannot be."""
    _check(findings, what, given, allowed)


def check_changed_options(
    findings: Findings, what: str, given: Mapping[str, str], allowed: Mapping[str, Kind]
) -> None:
    """Report the same of changes, where an empty value removes an option."""
    _check(findings, what, given, allowed, takes_empty=True)


def _check(
    findings: Findings,
    what: str,
    given: Mapping[str, str],
    allowed: Mapping[str, Kind],
    *,
    takes_empty: bool = False,
) -> None:
    unknown = sorted(name for name in given if name not in allowed)
    if unknown:
        noun = "option" if len(unknown) == 1 else "options:"
        verb = "option is" if len(allowed) == 1 else "options are"
        findings.error(
            "invalid-options",
            f"invalid {what} {noun} {_quoted(unknown)}, allowed {verb}: {_quoted(sorted(allowed))}",
        )
    for name in sorted(given):
        kind = allowed.get(name)
        if takes_empty and not given[name]:
            continue
        if kind is not None and not kind.is_valid(given[name]):
            findings.error(
                "invalid-value",
                f"'{given[name]}' is not a valid {name} value, use {kind.words}",
            )


def check_crypto(findings: Findings, given: Mapping[str, str]) -> None:
    """Report encryption that would not be authenticated."""
    check_options(findings, "crypto", given, CRYPTO)
    cipher, digest = given.get("cipher", "aes256"), given.get("hash", "sha256")
    if cipher != "none" and digest == "none":
        findings.error(
            "prerequisite-missing",
            "If crypto option 'cipher' is enabled, crypto option 'hash' must be enabled as well",
        )


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
