"""What `pcs cluster setup` was asked, in today's words or in those of pcs 0.9."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from paceline.commands import cluster_options as known
from paceline.commands.arguments import parse_pairs, split_repeated, split_sections
from paceline.commands.contract import Findings, Request, UsageError
from paceline.model.corosync_conf import TWO_NODES

NODES_MAX = 16
NAME_LENGTH_MAX = 63
_SECTIONS = ("transport", "totem", "quorum")
_GFS2_NAME = re.compile(r"[a-zA-Z0-9_-]{1,32}")
_OLD_TOTEM = (
    "token", "token_coefficient", "join", "consensus", "miss_count_const", "fail_recv_const",
)  # fmt: skip
_OLD_QUORUM = ("wait_for_all", "auto_tie_breaker", "last_man_standing", "last_man_standing_window")
_OLD_RING = (
    "addr0", "addr1", "mcast0", "mcast1", "mcastport0", "mcastport1", "ttl0", "ttl1", "broadcast0",
    "broadcast1", "rrpmode", "netmtu",
)  # fmt: skip
OLD_OPTIONS = (*_OLD_TOTEM, *_OLD_QUORUM, *_OLD_RING, "transport", "encryption", "ipv6", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupNode:
    """A node as it was named; no addresses mean that they are to be found."""

    name: str
    addresses: tuple[str, ...] = ()


Pairs = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupWords:
    """Everything that was asked for."""

    name: str
    nodes: tuple[SetupNode, ...]
    transport: str
    transport_options: Pairs
    links: tuple[Pairs, ...]
    compression: Pairs
    crypto: Pairs
    totem: Pairs
    quorum: Pairs
    is_old: bool

    @property
    def is_knet(self) -> bool:
        """Say whether links, encryption and compression are possible."""
        return self.transport == "knet"


def parse_setup(request: Request) -> SetupWords:
    """Return what was asked. Raises UsageError; what else is wrong goes to the findings."""
    words = _parse_old(request) if request.has("name") or request.has("local") else _parse(request)
    _check(words, request.findings)
    return words


def _parse(request: Request) -> SetupWords:
    first, sections = split_sections(request.arguments, _SECTIONS)
    if len(first) < 2:
        raise UsageError
    transport, transport_words = "knet", sections.get("transport", [])
    if "transport" in sections:
        if not transport_words or "=" in transport_words[0]:
            raise UsageError("Transport type not defined")
        transport, transport_words = transport_words[0], transport_words[1:]
    rest, links = split_repeated(transport_words, "link")
    # After the links' own words `compression` and `crypto` may follow.
    plain, inner = split_sections(rest, ("compression", "crypto"))
    link_options = []
    for link in links:
        own, more = split_sections(link, ("compression", "crypto"))
        link_options.append(parse_pairs(own))
        for keyword, found in more.items():
            inner.setdefault(keyword, []).extend(found)
    return SetupWords(
        name=first[0],
        nodes=_parse_nodes(first[1:]),
        transport=transport,
        transport_options=parse_pairs(plain),
        links=tuple(link_options),
        compression=parse_pairs(inner.get("compression", ())),
        crypto=parse_pairs(inner.get("crypto", ())),
        totem=parse_pairs(sections.get("totem", ())),
        quorum=parse_pairs(sections.get("quorum", ())),
        is_old=False,
    )


def _parse_nodes(words: Sequence[str]) -> tuple[SetupNode, ...]:
    """Return the nodes of `NAME [addr=A]...`. Raises UsageError."""
    nodes: list[SetupNode] = []
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            if any(node.name == word for node in nodes):
                raise UsageError(f"Node name '{word}' defined multiple times")
            nodes.append(SetupNode(name=word))
        elif not nodes:
            raise UsageError
        elif key != "addr":
            raise UsageError(f"Unknown options '{key}' for node '{nodes[-1].name}'")
        else:
            last = nodes[-1]
            nodes[-1] = SetupNode(name=last.name, addresses=(*last.addresses, value))
    return tuple(nodes)


def _parse_old(request: Request) -> SetupWords:
    """Return what pcs 0.9's options ask; its ring options have no meaning with knet."""
    name = request.value("name")
    if not name:
        raise UsageError("A cluster name (--name <name>) is required to setup a cluster")
    if not request.arguments:
        raise UsageError
    alternates = [word.split(",") for word in request.arguments]
    nodes = tuple(
        # Names without a second address are looked up; with one, both are as they were given.
        SetupNode(name=names[0], addresses=tuple(names) if len(names) > 1 else ())
        for names in alternates
    )
    for option in _OLD_RING:
        if request.has(option):
            request.findings.warn(
                "option-without-meaning",
                f"--{option} has no meaning with today's Corosync and is ignored; "
                "addresses are given as  NODE addr=A addr=B",
            )
    given = dict(request.options)
    return SetupWords(
        name=name,
        nodes=nodes,
        transport=given.get("transport", "knet"),
        transport_options={"ip_version": "ipv6"} if "ipv6" in given else {},
        links=(),
        compression={},
        crypto={"cipher": "none", "hash": "none"} if given.get("encryption") == "0" else {},
        totem={option: given[option] for option in _OLD_TOTEM if option in given},
        quorum={option: given[option] for option in _OLD_QUORUM if option in given},
        is_old=True,
    )


