"""The root of the document: counts, origin, and what a new cluster needs."""

import pytest

from paceline.model.identifiers import NodeId, NodeName
from paceline.model.status import ChangeOrigin
from paceline.replica.cib_root import EMPTY_CIB, EpochError, bootstrap, stamp

ORIGIN = ChangeOrigin(time_ms=1_627_343_776_000, user="root", client="cibadmin", node="worker1")


def document(admin: int = 0, epoch: int = 5) -> bytes:
    return f'<cib admin_epoch="{admin}" epoch="{epoch}" num_updates="9"/>'.encode()


def test_epoch_is_counted_on_and_the_origin_written_in() -> None:
    stamped = stamp(document(), document(), ORIGIN, 0)
    for piece in (
        b'epoch="6"',
        b'num_updates="0"',
        b'update-user="root"',
        b'update-client="cibadmin"',
        b'update-origin="worker1"',
        b'cib-last-written="Mon Jul 26 23:56:16 2021"',
    ):
        assert piece in stamped


def test_higher_admin_epoch_is_taken_as_it_is() -> None:
    stamped = stamp(document(admin=1, epoch=0), document(), ORIGIN, 0)
    assert b'admin_epoch="1"' in stamped and b' epoch="0"' in stamped


@pytest.mark.parametrize("new", [document(epoch=4), document(admin=0, epoch=0)])
def test_lower_counts_are_refused(new: bytes) -> None:
    with pytest.raises(EpochError) as refused:
        stamp(new, document(), ORIGIN, 0)
    assert refused.value.code == "epoch-lower"


@pytest.mark.parametrize(
    ("new", "code"), [(b"<cib", "not-xml"), (b"<other/>", "not-a-cib"), (b"", "not-xml")]
)
def test_what_is_no_cib_is_refused(new: bytes, code: str) -> None:
    with pytest.raises(EpochError) as refused:
        stamp(new, document(), ORIGIN, 0)
    assert refused.value.code == code


def test_status_is_no_part_of_the_configuration() -> None:
    with_status = b'<cib epoch="5"><configuration/><status><node_state/></status></cib>'
    assert b"status" not in stamp(with_status, document(), ORIGIN, 0)


def test_new_cluster_gets_its_nodes_and_properties_once() -> None:
    nodes = ((NodeId(1), NodeName("worker1")), (NodeId(2), NodeName("worker2")))
    made = bootstrap(EMPTY_CIB, nodes=nodes, cluster_name="baek_cluster", version="0.1.0")
    assert made is not None
    assert b'<node id="1" uname="worker1"/>' in made
    assert b'name="cluster-name" value="baek_cluster"' in made
    again = bootstrap(made, nodes=nodes, cluster_name="baek_cluster", version="0.1.0")
    assert again is None


def test_known_node_is_kept_as_it_is_when_others_come() -> None:
    nodes = ((NodeId(1), NodeName("worker1")),)
    made = bootstrap(EMPTY_CIB, nodes=nodes, cluster_name="", version="0.1.0")
    assert made is not None
    grown = bootstrap(
        made,
        nodes=(*nodes, (NodeId(2), NodeName("worker2"))),
        cluster_name="",
        version="0.1.0",
    )
    assert grown is not None
    assert grown.count(b"<node ") == 2 and b"cluster-name" not in grown
