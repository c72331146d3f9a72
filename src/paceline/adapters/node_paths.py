"""Where a node keeps what belongs to the cluster. Folders come from the environment, for labs."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

STATE_DIR_DEFAULT = "/var/lib/paceline"
RUNTIME_DIR_DEFAULT = "/run/paceline"
COROSYNC_DIR_DEFAULT = "/etc/corosync"
BOOTH_DIR_DEFAULT = "/etc/booth"
SBD_CONFIG_DEBIAN = "/etc/default/sbd"
SBD_CONFIG_ELSEWHERE = "/etc/sysconfig/sbd"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodePaths:
    """The folders of a node: our state, our sockets, Corosync's and booth's configuration.

    `sbd_config` is a file: what sbd's unit reads its settings from.
    """

    state: Path
    runtime: Path
    corosync: Path
    uidgid: Path
    booth: Path
    sbd_config: Path

    @property
    def cluster(self) -> Path:
        """Keys and certificates that belong to a cluster and go with it."""
        return self.state / "cluster"

    @property
    def secrets(self) -> Path:
        """What parameters of resources are where the configuration does not tell."""
        return self.cluster / "secrets"

    @property
    def node_key(self) -> Path:
        """This node's own key: it never leaves the node and outlives clusters."""
        return self.state / "node.key"

    @property
    def node_certificate(self) -> Path:
        """This node's own, self-signed certificate over its key."""
        return self.state / "node.crt"

    @property
    def tokens(self) -> Path:
        """The hashes of the tokens that this node gave out."""
        return self.state / "tokens"

    @property
    def known_hosts(self) -> Path:
        """The hosts that this node may drive, with its tokens for them."""
        return self.state / "known-hosts"

    @property
    def command_socket(self) -> Path:
        """Where the command line sends its words."""
        return self.runtime / "api.sock"


def node_paths(environment: Mapping[str, str]) -> NodePaths:
    """Return the usual folders, or those that PACELINE_STATE_DIR and its like name."""

    def path(default: str, name: str, name_in_pcs: str = "") -> Path:
        found = environment.get(name) or environment.get(f"PCS.SETTINGS.{name_in_pcs}")
        return Path(found or default)

    corosync = path(COROSYNC_DIR_DEFAULT, "PACELINE_COROSYNC_DIR")
    return NodePaths(
        state=path(STATE_DIR_DEFAULT, "PACELINE_STATE_DIR"),
        runtime=path(RUNTIME_DIR_DEFAULT, "PACELINE_RUNTIME_DIR"),
        corosync=corosync,
        uidgid=path(f"{corosync}/uidgid.d", "PACELINE_UIDGID_DIR", "corosync_uidgid_dir"),
        booth=path(BOOTH_DIR_DEFAULT, "PACELINE_BOOTH_DIR", "booth_config_dir"),
        sbd_config=path(_sbd_config_default(), "PACELINE_SBD_CONFIG", "sbd_config"),
    )


def _sbd_config_default() -> str:
    """Return the file that sbd's unit reads: Debian keeps it elsewhere than all others."""
    return SBD_CONFIG_ELSEWHERE if Path(SBD_CONFIG_ELSEWHERE).parent.is_dir() else SBD_CONFIG_DEBIAN
