"""A corosync.conf shown and changed: settings, the quorum device, the cluster's id."""

import json

from tests.commands.command_line import CommandLine

CONF = """totem {
    version: 2
    cluster_name: demo
    transport: knet
    crypto_cipher: aes256
    crypto_hash: sha256
}

nodelist {
    node {
        ring0_addr: 10.0.0.1
        name: n1
        nodeid: 1
    }

    node {
        ring0_addr: 10.0.0.2
        name: n2
        nodeid: 2
    }
}

quorum {
    provider: corosync_votequorum
    two_node: 1
}
"""
HERE = "--corosync_conf=c.conf"
ADD_DEVICE = f"quorum device add model net host=q algorithm=ffsplit {HERE}"


def with_conf() -> CommandLine:
    """Return a prompt beside a corosync.conf of two nodes."""
    pcs = CommandLine()
    pcs.files.texts["c.conf"] = CONF
    return pcs


def test_settings_are_shown_as_the_command_that_makes_them() -> None:
    out = with_conf().ok(f"cluster config show --output-format=cmd {HERE}")
    assert out.startswith("pcs cluster setup demo \\\n  n1 addr=10.0.0.1 \\\n")
    assert out.endswith("--no-cluster-uuid\n")


def test_settings_are_shown_for_programs() -> None:
    pcs = with_conf()
    pcs.ok(ADD_DEVICE)
    record = json.loads(pcs.ok(f"cluster config --output-format=json {HERE}"))
    assert record["crypto_options"] == {"cipher": "aes256", "hash": "sha256"}
    assert record["nodes"][1]["addrs"] == [{"addr": "10.0.0.2", "link": "0", "type": "IPv4"}]
    assert record["quorum_device"]["model_options"] == {"algorithm": "ffsplit", "host": "q"}


def test_device_takes_the_place_of_two_node_and_gives_it_back() -> None:
    pcs = with_conf()
    pcs.ok(ADD_DEVICE)
    text = pcs.files.texts["c.conf"]
    assert "two_node" not in text
    assert "votes: 1" in text
    pcs.ok(f"quorum device remove {HERE}")
    assert pcs.files.texts["c.conf"] == CONF


def test_all_wrong_options_of_a_device_are_reported() -> None:
    pcs = with_conf()
    status, _out, err = pcs(
        "quorum device add model net host=q algorithm=lms tie_breaker=7 connect_timeout=5 "
        f"heuristics mode=maybe exec_a.b=x {HERE}"
    )
    assert status == 1
    for part in ("'1', '2', 'highest', 'lowest'", "1000..120000", "'maybe'", "'exec_a.b'"):
        assert part in err
    assert pcs.files.texts["c.conf"] == CONF


def test_encryption_without_authentication_is_refused() -> None:
    pcs = with_conf()
    assert pcs(f"cluster config update crypto hash=none {HERE}")[0] == 1
    pcs.ok(f"cluster config update crypto hash=none cipher=none totem token=5000 {HERE}")
    assert "crypto_hash: none" in pcs.files.texts["c.conf"]


def test_window_without_last_man_standing_is_refused() -> None:
    pcs = with_conf()
    status, _out, err = pcs(f"quorum update last_man_standing_window=500 {HERE}")
    assert (status, "'last_man_standing' must be enabled" in err) == (1, True)
    pcs.ok(f"quorum update last_man_standing=1 last_man_standing_window=500 {HERE}")


def test_dry_run_shows_the_file_as_it_would_be_and_leaves_it() -> None:
    pcs = with_conf()
    out = pcs.ok(f"cluster config update totem token=5000 {HERE} --dry-run")
    assert "+    token: 5000" in out
    assert pcs.files.texts["c.conf"] == CONF
