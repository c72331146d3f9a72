"""Rows 18 to 20 of the notes: Apache does not start, a shared disk, power cuts, STONITH."""

from paceline.lab.demo.scene import ACTIVE, NODES, PASSIVE, VIRTUAL_ADDRESS, Scene

STARTED_SECONDS = 20
RECOVERED_SECONDS = 30
SHARED_FOLDER = "/srv/shared"


def play_broken_apache(scene: Scene) -> None:
    """Break Apache's pid file as the notes met it, and see what is said of it (row 18)."""
    stage = scene.stage
    stage.chapter("18", "Apache does not start")
    stage.say(
        """
        The pid file is to be written into a folder that does not exist. The notes' cure is a `sed`
        over the agent's apache-conf.sh; today's agent has no line that it would change.
        """
    )
    for node in NODES:
        stage.shell(
            node,
            "cp /etc/httpd/conf/httpd.conf /etc/httpd/conf/httpd.conf.good && "
            r"sed -i 's,^PidFile.*,PidFile /run/no-such-folder/httpd.pid,' "
            "/etc/httpd/conf/httpd.conf",
        )
    stage.shell(ACTIVE, "pcs resource disable WebService")
    stage.until(ACTIVE, "pcs status", expect=(r"WebService\s+.*Stopped",), is_shown=False)
    stage.shell(ACTIVE, "pcs resource enable WebService")
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(r"WebService\s+.*(FAILED|Stopped)", r"WebService_start_0 on worker\d"),
        seconds=RECOVERED_SECONDS,
    )
    stage.shell(
        ACTIVE,
        "paceline why WebService",
        expect=("start", "no-such-folder|PidFile|pid|exit"),
        means="The agent's own words, its exit status, and where to look.",
    )
    for node in NODES:
        stage.shell(node, "mv /etc/httpd/conf/httpd.conf.good /etc/httpd/conf/httpd.conf")
    stage.shell(ACTIVE, "pcs resource cleanup WebService", expect=("WebService",))
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(r"WebService\s+.*Started worker\d",),
        unexpected=("Failed Resource Actions",),
        seconds=RECOVERED_SECONDS,
    )


def play_shared_disk(scene: Scene) -> None:
    """Mount the shared disk, on one node only (row 19)."""
    stage = scene.stage
    stage.chapter("19", "The shared disk")
    if not scene.shared_image:
        stage.say(f"Left out here: {scene.shared_image_reason}")
        return
    stage.shell(ACTIVE, f"mkfs.ext4 -q {scene.shared_image}", means="Once, on one node.")
    stage.shell(
        ACTIVE,
        f"pcs resource create SharedDisk ocf:heartbeat:Filesystem device={scene.shared_image} "
        f"directory={SHARED_FOLDER} fstype=ext4",
        unexpected=("Error",),
    )
    stage.until(
        ACTIVE, "pcs status", expect=(r"SharedDisk\s+.*Started worker\d",), seconds=STARTED_SECONDS
    )
    first = find_mount(scene)
    stage.shell(first, f"echo 'written on {first}' > {SHARED_FOLDER}/note")
    second = other_node(first)
    stage.shell(ACTIVE, f"pcs constraint location SharedDisk prefers {second}=INFINITY")
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(rf"SharedDisk\s+.*Started {second}",),
        seconds=STARTED_SECONDS,
        is_shown=False,
    )
    stage.hold(
        "the shared disk",
        find_mount(scene) == second,
        expected=f"mounted on {second} only",
        came="mounted elsewhere",
    )
    stage.shell(
        second,
        f"cat {SHARED_FOLDER}/note",
        expect=(f"written on {first}",),
        means="The disk went over with what was written on it, and was never mounted twice.",
    )
    stage.shell(ACTIVE, "pcs resource delete SharedDisk")


def find_mount(scene: Scene) -> str:
    """Return the one node on which the shared disk is mounted. Raises StepFailedError."""
    mounted = [
        node
        for node in NODES
        if scene.shared_image
        in scene.stage.shell(node, f"findmnt -n -o SOURCE,TARGET {SHARED_FOLDER}", status=None)
    ]
    scene.stage.hold(
        "the shared disk", len(mounted) == 1, expected="mounted on one node", came=str(mounted)
    )
    return mounted[0]


def play_power_cut(scene: Scene) -> None:
    """Cut the active node's power, without fencing; it boots and rejoins by itself."""
    stage = scene.stage
    stage.chapter("+", "Power cut")
    active = find_active(scene)
    survivor = other_node(active)
    stage.say(
        f"""
        Everything on {active} is killed at once. Corosync has to notice: with token 1000 that takes
        2.04 to 2.25 s; what Paceline and the agents add is the rest.
        """
    )
    with stage.fail_over(f"power cut of {active}, address and Apache", scene.watch_page):
        scene.crash(active)
        stage.until(
            survivor,
            "pcs status",
            expect=(rf"WebService\s+.*Started {survivor}", rf"OFFLINE: \[ {active} \]"),
            seconds=RECOVERED_SECONDS,
        )
    scene.boot(active)
    stage.until(
        survivor,
        "pcs status",
        expect=(r"Online: \[ worker1 worker2 \]", rf"WebService\s+.*Started {survivor}"),
        seconds=RECOVERED_SECONDS,
        means=f"{active} was enabled: it boots, rejoins by itself, and nothing moves back.",
    )


def play_fencing(scene: Scene) -> None:
    """Turn fencing on with a device that really kills nodes, and cut a node's power (row 20)."""
    stage = scene.stage
    stage.chapter("20", "STONITH: a lost node is switched off before its services are started anew")
    for node in NODES:
        stage.shell(
            ACTIVE,
            f"pcs stonith create fence-{node} fence_lab plug={node} pcmk_host_list={node} "
            "op monitor interval=60s",
            unexpected=("Error",),
        )
    stage.shell(ACTIVE, "pcs property set stonith-enabled=true")
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(
            r"fence-worker1\s+\(stonith:fence_lab\):\s+Started",
            r"fence-worker2\s+\(stonith:fence_lab\):\s+Started",
        ),
        unexpected=("No stonith devices",),
        seconds=STARTED_SECONDS,
    )
    active = find_active(scene)
    survivor = other_node(active)
    stage.say(
        f"""
        {active}'s power is cut again. {survivor} may not believe that it is off: it has it switched
        off first, and takes over when the device says that it is.
        """
    )
    with stage.fail_over(
        f"power cut of {active} with fencing on", scene.watch_page, "fenced before recovery"
    ):
        scene.crash(active)
        stage.until(
            survivor,
            "pcs status",
            expect=(rf"WebService\s+.*Started {survivor}",),
            seconds=RECOVERED_SECONDS,
        )
    stage.until(
        survivor,
        "pcs stonith history",
        expect=(rf"{active}",),
        means=f"{survivor} had {active} switched off, and only then took over.",
    )
    stage.until(
        survivor,
        "pcs status",
        expect=(r"Online: \[ worker1 worker2 \]",),
        seconds=RECOVERED_SECONDS,
        means="The fence device rebooted it; it is back.",
    )


def find_active(scene: Scene) -> str:
    """Return the node that has the virtual address. Raises StepFailedError where none has."""
    for node in NODES:
        answer = scene.stage.run_in_node(node, "ip -4 -brief addr show dev ens33", "", 10)
        if VIRTUAL_ADDRESS in answer.out:
            return node
    scene.stage.hold("the virtual address", False, expected="on one node", came="on none")
    return ACTIVE


def other_node(node: str) -> str:
    """Return the other one of the two."""
    return PASSIVE if node == ACTIVE else ACTIVE
