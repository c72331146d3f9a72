"""Rows 4 to 8 of the notes: setup, start, Corosync's own tools, status, verify."""

from paceline.lab.demo.scene import ACTIVE, PASSIVE, Scene


def play_setup(scene: Scene) -> None:
    """Make the cluster and start it (rows 4 and 5)."""
    stage = scene.stage
    stage.chapter("4, 5", "A cluster is made, and started")
    stage.shell(
        ACTIVE,
        "pcs cluster setup --name baek_cluster worker1 worker2 --token 1000",
        expect=(
            "worker1: Successfully destroyed cluster",
            "worker2: Succe",
            r"pacemaker_remote authkey",
        ),
        unexpected=("Error",),
        means="corosync.conf with encryption and both networks, keys and certificates, on both.",
    )
    stage.shell(
        ACTIVE,
        "pcs cluster start --all",
        expect=(
            r"worker1: Starting Cluster \(corosync\)",
            r"worker2: Starting Cluster \(pacemaker\)",
        ),
    )
    stage.shell(ACTIVE, "systemctl enable corosync && systemctl enable pacemaker")
    stage.shell(
        PASSIVE,
        "pcs cluster enable",
        means="Both come back by themselves after a reboot.",
    )


def play_membership(scene: Scene) -> None:
    """Ask Corosync's own tools, then ours (rows 6 and 7)."""
    stage = scene.stage
    stage.chapter("6, 7", "Who is a member?")
    stage.until(
        ACTIVE,
        "corosync-cfgtool -s",
        expect=(
            r"addr\s+= 192\.168\.222\.31",
            r"addr\s+= 172\.16\.1\.31",
            r"nodeid:\s+2:\s+connected",
        ),
        means="Both links are connected (these are the words of Corosync 3.1).",
    )
    stage.until(
        ACTIVE,
        "corosync-cmapctl | egrep -i members",
        expect=(r"members\.1\.status \(str\) = joined", r"members\.2\.status \(str\) = joined"),
    )
    stage.until(
        ACTIVE,
        "pcs status corosync",
        expect=(r"^\s+1\s+1 worker1 \(local\)", r"^\s+2\s+1 worker2"),
    )
    stage.until(
        ACTIVE,
        "pcs status",
        expect=(
            "Cluster name: baek_cluster",
            "No stonith devices and stonith-enabled is not false",
            "Stack: corosync",
            r"Current DC: worker\d \(version .*\) - partition with quorum",
            r"2 nodes configured",
            r"Online: \[ worker1 worker2 \]",
            r"pacemaker: active/enabled",
        ),
        means="The status of the notes, and true: version, times and states are this cluster's.",
    )


def play_verify(scene: Scene) -> None:
    """Let the configuration be checked, and switch fencing off as the notes do (row 8)."""
    stage = scene.stage
    stage.chapter("8", "Is the configuration valid?")
    stage.shell(
        ACTIVE,
        "crm_verify -L -V",
        status=None,
        expect=(
            "error: unpack_resources:\\s+Resource start-up disabled since no STONITH resources",
            "Either configure some or disable STONITH with the stonith-enabled option",
            "NOTE: Clusters with shared data need STONITH to ensure data integrity",
            "Errors found during check: config not valid",
        ),
    )
    stage.shell(
        ACTIVE, "pcs property set stonith-enabled=false", means="For now; chapter 20 turns it on."
    )
    stage.shell(ACTIVE, "crm_verify -L -V", unexpected=("error",), means="Valid.")
