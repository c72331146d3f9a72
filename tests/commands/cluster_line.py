"""Type lines on a node of a cluster that is made up: services, files and other nodes in memory."""

import shlex
from dataclasses import replace
from typing import Any

from tests.commands.command_line import TerminalInMemory
from tests.commands.nodes_in_memory import PASSWORD, MemoryNetwork, ask, ports_of

from paceline.commands.cluster_setup import set_up
from paceline.commands.host_auth import auth_hosts
from paceline.commands.run import Session, run_words


class ClusterLine:
    """A user at the prompt of one node: each call runs one line and gives (status, out, err)."""

    def __init__(self, network: MemoryNetwork, local: str, **ports: Any) -> None:
        """Stand on node `local`; `ports` are those that are not the network's."""
        self.network = network
        self._ports = replace(ports_of(network, local), **ports)

    def __call__(self, line: str) -> tuple[int, str, str]:
        terminal = TerminalInMemory()
        session = Session(program="pcs", user="root", cwd="/", environment={})
        status = run_words(
            shlex.split(line),
            session=session,
            terminal=terminal,
            make_ports=lambda _places: self._ports,
        )
        return status, terminal.shown_out, terminal.shown_err

    def ok(self, line: str) -> str:
        """Run a line that must succeed; return its output."""
        status, out, err = self(line)
        assert status == 0, err
        return out

    def refused(self, line: str) -> str:
        """Run a line that must fail; return what is said of it."""
        status, out, err = self(line)
        assert status == 1, out
        return err


def make_cluster(*names: str, others: tuple[str, ...] = ()) -> MemoryNetwork:
    """Return nodes that are a stopped cluster, and `others` that the first is authenticated to."""
    network = MemoryNetwork()
    network.add(*names, *others)
    first = ports_of(network, names[0])
    auth_hosts(ask("host auth", *names, *others, u="hacluster", p=PASSWORD).request, first)
    set_up(ask("cluster setup", "shop", *names).request, first)
    network.log.clear()
    return network
