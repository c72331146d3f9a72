"""`paceline-api`: the node service. HTTPS on 2224 for nodes, a unix socket for the command line."""

import asyncio
import contextlib
import grp
import logging
import os
import signal
import socket
import sys
from collections.abc import Mapping

from paceline.adapters.certificates import NodeCertificates
from paceline.adapters.node_paths import NodePaths, node_paths
from paceline.api.command_server import GROUP, serve_commands
from paceline.api.node_calls import NodeCalls
from paceline.api.server import NodeServer
from paceline.api.tls import ServerTls
from paceline.api.wiring import make_node
from paceline.commands.node_actions import perform
from paceline.ports.node_calls import FileName
from paceline.ports.peers import PORT

LOG = logging.getLogger("paceline.api")

SOCKET_BACKLOG = 128
LOG_FORMAT = "%(levelname)s %(message)s"


def main() -> int:
    """Run the node service until SIGTERM; return the exit status."""
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    environment = dict(os.environ)
    paths = node_paths(environment)
    try:
        NodeCertificates(paths, name=socket.gethostname().partition(".")[0]).ensure_own()
        listener = _listen(paths)
        tls = ServerTls(paths)
    except OSError as error:
        LOG.error("the node service cannot start: %s", error)
        return 1
    # Before any thread or loop is there.
    child = os.fork()
    if child == 0:
        serve_commands(listener, environment)
    listener.close()
    try:
        return asyncio.run(_serve(environment, tls, child))
    except OSError as error:
        LOG.error("port %d cannot be served: %s", PORT, error.strerror or error)
        return 1
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)


def _listen(paths: NodePaths) -> socket.socket:
    """Return the command line's socket: for root and haclient only, from its first moment on."""
    path = paths.command_socket
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(mask)
    with contextlib.suppress(KeyError, OSError):
        os.chown(path, -1, grp.getgrnam(GROUP).gr_gid)
        path.chmod(0o660)
    listener.listen(SOCKET_BACKLOG)
    return listener


async def _serve(environment: Mapping[str, str], tls: ServerTls, child: int) -> int:
    """Serve the nodes until told to stop, or until the command line's process ends."""
    node = make_node(environment)
    calls = NodeCalls(
        node.tokens,
        lambda request, source: perform(request, node, source=source),
        has_authority=lambda: node.files.read(FileName.CLUSTER_CA) is not None,
    )
    server = NodeServer(calls, tls)
    ended = asyncio.Event()
    status = 0
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)

    def child_ended() -> None:
        nonlocal status
        LOG.error("the process that serves commands has ended")
        status = 1
        ended.set()

    child_handle = os.pidfd_open(child)
    loop.add_reader(child_handle, child_ended)
    await server.start(hosts=(), port=PORT)
    _tell_ready(environment)
    LOG.info("serving port %d", PORT)
    await ended.wait()
    loop.remove_reader(child_handle)
    os.close(child_handle)
    await server.stop()
    return status


def _tell_ready(environment: Mapping[str, str]) -> None:
    """Tell systemd (sd_notify) that we serve; nothing where nobody wants to know."""
    address = environment.get("NOTIFY_SOCKET", "").replace("@", "\0", 1)
    if not address:
        return
    flags = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
    with socket.socket(socket.AF_UNIX, flags) as link, contextlib.suppress(OSError):
        link.sendto(b"READY=1", address)


if __name__ == "__main__":
    sys.exit(main())
