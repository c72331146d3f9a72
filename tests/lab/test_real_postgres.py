"""Two PostgreSQL servers in synchronous streaming replication: the primary's machine dies.

Every row that a client was told to be committed is there on the promoted standby.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import need_lab
from real_things import need_programs, run, settle, status, wait_until

from paceline.lab.cluster import set_up
from paceline.lab.lab import Lab, Member

pytestmark = [pytest.mark.lab, pytest.mark.large]

PGDATA = "/var/lib/postgresql/data"
ADDRESS = "192.168.222.40"
AS_POSTGRES = "su postgres -s /bin/sh -c"
WRITER = """
echo $$ > /tmp/writer.pid
i=0
while [ $i -lt 100000 ]; do
    i=$((i + 1))
    psql -h {address} -U postgres -qtAX -c "insert into rows values ($i)" postgres 2>/dev/null &&
        echo $i >> /tmp/committed
done
"""


def programs() -> Path:
    """Return the folder of the newest server there is; skip where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        need_programs("/usr/lib/postgresql/15/bin/initdb")
    need_programs("/usr/bin/psql", "/usr/lib/ocf/resource.d/heartbeat/pgsql")
    return found[-1].parent


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes; the first holds a fresh database, the second a copy of it."""
    need_lab()
    folder = programs()
    with Lab("real-postgres", nodes=2) as lab:
        set_up(lab, lambda line: None)
        first, second = lab.nodes
        for node in lab.nodes:
            run(node, "mkdir -p /var/lib/postgresql/tmp /run/postgresql && "
                      "chown -R postgres /var/lib/postgresql /run/postgresql")  # fmt: skip
        make_database(first, folder)
        # The standby's disk is filled over the network, as an administrator does it.
        run(first, f"{AS_POSTGRES} '{folder}/pg_ctl -w -D {PGDATA} -l /dev/null start'")
        copy = f"{folder}/pg_basebackup -h {first.address} -U postgres -D {PGDATA} -X stream"
        run(second, f"{AS_POSTGRES} '{copy}'")
        run(first, f"{AS_POSTGRES} '{folder}/pg_ctl -w -D {PGDATA} -m fast stop'")
        make_resources(first, folder)
        yield lab


def make_database(node: Member, folder: Path) -> None:
    run(node, f"{AS_POSTGRES} '{folder}/initdb -D {PGDATA} -A trust --no-locale -E UTF8'")
    settings = (
        "listen_addresses = '*'", "wal_level = replica", "max_wal_senders = 5",
        "hot_standby = on", "wal_keep_size = 64MB", "wal_receiver_status_interval = 2",
        "restart_after_crash = off", "hot_standby_feedback = on", "max_wal_size = 128MB",
    )  # fmt: skip
    text = "\n".join(settings)
    run(node, f"cat >> {PGDATA}/postgresql.conf <<'END'\n{text}\nEND")
    for database in ("all", "replication"):
        line = f"host {database} all 192.168.222.0/24 trust"
        run(node, f"echo '{line}' >> {PGDATA}/pg_hba.conf")


def make_resources(node: Member, folder: Path) -> None:
    run(node, "pcs property set stonith-enabled=false")
    run(node, f"pcs resource create db ocf:heartbeat:pgsql pgctl={folder}/pg_ctl "
              f"psql=/usr/bin/psql pgdata={PGDATA} config={PGDATA}/postgresql.conf "
              "rep_mode=sync node_list='worker1 worker2' restart_on_promote=true "
              f"master_ip={ADDRESS} tmpdir=/var/lib/postgresql/tmp "
              "primary_conninfo_opt='keepalives_idle=60 keepalives_interval=5' "
              "op start timeout=60s op monitor interval=4s timeout=60s "
              "op monitor interval=3s role=Promoted timeout=60s op promote timeout=60s "
              "op demote timeout=60s op stop timeout=60s op notify timeout=60s "
              "promotable notify=true")  # fmt: skip
    run(node, "pcs resource create address ocf:heartbeat:IPaddr2 "
              f"ip={ADDRESS} cidr_netmask=24 op monitor interval=5s")  # fmt: skip
    run(node, "pcs constraint colocation add address with Promoted db-clone INFINITY")
    run(node, "pcs constraint order promote db-clone then start address symmetrical=false score=0")
    settle(node)


def query(node: Member, sql: str) -> str:
    return node.shell(f'psql -U postgres -h 127.0.0.1 -qtAX -c "{sql}" postgres').out.strip()


def is_primary(node: Member) -> bool:
    return query(node, "select pg_is_in_recovery()") == "f"


def has_standby(node: Member) -> bool:
    return "streaming|sync" in query(node, "select state, sync_state from pg_stat_replication")


def primary(lab: Lab) -> Member | None:
    return next((node for node in lab.nodes if is_primary(node)), None)


def test_no_committed_row_is_lost_when_the_primary_s_machine_dies(lab: Lab) -> None:
    wait_until(lambda: any(map(has_standby, lab.nodes)), lambda: status(lab))
    first = primary(lab)
    assert first is not None
    second = next(node for node in lab.nodes if node.name != first.name)
    query(first, "create table rows (number int primary key)")
    writer = WRITER.format(address=ADDRESS)
    run(lab.client, f"cat > /tmp/writer <<'END'\n{writer}END")
    run(lab.client, "rm -f /tmp/committed; setsid sh /tmp/writer >/dev/null 2>&1 </dev/null &")

    def committed() -> int:
        return len(lab.client.shell("cat /tmp/committed 2>/dev/null").out.split())

    wait_until(lambda: committed() >= 50, lambda: status(lab))
    lab.crash(first.name)
    wait_until(lambda: is_primary(second), lambda: status(lab))
    before = committed()
    wait_until(lambda: committed() >= before + 20, lambda: status(lab))
    run(lab.client, "kill $(cat /tmp/writer.pid)")

    told = {int(word) for word in lab.client.shell("cat /tmp/committed").out.split()}
    there = {int(word) for word in query(second, "select number from rows").split()}
    assert told <= there, f"lost: {sorted(told - there)}"
    assert 'value="PRI"' in run(second, f"attrd_updater -n db-status -Q -N {second.name}")
