"""A node's passwd, group and shadow, written fresh: the host's shadow is not for us. Pure."""

from dataclasses import dataclass

CLUSTER_USER = "hacluster"
CLUSTER_GROUP = "haclient"
# The identifiers that distributions with a fixed choice give to the cluster's account.
_CLUSTER_ID = 189
_WEB_ID = 48
_HUMAN_ID_MIN = 1000
# "nobody" is the one account above the system's range that programs need.
_NOBODY_ID = 65534
# Any day in the past: a password that was never changed must not have expired.
_CHANGED_DAY = 19000


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """The four files, as text, and the web server's user and group."""

    passwd: str
    group: str
    shadow: str
    gshadow: str
    web_user: str
    web_group: str


def make_accounts(host_passwd: str, host_group: str) -> Accounts:
    """Return the accounts of a fresh node: the host's system accounts and what a cluster needs."""
    groups = _system_lines(host_group)
    users = _system_lines(host_passwd)
    cluster_gid = _add_group(groups, CLUSTER_GROUP, _CLUSTER_ID)
    _add_user(users, CLUSTER_USER, _CLUSTER_ID, cluster_gid, "/var/lib/pacemaker")
    web = next((name for name in ("www-data", "apache") if name in users), "apache")
    web_gid = _add_group(groups, web, _WEB_ID)
    _add_user(users, web, _WEB_ID, web_gid, "/var/www")
    return Accounts(
        passwd=_text(users),
        group=_text(groups),
        shadow="".join(f"{name}:*:{_CHANGED_DAY}:0:99999:7:::\n" for name in users),
        gshadow="".join(f"{name}:!::\n" for name in groups),
        web_user=web,
        web_group=web,
    )


def _system_lines(text: str) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    for line in text.splitlines():
        fields = line.split(":")
        if len(fields) < 4 or not fields[2].isdigit():
            continue
        if int(fields[2]) < _HUMAN_ID_MIN or int(fields[2]) == _NOBODY_ID:
            kept.setdefault(fields[0], fields)
    return kept


def _free_id(lines: dict[str, list[str]], wanted: int) -> int:
    used = {int(fields[2]) for fields in lines.values()}
    while wanted in used:
        wanted += 1
    return wanted


def _add_group(groups: dict[str, list[str]], name: str, wanted: int) -> int:
    if name not in groups:
        groups[name] = [name, "x", str(_free_id(groups, wanted)), ""]
    return int(groups[name][2])


def _add_user(users: dict[str, list[str]], name: str, wanted: int, gid: int, home: str) -> None:
    if name not in users:
        uid = _free_id(users, wanted)
        users[name] = [name, "x", str(uid), str(gid), name, home, "/usr/sbin/nologin"]


def _text(lines: dict[str, list[str]]) -> str:
    return "".join(":".join(fields) + "\n" for fields in lines.values())