def _check(words: SetupWords, findings: Findings) -> None:
    """Report everything that is wrong with the words themselves."""
    check_cluster_name(findings, words.name, is_old=words.is_old)
    if len(words.nodes) > NODES_MAX:
        findings.error("too-many-nodes", f"a cluster has at most {NODES_MAX} nodes")
    _check_addresses(words, findings)
    _check_families(words, findings)
    if words.transport not in known.TRANSPORTS:
        shown = ", ".join(f"'{name}'" for name in known.TRANSPORTS)
        findings.error(
            "invalid-value", f"'{words.transport}' is not a valid transport value, use {shown}"
        )
    else:
        _check_transport(words, findings)
    known.check_options(findings, "totem", words.totem, known.TOTEM)
    known.check_options(findings, "quorum", words.quorum, known.QUORUM)
    if words.quorum.get("auto_tie_breaker") == "1" and len(words.nodes) == TWO_NODES:
        findings.warn(
            "two-nodes-tie-breaker",
            "auto_tie_breaker with two nodes: the node with the lower id survives alone, the other "
            "never does; two_node is not set",
        )


def check_cluster_name(findings: Findings, name: str, *, is_old: bool = False) -> None:
    """Report what is wrong with the name of a cluster; pcs 0.9 (`is_old`) took more of them."""
    if not name:
        findings.error("bad-cluster-name", "cluster name cannot be empty")
    elif not known.TEXT.is_valid(name) or len(name) > NAME_LENGTH_MAX:
        findings.error(
            "bad-cluster-name",
            f"the cluster name must have 1 to {NAME_LENGTH_MAX} characters and no braces",
        )
    elif not is_old and not _GFS2_NAME.fullmatch(name):
        findings.error(
            "name-not-for-gfs2",
            f"Chosen cluster name '{name}' will prevent mounting GFS2 volumes in the "
            "cluster, use at most 32 of a-z A-Z 0-9 _- characters; you may safely override this "
            "if you do not intend to use GFS2",
            is_forceable=True,
        )


def _check_families(words: SetupWords, findings: Findings) -> None:
    """Report empty addresses, and links with addresses of both families."""
    for node in words.nodes:
        if "" in node.addresses:
            findings.error(
                "address-empty",
                f"Empty address set for node '{node.name}', an address cannot be empty",
            )
    count = max((len(node.addresses) for node in words.nodes), default=0)
    mixed = []
    for link in range(count):
        families = {
            family
            for node in words.nodes
            if link < len(node.addresses) and (family := _family(node.addresses[link]))
        }
        if len(families) > 1:
            mixed.append(f"'{link}'")
    if mixed:
        findings.error(
            "families-mixed",
            "Using both IPv4 and IPv6 on one link is not allowed; please, use either IPv4 or IPv6 "
            f"on link(s): {', '.join(mixed)}",
        )


def _family(address: str) -> str:
    """Return which kind of address it is; "" for a name."""
    if ":" in address:
        return "6"
    return "4" if re.fullmatch(r"\d+(\.\d+){3}", address) else ""


def _check_addresses(words: SetupWords, findings: Findings) -> None:
    named = [node for node in words.nodes if node.addresses]
    addresses = [address for node in named for address in node.addresses]
    twice = sorted({address for address in addresses if addresses.count(address) > 1})
    if twice:
        shown = ", ".join(f"'{address}'" for address in twice)
        findings.error(
            "duplicate-address", f"Node addresses must be unique, duplicate addresses: {shown}"
        )
    counts = {len(node.addresses) or 1 for node in words.nodes}
    if named and len(counts) > 1:
        shown = "; ".join(
            f"node '{node.name}' has {(n := len(node.addresses) or 1)} "
            f"address{'' if n == 1 else 'es'}"
            for node in words.nodes
        )
        findings.error(
            "address-count", f"All nodes must have the same number of addresses; {shown}"
        )
    links_max = known.KNET_LINKS_MAX if words.is_knet else 1
    if max(counts) > links_max:
        findings.error(
            "too-many-links", f"transport '{words.transport}' has at most {links_max} links"
        )


def _check_transport(words: SetupWords, findings: Findings) -> None:
    is_knet = words.is_knet
    kinds = known.TRANSPORT_KNET if is_knet else known.TRANSPORT_UDP
    known.check_options(findings, f"{words.transport} transport", words.transport_options, kinds)
    for link in words.links:
        kinds = known.LINK_KNET if is_knet else known.LINK_UDP
        known.check_options(findings, "link", link, kinds)
        for name, other in (("ping_interval", "ping_timeout"), ("ping_timeout", "ping_interval")):
            if name in link and other not in link:
                findings.error(
                    "prerequisite-missing",
                    f"If link option '{name}' is specified, link option '{other}' must be "
                    "specified as well",
                )
    if is_knet:
        known.check_options(findings, "compression", words.compression, known.COMPRESSION)
        known.check_crypto(findings, words.crypto)
    elif words.crypto or words.compression:
        findings.error(
            "transport-without-crypto",
            f"transport '{words.transport}' has neither encryption nor compression, use knet",
        )
