"""A member's disk as a fresh installation leaves it: /etc, /var, /root, and what can be mounted.

/etc is a copy of the readable part of the host's, with our own accounts, host names and PAM
stacks; everything else starts empty.
"""

import os
import shutil
import stat
from pathlib import Path

from paceline.lab import accounts, layout, webserver
from paceline.lab.accounts import CLUSTER_GROUP, CLUSTER_USER, Accounts
from paceline.lab.layout import SEARCH_PATH, LabSpec

# Secrets, and folders that a node writes fresh or has no use for.
_ETC_LEFT_OUT = frozenset(
    {
        ".git", ".pwd.lock", "NetworkManager", "X11", "apt", "corosync", "cron.d", "cron.daily",
        "cron.hourly", "cron.monthly", "cron.weekly", "crontab", "gshadow", "gshadow-", "group",
        "group-", "hostname", "hosts", "httpd", "krb5.keytab", "machine-id", "netplan", "paceline",
        "pacemaker", "passwd", "passwd-", "pcs", "shadow", "shadow-", "ssh", "subgid", "subgid-",
        "subuid", "subuid-", "sudoers", "sudoers.d", "systemd", "wireguard",
    }
)  # fmt: skip
_ETC_FILE_BYTES_MAX = 4 << 20

# path, mode, is the cluster's account its owner
_FOLDERS: tuple[tuple[str, int, bool], ...] = (
    ("etc/corosync", 0o755, False),
    ("etc/corosync/service.d", 0o755, False),
    ("etc/corosync/uidgid.d", 0o755, False),
    ("etc/httpd/conf", 0o755, False),
    ("etc/httpd/conf.d", 0o755, False),
    ("etc/paceline", 0o755, False),
    ("etc/pacemaker", 0o750, True),
    ("mnt", 0o755, False),
    ("media", 0o755, False),
    ("srv", 0o755, False),
    ("root", 0o700, False),
    ("var/cache", 0o755, False),
    ("var/lib/corosync", 0o755, False),
    ("var/lib/paceline", 0o750, True),
    ("var/lib/pacemaker", 0o750, True),
    ("var/lib/pcsd", 0o700, False),
    ("var/lib/paceline-lab", 0o755, False),
    ("var/lib/dpkg", 0o755, False),
    ("var/lib/rpm", 0o755, False),
    ("var/log", 0o755, False),
    ("var/log/cluster", 0o755, False),
    ("var/log/corosync", 0o755, False),
    ("var/log/httpd", 0o755, False),
    ("var/log/apache2", 0o755, False),
    ("var/log/lab", 0o755, False),
    ("var/log/paceline", 0o770, True),
    ("var/spool", 0o755, False),
    ("var/tmp", 0o1777, False),
    ("var/www/html", 0o755, False),
)

_PAM_STACKS = {
    "auth": "auth required pam_unix.so nodelay\n",
    "account": "account required pam_unix.so\n",
    "password": "password required pam_unix.so sha512\n",
    "session": "session required pam_unix.so\n",
}
_PAM_WHOLE = (
    "login", "other", "paceline", "passwd", "chpasswd", "pcsd", "runuser", "runuser-l",
    "system-auth", "password-auth",
)  # fmt: skip
# Agents become other users with it, and root is not asked for a password.
_PAM_OF_ROOT = ("su", "su-l")
_ROOT_MAY = "auth sufficient pam_rootok.so\n"

_BASHRC = r"""# As the notes show it.
PS1='[\u@\h \W]\$ '
alias ll='ls -l'
"""
_BASH_PROFILE = f"export PATH={SEARCH_PATH}\n. ~/.bashrc\n"


def copy_template(host_etc: Path, target: Path) -> None:
    """Copy what can be read of the host's /etc, without secrets, keeping links and modes."""
    target.mkdir(mode=0o755, parents=True)
    _copy_folder(host_etc, target, _ETC_LEFT_OUT)


