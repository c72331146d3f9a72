"""The outside of a command, put together: the one place where ports meet adapters.

The node service and the command line (where it runs in place) both call `make_ports`.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from paceline.adapters.agent_metadata import InstalledAgents
from paceline.adapters.cib_file import CibFile
from paceline.adapters.cib_live import LiveCib
from paceline.adapters.daemon_client import ActingDaemon, DaemonClient
from paceline.adapters.local_files import LocalFiles
from paceline.commands.contract import Ports
from paceline.commands.run import Places
from paceline.ports.cib_store import CibStore

if TYPE_CHECKING:  # slow to load, and most commands need none of it
    from paceline.ports.agents import AgentRunner
    from paceline.ports.checkpoints import Checkpoints
    from paceline.ports.editor import Editor
    from paceline.ports.engine_tools import EngineTools
    from paceline.ports.node import Node
    from paceline.ports.peers import Peers
    from paceline.ports.report_files import ReportFiles

COROSYNC_CONF = "/etc/corosync/corosync.conf"


def make_ports(places: Places) -> Ports:
    """Return the ports for one request."""
    session = places.session
    files = LocalFiles(session.cwd)
    daemon = ActingDaemon(DaemonClient(session.environment), session.user)
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
        or session.environment.get("PCS.SETTINGS.corosync_conf_file")
        or COROSYNC_CONF,
        open_node=lambda: make_node(session.environment),
        open_peers=lambda: make_peers(session.environment),
        open_engine_tools=lambda: make_engine_tools(session.environment),
        open_report_files=lambda: make_report_files(session.environment),
        open_checkpoints=lambda: make_checkpoints(session.environment),
        open_agent_runner=lambda: make_agent_runner(session.environment),
    )


def make_node(environment: Mapping[str, str]) -> "Node":
    """Return this node: services, files, accounts, keys."""
    from paceline.adapters.booth_tools import BoothProgram
    from paceline.adapters.certificates import NodeCertificates
    from paceline.adapters.cluster_text import StatusProgram
    from paceline.adapters.host_look import LocalHostLook
    from paceline.adapters.node_files import LocalNodeFiles
    from paceline.adapters.node_paths import node_paths
    from paceline.adapters.pam_login import PamLogin
    from paceline.adapters.quorum_device_tools import NssTools
    from paceline.adapters.sbd_tools import SbdProgram
    from paceline.adapters.service_control import SystemctlServices
    from paceline.adapters.token_book import FileTokenBook
    from paceline.ports.node import Node

    paths = node_paths(environment)
    files, services = LocalNodeFiles(paths), SystemctlServices(environment)
    look = LocalHostLook(paths, files, services, environment)
    return Node(
        services=services,
        files=files,
        login=PamLogin(),
        tokens=FileTokenBook(paths),
        certificates=NodeCertificates(paths, name=look.name()),
        look=look,
        random_bytes=os.urandom,
        quorum_device=NssTools(paths, environment),
        sbd=SbdProgram(environment),
        cluster_text=StatusProgram(environment),
        booth=BoothProgram(environment),
    )


def make_checkpoints(environment: Mapping[str, str]) -> "Checkpoints":
    """Return the older versions of the configuration."""
    from paceline.adapters.kept_checkpoints import KeptCheckpoints

    return KeptCheckpoints(environment)


def make_editor(environment: Mapping[str, str]) -> "Editor":
    """Return the user's editor, for commands that run in place."""
    from paceline.adapters.user_editor import UserEditor

    return UserEditor(environment)


def make_agent_runner(environment: Mapping[str, str]) -> "AgentRunner":
    """Return what runs agents by hand."""
    from paceline.adapters.agent_runs import AgentsByHand

    return AgentsByHand(environment)


def make_engine_tools(environment: Mapping[str, str]) -> "EngineTools":
    """Return Corosync's own tools."""
    from paceline.adapters.engine_tools import QuorumTool

    return QuorumTool(environment)


def make_report_files(environment: Mapping[str, str]) -> "ReportFiles":
    """Return what a report on this node is made of."""
    from paceline.adapters.report_files import LocalReportFiles

    return LocalReportFiles(environment)


def make_peers(environment: Mapping[str, str]) -> "Peers":
    """Return the other nodes, and this one in place."""
    from paceline.adapters.node_paths import node_paths
    from paceline.api.client import NodePeers
    from paceline.commands.node_actions import perform

    node = make_node(environment)
    return NodePeers(
        local_name=node.look.name(),
        paths=node_paths(environment),
        files=node.files,
        tokens=node.tokens,
        perform=lambda request: perform(request, node),
    )
