"""Rows 9 to 16 of the notes: the virtual address, Apache, and what keeps them where."""

from paceline.lab.demo.scene import ACTIVE, CLIENT, PASSIVE, VIRTUAL_ADDRESS, Scene

STARTED_SECONDS = 20
WRITE_STATUS_CONF = """cat > /etc/httpd/conf.d/status.conf <<END
 <Location /server-status>
    SetHandler server-status
    Require local
 </Location>
END"""


def play_address(scene: Scene) -> None:
    """Create the virtual address (rows 9 and 10)."""
    stage = scene.stage
    stage.chapter("9, 10", "A virtual address")
    stage.shell(
        ACTIVE,
        f"pcs resource create VirtualIP ocf:heartbeat:IPaddr2 ip={VIRTUAL_ADDRESS} "
        "cidr_netmask=24 op monitor interval=30s",
        unexpected=("Error",),
    )
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(r"VirtualIP\s+\(ocf::heartbeat:IPaddr2\):\s+Started worker1", "root via"),
        seconds=STARTED_SECONDS,
    )
    stage.shell(
        ACTIVE,
        "ip -4 addr show dev ens33",
        expect=(r"inet 192\.168\.222\.30/24 .*secondary ens33",),
        means="The address is on the node's interface.",
    )
    stage.shell(
        CLIENT,
        f"ping -c 1 -W 2 {VIRTUAL_ADDRESS}",
        expect=(r"1 received|Received 1|bytes from",),
        means="It answers the client.",
    )
    stage.shell(ACTIVE, "pcs resource standards", expect=("^ocf$", "^systemd$|^service$|^lsb$"))
    stage.shell(ACTIVE, "pcs resource providers", expect=("^heartbeat$",))
    stage.shell(
        ACTIVE,
        "pcs resource agents ocf:heartbeat",
        expect=("^IPaddr2$", "^apache$"),
        shown_lines_max=12,
    )


def play_stop(scene: Scene) -> None:
    """Stop the active node: the address moves, and does not come back (row 11)."""
    stage = scene.stage
    stage.chapter("11", "Fail-over: the active node is stopped")
    with stage.fail_over("graceful stop of worker1, address only", scene.watch_address):
        stage.shell(
            ACTIVE,
            "pcs cluster stop worker1",
            expect=(
                r"worker1: Stopping Cluster \(pacemaker\)",
                r"worker1: Stopping Cluster \(corosync\)",
            ),
        )
    stage.shell(
        ACTIVE,
        "pcs status",
        status=1,
        expect=("^Error: cluster is not currently running on this node",),
    )
    stage.until(
        PASSIVE,
        "pcs status",
        expect=(r"VirtualIP\s+.*Started worker2", r"OFFLINE: \[ worker1 \]"),
        seconds=STARTED_SECONDS,
    )
    stage.shell(PASSIVE, "ip -4 addr show dev ens33", expect=(r"192\.168\.222\.30/24",))
    stage.shell(ACTIVE, "pcs cluster start worker1", expect=(r"worker1: Starting Cluster",))
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(r"Online: \[ worker1 worker2 \]", r"VirtualIP\s+.*Started worker2"),
        seconds=STARTED_SECONDS,
        means="worker1 is back; the address stays where it is.",
    )


def play_defaults(scene: Scene) -> None:
    """Set the defaults (row 12)."""
    stage = scene.stage
    stage.chapter("12", "Stickiness: moving costs something")
    warning = "Warning: Defaults do not apply to resources which override them"
    stage.shell(ACTIVE, "pcs resource defaults", expect=("^No defaults set",))
    stage.shell(ACTIVE, "pcs resource defaults resource-stickiness=60", expect=(warning,))
    stage.shell(ACTIVE, "pcs resource defaults", expect=("resource-stickiness[=:] ?60",))
    stage.shell(ACTIVE, "pcs resource op defaults timeout=60s", expect=(warning,))
    stage.shell(ACTIVE, "pcs resource op defaults", expect=("timeout[=:] ?60s",))


