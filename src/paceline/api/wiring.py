"""The outside of a command, put together: the one place where ports meet adapters.

The node service and the command line (where it runs in place) both call `make_ports`.
"""

from paceline.adapters.agent_metadata import InstalledAgents
from paceline.adapters.cib_file import CibFile
from paceline.adapters.cib_live import LiveCib
from paceline.adapters.daemon_client import DaemonClient
from paceline.adapters.local_files import LocalFiles
from paceline.commands.contract import Ports
from paceline.commands.run import Places
from paceline.ports.cib_store import CibStore

COROSYNC_CONF = "/etc/corosync/corosync.conf"


def make_ports(places: Places) -> Ports:
    """Return the ports for one request."""
    session = places.session
    files = LocalFiles(session.cwd)
    daemon = DaemonClient(session.environment)
    cib: CibStore
    if places.cib_file is not None:
        cib = CibFile(files.absolute(places.cib_file), shown_path=places.cib_file)
    else:
        cib = LiveCib(daemon, user=session.user, client=session.program)
    return Ports(
        cib=cib,
        files=files,
        agents=InstalledAgents(session.environment),
        daemon=daemon,
        corosync_conf_path=places.corosync_conf
        or session.environment.get("PACELINE_COROSYNC_CONF")
        or COROSYNC_CONF,
    )
