"""Agents of real services that ask our low-level tools: nginx, redis, ping, Filesystem."""

import os
from collections.abc import Iterator

import pytest
from conftest import need_lab
from real_things import need_programs, run, settle, status, wait_until

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab, Member

pytestmark = [pytest.mark.lab, pytest.mark.large]

NGINX_CONF = """user www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 64; }
http { access_log off; server { listen 80; root /srv/www; } }
"""
REDIS_CONF = """bind 0.0.0.0
protected-mode no
dir /var/lib/redis
save ""
appendonly yes
"""
DEAFEN = (
    "nft add table inet deaf; "
    "nft 'add chain inet deaf in { type filter hook input priority 0; }'; "
    "nft add rule inet deaf in icmp type echo-reply drop"
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes without resources."""
    need_lab()
    with Lab("real-agents", nodes=2) as lab:
        set_up(lab, lambda line: None)
        run(lab.node("worker1"), "pcs property set stonith-enabled=false")
        yield lab


@pytest.fixture(autouse=True)
def emptied(lab: Lab) -> Iterator[None]:
    """Leave no resource behind, so that the next story begins with none."""
    yield
    node = lab.node("worker1")
    node.shell("for name in $(crm_resource -l | cut -d: -f1 | sort -u); do "
               "pcs resource delete $name; done")  # fmt: skip
    settle(node)


def place(lab: Lab, resource: str) -> str:
    return lab.node("worker1").shell(f"crm_resource -Q -W -r {resource}").out.strip()


def write(node: Member, path: str, text: str) -> None:
    run(node, f"mkdir -p $(dirname {path}); cat > {path} <<'END'\n{text}END")


def test_nginx_serves_and_comes_back_on_the_other_node(lab: Lab) -> None:
    need_programs("/usr/sbin/nginx")
    for node in lab.nodes:
        write(node, "/etc/nginx.conf", NGINX_CONF)
        write(node, "/srv/www/index.html", f"page of {node.name}\n")
        run(node, "mkdir -p /var/log/nginx /var/lib/nginx")
    one = lab.node("worker1")
    run(one, "pcs resource create web ocf:heartbeat:nginx configfile=/etc/nginx.conf "
             "op monitor interval=2s")  # fmt: skip
    settle(one)
    first = lab.node(place(lab, "web"))
    assert lab.client.shell(f"curl -s http://{first.address}/").out == f"page of {first.name}\n"
    run(one, f"pcs node standby {first.name} --wait=60")
    second = lab.node(place(lab, "web"))
    assert second.name != first.name
    assert lab.client.shell(f"curl -s http://{second.address}/").out == f"page of {second.name}\n"
    run(one, f"pcs node unstandby {first.name} --wait=60")


def test_redis_replicates_and_the_replica_is_promoted_when_the_primary_dies(lab: Lab) -> None:
    need_programs("/usr/bin/redis-server", "/usr/bin/redis-cli")
    for node in lab.nodes:
        write(node, "/etc/redis.conf", REDIS_CONF)
        run(node, "mkdir -p /var/lib/redis; chown redis /var/lib/redis")
    one = lab.node("worker1")
    run(one, "pcs resource create db ocf:heartbeat:redis config=/etc/redis.conf "
             "op monitor interval=2s role=Promoted op monitor interval=3s role=Unpromoted "
             "promotable notify=true")  # fmt: skip

    def role(node: Member) -> str:
        out = node.shell("redis-cli info replication").out
        return "up" if "master_link_status:up" in out else "master" if "role:master" in out else ""

    def primary() -> Member | None:
        return next((node for node in lab.nodes if role(node) == "master"), None)

    settle(one)
    wait_until(lambda: sorted(map(role, lab.nodes)) == ["master", "up"], lambda: status(lab))
    first = primary()
    assert first is not None
    other = next(node for node in lab.nodes if node.name != first.name)
    assert run(first, "redis-cli set answer 42; redis-cli wait 1 5000").split() == ["OK", "1"]
    lab.crash(first.name)
    wait_until(lambda: role(other) == "master", lambda: status(lab))
    assert run(other, "redis-cli get answer").strip() == "42"
    lab.boot(first.name)
    wait_until(lambda: role(first) == "up", lambda: status(lab))
    assert run(first, "redis-cli get answer").strip() == "42"


def test_ping_writes_its_score_and_a_rule_follows_it(lab: Lab) -> None:
    one = lab.node("worker1")
    run(one, f"pcs resource create ping ocf:pacemaker:ping host_list={lab.client.address} "
             "dampen=1s multiplier=100 attempts=1 timeout=1 op monitor interval=1s "
             "clone")  # fmt: skip
    run(one, "pcs resource create d ocf:heartbeat:Dummy")
    run(one, "pcs constraint location d rule score=-INFINITY pingd lt 1 or not_defined pingd")
    settle(one)
    here = place(lab, "d")
    query = "attrd_updater -n pingd -Q -A"
    assert run(one, query).splitlines() == [
        f'name="pingd" host="{node.name}" value="100"' for node in lab.nodes
    ]
    run(lab.node(here), DEAFEN)
    wait_until(lambda: place(lab, "d") not in ("", here), lambda: status(lab))
    assert f'host="{here}" value="0"' in run(one, query)
    run(lab.node(here), "nft delete table inet deaf")


@pytest.mark.skipif(os.geteuid() != 0, reason="loop devices need root")
def test_file_system_is_mounted_on_one_node_and_moves_with_what_is_in_it(lab: Lab) -> None:
    one = lab.node("worker1")
    if not one.shell("test -b /dev/vdb").is_ok:
        pytest.skip("the lab's nodes share no disk here")
    run(one, "mkfs.ext4 -q -F /dev/vdb")
    run(one, "pcs resource create fs ocf:heartbeat:Filesystem device=/dev/vdb directory=/mnt/data "
             "fstype=ext4 op monitor interval=5s")  # fmt: skip
    settle(one)
    first = lab.node(place(lab, "fs"))
    run(first, "echo kept > /mnt/data/note")
    run(one, f"pcs resource ban fs {first.name} --wait=60")
    second = lab.node(place(lab, "fs"))
    assert second.name != first.name
    assert run(second, "cat /mnt/data/note").strip() == "kept"
    assert not first.shell("mountpoint -q /mnt/data").is_ok
    run(one, "pcs resource clear fs")
