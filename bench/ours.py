"""Paceline in a lab of its own: the cluster is made once a session, then disturbed and measured."""

import re
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

from scenarios import PAGE, VIRTUAL_IP, Row

from paceline.lab import Lab
from paceline.lab.cluster import set_password, set_up_commands
from paceline.lab.lab import Member, Probe

SOURCE = Path(__file__).resolve().parents[1] / "src"
LAB_NAME = "bench"
TOKEN_MS = 1000
WAIT_SECONDS_MAX = 120.0
POLL_SECONDS = 0.2
STEADY_SECONDS = 0.7
"""How long the page is watched before and after, so that an outage has good answers around it."""
_SILENCE_MS = 20
"""As the peer's probe counts: any time without an answer beyond two of its intervals."""
_COROSYNC_CONF = "/etc/corosync/corosync.conf"
_COROSYNC_LOG = "/var/log/corosync/corosync.log"
_STAMP = re.compile(r"(\w{3} [ \d]\d [\d:]{8})\.(\d{3})")
_STATUS_PAGE = """<Location /server-status>
    SetHandler server-status
    Require local
</Location>
"""
_SESSION = """
pcs property set stonith-enabled=false
pcs resource create VirtualIP ocf:heartbeat:IPaddr2 ip={address} cidr_netmask=24 op monitor interval=30s
{web}pcs resource create WebService ocf:heartbeat:apache configfile=/etc/httpd/conf/httpd.conf statusurl=http://localhost/server-status op monitor interval={monitor}
{web}pcs constraint colocation add WebService with VirtualIP INFINITY
{web}pcs constraint order VirtualIP then WebService
{web}pcs constraint location WebService prefers worker2=50
pcs resource defaults update resource-stickiness=100
"""  # noqa: E501  # commands as a person types them
_STARTED = """
import sys
from paceline.adapters.daemon_client import DaemonClient
for node in DaemonClient().ask({"do": "state", "parts": ["status"]})["status"]["nodes"]:
    for entry in node["history"]:
        if (node["name"], entry["resource"], entry["task"]) == (sys.argv[1], sys.argv[2], "start"):
            print(entry["last_run_ms"])
"""


class OurCluster:
    """A running cluster of two nodes."""

    name = "paceline"

    def __init__(self, session: str, monitor: str) -> None:
        """Make it; takes some ten seconds."""
        self._has_web = session == "full"
        self._lab = Lab(LAB_NAME, nodes=2, token_ms=TOKEN_MS)
        self._lab.down()
        try:
            self._make(monitor)
        except BaseException:
            self.close()
            raise

    def _make(self, monitor: str) -> None:
        self._lab.up()
        for node in self._lab.nodes:
            node.write_text("/etc/httpd/conf.d/status.conf", _STATUS_PAGE)
            node.write_text("/var/www/html/index.html", f"{node.name}\n")
        set_password(self._lab)
        for command in set_up_commands(self._lab):
            if "start" in command:
                # The peer's log has stamps this fine; ours shall be read the same way.
                for node in self._lab.nodes:
                    node.shell(f"sed -i 's/timestamp: on/timestamp: hires/' {_COROSYNC_CONF}")
            if "enable" not in command:
                self._lab.nodes[0].run(command).check()
        self._prepare_nodes()
        first = self._lab.nodes[0]
        text = _SESSION.format(
            address=VIRTUAL_IP, monitor=monitor, web="" if self._has_web else "# "
        )
        for line in text.strip().splitlines():
            if not line.startswith("#"):
                first.shell(line).check()
        self._settle()

    def close(self) -> None:
        """Remove it."""
        self._lab.down()

    def measure(self, act: str) -> Row:
        """Do one thing to the cluster, measure it, and bring everything back."""
        acts: dict[str, Callable[[], Row]] = {
            "coldstart": self._coldstart,
            "crash": self._crash,
            "stop": self._stop,
            "move": self._move,
            "kill": self._kill,
        }
        row = acts[act]()
        self._settle()
        return row

    # The acts

    def _coldstart(self) -> Row:
        for node in self._lab.nodes:
            self._lab.crash(node.name)
        for node in self._lab.nodes:
            self._lab.boot(node.name)
        self._prepare_nodes()
        with self._lab.client.probe(PAGE, silence_ms=_SILENCE_MS) as probe:
            time.sleep(STEADY_SECONDS)
            began = time.time()
            starts = [threading.Thread(target=_start, args=(node,)) for node in self._lab.nodes]
            for start in starts:
                start.start()
            for start in starts:
                start.join()
            self._wait_served()
        return {"served": _first_good(probe) - began}

    def _crash(self) -> Row:
        active, survivor = self._active_and_other()
        with self._lab.client.probe(PAGE, silence_ms=_SILENCE_MS) as probe:
            time.sleep(STEADY_SECONDS)
            began = time.time()
            self._lab.crash(active.name)
            self._wait_served_by(survivor)
        row = {"outage": _longest(probe, began)}
        membership = _membership_time(survivor, began)
        row["membership"] = membership - began
        row["decided"] = _start_time(survivor, "VirtualIP") - membership
        self._lab.boot(active.name)
        self._prepare_nodes()
        _start(active)
        return row

    def _stop(self) -> Row:
        active, survivor = self._active_and_other()
        with self._lab.client.probe(PAGE, silence_ms=_SILENCE_MS) as probe:
            time.sleep(STEADY_SECONDS)
            began = time.time()
            # As the peer is stopped: by the signal alone. The lab's systemctl is a Python program,
            # which would take CPU from the agents in the very moment that is measured.
            active.shell("kill -TERM $(cat /run/paceline/daemon.lock)").check()
            self._wait_served_by(survivor)
        active.run(["systemctl", "stop", "paceline", "corosync"]).check()
        _start(active)
        return {"outage": _longest(probe, began)}

    def _move(self) -> Row:
        active, target = self._active_and_other()
        with self._lab.client.probe(PAGE, silence_ms=_SILENCE_MS) as probe:
            time.sleep(STEADY_SECONDS)
            began = time.time()
            command = ["crm_resource", "--move", "-r", "VirtualIP", "--node", target.name]
            target.run(command).check()
            self._wait_served_by(target)
        active.run(["crm_resource", "--clear", "-r", "VirtualIP"]).check()
        return {"outage": _longest(probe, began)}

    def _kill(self) -> Row:
        active, _ = self._active_and_other()
        with self._lab.client.probe(PAGE, silence_ms=_SILENCE_MS) as probe:
            # Not in step with the monitor.
            time.sleep(STEADY_SECONDS + (time.time_ns() % 1000) / 1000)
            began = time.time()
            active.shell("pkill -9 -x 'apache2|httpd'").check()
            time.sleep(STEADY_SECONDS)
            self._wait_served()
        active.run(["crm_resource", "--cleanup", "-r", "WebService"]).check()
        return {"outage": _longest(probe, began)}

    # Waiting

    def _prepare_nodes(self) -> None:
        """Where the web server is not the cluster's, it runs on every node."""
        if not self._has_web:
            for node in self._lab.nodes:
                node.shell("pidof apache2 httpd || apachectl -f /etc/httpd/conf/httpd.conf")

    def _wait(self, what: str, is_so: Callable[[], bool]) -> None:
        until = time.monotonic() + WAIT_SECONDS_MAX
        while not is_so():
            if time.monotonic() > until:
                raise RuntimeError(f"{what}: not within {WAIT_SECONDS_MAX:g} s\n{self._show()}")
            time.sleep(POLL_SECONDS)

    def _show(self) -> str:
        return self._lab.nodes[0].run(["pcs", "status", "--full"]).out

    def _settle(self) -> None:
        """Wait until both nodes are online and everything runs on one of them."""
        wanted = ("VirtualIP", "WebService") if self._has_web else ("VirtualIP",)

        def is_settled() -> bool:
            for node in self._lab.nodes:
                online, running = _status(node)
                if online != {"worker1", "worker2"}:
                    return False
                if any(len(running.get(name, ())) != 1 for name in wanted):
                    return False
            return True

        self._wait("both nodes online, all started", is_settled)
        time.sleep(STEADY_SECONDS)

    def _active_and_other(self) -> tuple[Member, Member]:
        _, running = _status(self._lab.nodes[0])
        active = running["VirtualIP"][0]
        first, second = self._lab.nodes
        return (first, second) if first.name == active else (second, first)

    def _wait_served_by(self, node: Member) -> None:
        """Wait until this node gives the page. Only the client asks: a status would cost CPU."""
        self._wait(f"the page from {node.name}", lambda: self._page() == node.name)
        time.sleep(STEADY_SECONDS)

    def _wait_served(self) -> None:
        self._wait("the page", lambda: bool(self._page()))
        time.sleep(STEADY_SECONDS)

    def _page(self) -> str:
        return self._lab.client.run(["curl", "-s", "-m", "1", PAGE]).out.strip()