def play_apache(scene: Scene) -> None:
    """Put Apache under the cluster's care, at first apart from the address (rows 13 and 14)."""
    stage = scene.stage
    stage.chapter("13", "Apache")
    for node in (ACTIVE, PASSIVE):
        stage.shell(node, WRITE_STATUS_CONF)
        stage.shell(node, "echo '<p> hello world <p>' > /var/www/html/index.html")
    stage.shell(
        ACTIVE,
        "pcs resource create WebService ocf:heartbeat:apache "
        "configfile=/etc/httpd/conf/httpd.conf "
        'statusurl="http://localhost/server-status" op monitor interval=1min',
        unexpected=("Error",),
    )
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(
            r"VirtualIP\s+.*Started worker2",
            r"WebService\s+\(ocf::heartbeat:apache\):\s+Started worker1",
        ),
        seconds=STARTED_SECONDS,
        means="As in the notes: the address on worker2, the web server on worker1.",
    )
    stage.chapter("14", "Together: colocation")
    stage.shell(ACTIVE, "pcs constraint", expect=("Colocation Constraints:",))
    stage.shell(ACTIVE, "pcs constraint colocation add WebService with VirtualIP INFINITY")
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(r"VirtualIP\s+.*Started worker2", r"WebService\s+.*Started worker2"),
        seconds=STARTED_SECONDS,
    )
    stage.shell(ACTIVE, "pcs constraint", expect=(r"WebService with VirtualIP \(score:INFINITY\)",))
    stage.until(
        CLIENT,
        f"curl -s -m 2 http://{VIRTUAL_ADDRESS}/",
        expect=("hello world",),
        means="The client gets the page at the virtual address.",
    )


def play_order(scene: Scene) -> None:
    """Order the two (row 15)."""
    stage = scene.stage
    stage.chapter("15", "First the address, then the web server")
    stage.shell(
        PASSIVE,
        "pcs constraint order VirtualIP then WebService",
        expect=(
            r"^Adding VirtualIP WebService \(kind: Mandatory\) "
            r"\(Options: first-action=start then-action=start\)",
        ),
    )
    stage.shell(
        PASSIVE,
        "pcs constraint",
        expect=(r"^  start VirtualIP then start WebService \(kind:Mandatory\)",),
    )


def play_location(scene: Scene) -> None:
    """Prefer a node, then force a move, there and back again (row 16)."""
    stage = scene.stage
    stage.chapter("16", "Preferences and forced moves")
    stage.shell(PASSIVE, "pcs constraint location WebService prefers worker2=50")
    stage.shell(PASSIVE, "pcs constraint", expect=(r"^    Enabled on: worker2 \(score:50\)",))
    stage.shell(PASSIVE, "pcs constraint location WebService prefers worker2=INFINITY")
    stage.shell(PASSIVE, "pcs constraint", expect=(r"Enabled on: worker2 \(score:INFINITY\)",))
    stage.say("They are on worker2 already. To see them move, worker1 is forced:")
    stage.shell(PASSIVE, "pcs constraint remove location-WebService-worker2-INFINITY")
    with stage.fail_over(
        "forced move to worker1, address and Apache",
        scene.watch_page,
        "Apache's agent needs 2.1 s to stop",
    ):
        stage.shell(PASSIVE, "pcs constraint location WebService prefers worker1=INFINITY")
        stage.until(
            PASSIVE,
            "pcs status",
            expect=(r"VirtualIP\s+.*Started worker1", r"WebService\s+.*Started worker1"),
            seconds=STARTED_SECONDS,
            means="Both moved: where the one must go, the other goes.",
        )
    stage.shell(
        PASSIVE,
        "paceline why WebService",
        expect=("worker1", "location-WebService-worker1-INFINITY"),
        means="And this is why, in words.",
    )