def _copy_folder(source: Path, target: Path, left_out: frozenset[str]) -> None:
    try:
        entries = sorted(os.scandir(source), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        if entry.name in left_out:
            continue
        destination = target / entry.name
        if entry.is_symlink():
            destination.symlink_to(os.readlink(entry.path))
        elif entry.is_dir(follow_symlinks=False):
            destination.mkdir(mode=0o755)
            _copy_folder(Path(entry.path), destination, frozenset({"private"}))
        else:
            _copy_file(Path(entry.path), destination)


def _copy_file(source: Path, destination: Path) -> None:
    """Copy a plain file; what cannot be read or is too large is left out."""
    try:
        status = source.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _ETC_FILE_BYTES_MAX:
            return
        # What only its owner may read is a secret of the host.
        if not status.st_mode & stat.S_IROTH:
            return
        shutil.copyfile(source, destination)
        destination.chmod(stat.S_IMODE(status.st_mode))
    except OSError:
        destination.unlink(missing_ok=True)


def make_disk(root: Path, template: Path, spec: LabSpec, member: str) -> None:
    """Write a fresh installation to `root`, which is empty."""
    shutil.copytree(template, root / "etc", symlinks=True)
    known = accounts.make_accounts(_host_text("passwd"), _host_text("group"))
    for path, mode, _ in _FOLDERS:
        folder = root / path
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(mode)
    for path, text, mode in _files(spec, member, known):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        # A copied link must not lead our text elsewhere.
        file.unlink(missing_ok=True)
        file.write_text(text)
        file.chmod(mode)
    _make_links(root)
    _give_to_cluster_account(root, known)


def _files(spec: LabSpec, member: str, known: Accounts) -> list[tuple[str, str, int]]:
    conf = webserver.httpd_conf(server_name=member, user=known.web_user, group=known.web_group)
    stacks = [
        (f"etc/pam.d/common-{kind}", line, 0o644) for kind, line in sorted(_PAM_STACKS.items())
    ]
    whole = "".join(_PAM_STACKS[kind] for kind in ("auth", "account", "password", "session"))
    return [
        ("etc/hosts", layout.hosts_file(spec), 0o644),
        ("etc/hostname", f"{member}\n", 0o644),
        ("etc/passwd", known.passwd, 0o644),
        ("etc/group", known.group, 0o644),
        ("etc/shadow", known.shadow, 0o640),
        ("etc/gshadow", known.gshadow, 0o640),
        ("etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n"
         "networks: files\nprotocols: files\nservices: files\n", 0o644),
        ("etc/resolv.conf", "", 0o644),
        ("etc/httpd/conf/httpd.conf", conf, 0o644),
        *stacks,
        ("etc/pam.d/common-session-noninteractive", _PAM_STACKS["session"], 0o644),
        *((f"etc/pam.d/{name}", whole, 0o644) for name in _PAM_WHOLE),
        *((f"etc/pam.d/{name}", f"{_ROOT_MAY}{whole}", 0o644) for name in _PAM_OF_ROOT),
        ("root/.bashrc", _BASHRC, 0o644),
        ("root/.bash_profile", _BASH_PROFILE, 0o644),
    ]  # fmt: skip


def _make_links(root: Path) -> None:
    modules = next((folder for folder in webserver.MODULE_FOLDERS if folder.is_dir()), None)
    if modules is not None:
        (root / "etc/httpd/modules").symlink_to(modules)
    (root / "etc/mtab").unlink(missing_ok=True)
    (root / "etc/mtab").symlink_to("/proc/self/mounts")
    (root / "var/run").symlink_to("/run")
    (root / "var/lock").symlink_to("/run/lock")


def _give_to_cluster_account(root: Path, known: Accounts) -> None:
    uid = _identifier(known.passwd, CLUSTER_USER)
    gid = _identifier(known.group, CLUSTER_GROUP)
    for path, _, is_clusters in _FOLDERS:
        if is_clusters:
            os.chown(root / path, uid, gid)
    shadow_gid = _find_identifier(known.group, "shadow")
    for name in ("shadow", "gshadow"):
        os.chown(root / "etc" / name, 0, shadow_gid or 0)


def _identifier(text: str, name: str) -> int:
    found = _find_identifier(text, name)
    if found is None:
        raise LookupError(f"no account named {name}")
    return found


def _find_identifier(text: str, name: str) -> int | None:
    for line in text.splitlines():
        fields = line.split(":")
        if fields[0] == name:
            return int(fields[2])
    return None


def _host_text(name: str) -> str:
    return Path("/etc", name).read_text(encoding="utf-8", errors="replace")