def _start(node: Member) -> None:
    """Start Corosync, then the daemon, as systemd would."""
    node.run(["systemctl", "start", "corosync"]).check()
    node.run(["systemctl", "start", "paceline"]).check()


def _status(node: Member) -> tuple[set[str], dict[str, tuple[str, ...]]]:
    """Return who is online and which resources are Started where, as this node sees it."""
    done = node.run(["crm_mon", "-1", "--output-as=xml"])
    if not done.is_ok:
        return set(), {}
    root = ElementTree.fromstring(done.out)
    online = {
        entry.get("name", "")
        for entry in root.iterfind("./nodes/node")
        if entry.get("online") == "true" and entry.get("pending") == "false"
    }
    running = {
        entry.get("id", ""): tuple(on.get("name", "") for on in entry.iterfind("node"))
        for entry in root.iter("resource")
        if entry.get("role") == "Started" and entry.get("failed") != "true"
    }
    return online, running


def _longest(probe: Probe, since: float) -> float:
    """Return the longest outage that ended after `since`, in seconds."""
    lengths = [out.duration_ms for out in probe.outages if out.ended_ms / 1000 > since]
    return max(lengths, default=0.0) / 1000


def _first_good(probe: Probe) -> float:
    """Return when the outage that was there at the start ended, in seconds since 1970."""
    return probe.outages[0].ended_ms / 1000


def _membership_time(node: Member, since: float) -> float:
    """Return when the node's Corosync said "A new membership", in seconds since 1970."""
    year = time.strftime("%Y", time.localtime(since))
    for line in node.read_text(_COROSYNC_LOG).splitlines():
        stamp = _STAMP.match(line)
        if stamp and "A new membership" in line:
            at = time.mktime(time.strptime(f"{year} {stamp[1]}", "%Y %b %d %H:%M:%S"))
            at += int(stamp[2]) / 1000
            if at > since:
                return at
    raise RuntimeError("Corosync's log has no new membership")


def _start_time(node: Member, resource: str) -> float:
    """Return when the resource's last start on this node began, in seconds since 1970."""
    done = node.run(
        [sys.executable, "-c", _STARTED, node.name, resource],
        environment={"PYTHONPATH": str(SOURCE)},
    ).check()
    return int(done.out) / 1000
