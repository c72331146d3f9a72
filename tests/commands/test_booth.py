"""booth: its files on this machine and on others, its resources, its tickets."""

import pytest
from tests.commands.cluster_line import ClusterLine, make_cluster
from tests.commands.command_line import AgentsInMemory, CibInMemory, FilesInMemory

from paceline.ports.daemon import JsonRecord
from paceline.ports.node_calls import FileName

PEERS = "sites 10.0.0.1 10.0.0.2 arbitrators 10.0.0.3"
CONF = """authfile = /etc/booth/booth.key
site = 10.0.0.1
site = 10.0.0.2
arbitrator = 10.0.0.3
"""
CIB = """<cib epoch="1"><configuration><crm_config/><nodes><node id="1" uname="n1"/>
<node id="2" uname="n2"/></nodes><resources/><constraints/></configuration><status/></cib>"""
KEY = (FileName.BOOTH_KEY, "booth.key")
FILE = (FileName.BOOTH_CONFIG, "booth")


class Tickets:
    """A daemon that is asked about tickets only."""

    def __init__(self) -> None:
        self.asked: list[JsonRecord] = []

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        self.asked.append(request)
        return {"ok": request.get("ticket") != "T9", "message": "there is no such ticket"}


class Archives:
    """Files that only their owner may read, by path."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}

    def write(self, path: str, content: bytes, *, replaces: bool = False) -> None:
        self.contents[path] = content


class Story:
    """n1 and n2 are a cluster, `arbiter` a host beside it."""

    def __init__(self) -> None:
        self.network = make_cluster("n1", "n2", others=("arbiter",))
        self.cib, self.tickets, self.archives = CibInMemory(CIB), Tickets(), Archives()
        self.files = FilesInMemory()
        self.pcs = ClusterLine(
            self.network,
            "n1",
            cib=self.cib,
            daemon=self.tickets,
            agents=AgentsInMemory(),
            open_report_files=lambda: self.archives,
        )

    def content(self, name: str = "n1") -> str:
        """Return the configuration on a node."""
        return self.network.nodes[name].more_files[FILE].decode()


@pytest.fixture
def story() -> Story:
    """A formation that is set up on n1."""
    story = Story()
    story.pcs.ok(f"booth setup {PEERS}")
    return story


def test_setup_writes_configuration_and_key(story: Story) -> None:
    assert story.content() == CONF
    assert len(story.network.nodes["n1"].more_files[KEY]) == 64
    assert story.pcs.ok("booth config") == CONF


def test_setup_replaces_files_only_when_forced(story: Story) -> None:
    err = story.pcs.refused(f"booth setup {PEERS}")
    assert "Booth key file '/etc/booth/booth.key' already exists, use --force" in err
    story.pcs.ok("booth setup sites 1.1.1.1 2.2.2.2 3.3.3.3 --force")
    assert "site = 3.3.3.3" in story.content()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("sites 1.1.1.1", "lack of sites for booth configuration (need 2 at least)"),
        ("sites 1.1.1.1 2.2.2.2", "odd number of peers is required (entered 2 peers)"),
        ("sites 1.1.1.1 1.1.1.1 arbitrators 3.3.3.3", "duplicate address for booth configuration"),
        ("sites 1.1.1.1 2.2.2.2 'a b'", "'a b' cannot be an address"),
        ("sites 1 2 3 --name=a/b", "booth name 'a/b' is not valid, it cannot contain /"),
        ("sites 1 2 3 --booth-conf=x", "When --booth-conf is specified, --booth-key must be"),
        ("arbitrators 1", "Usage"),
    ],
)
def test_wrong_words_set_nothing_up(words: str, message: str) -> None:
    story = Story()
    assert message in story.pcs.refused(f"booth setup {words}")
    assert not story.network.nodes["n1"].more_files


def test_tickets_are_added_and_removed(story: Story) -> None:
    story.pcs.ok("booth ticket add T1 timeout=2 expire=600 before-acquire-handler='/bin/true x'")
    story.pcs.ok("booth ticket add T2")
    assert story.content() == CONF + (
        'ticket = "T1"\n  before-acquire-handler = "/bin/true x"\n  expire = 600\n'
        '  timeout = 2\nticket = "T2"\n'
    )
    story.pcs.ok("booth ticket delete T1")
    assert story.content() == CONF + 'ticket = "T2"\n'


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("add T1", "booth ticket name 'T1' already exists in configuration"),
        ("add a+b", "booth ticket name 'a+b' is not valid, use up to 63 alphanumeric"),
        (
            "add T2 foo=bar",
            "invalid booth ticket option 'foo', allowed options are: 'acquire-after'",
        ),
        ("add T2 port=1 --force", "invalid booth ticket option 'port'"),
        ("add T2 expire=", "expire cannot be empty"),
        ("remove T9", "booth ticket name 'T9' does not exist"),
    ],
)
def test_wrong_tickets_change_nothing(story: Story, words: str, message: str) -> None:
    story.pcs.ok("booth ticket add T1")
    before = story.content()
    assert message in story.pcs.refused(f"booth ticket {words}")
    assert story.content() == before


def test_files_that_are_named_stand_for_those_of_the_node() -> None:
    story = Story()
    pcs = ClusterLine(
        story.network, "n1", files=story.files, open_report_files=lambda: story.archives
    )
    pcs.ok(f"booth setup {PEERS} --booth-conf=b.conf --booth-key=b.key")
    pcs.ok("booth ticket add T1 --booth-conf=b.conf --booth-key=b.key")
    assert story.files.texts["b.conf"].startswith("authfile = b.key\n")
    assert story.files.texts["b.conf"].endswith('ticket = "T1"\n')
    assert list(story.archives.contents) == ["/b.key"]
    assert not story.network.nodes["n1"].more_files


def test_sync_sends_both_files_to_the_cluster(story: Story) -> None:
    story.pcs.ok("booth sync")
    assert story.content("n2") == CONF
    assert story.network.nodes["n2"].more_files[KEY] == story.network.nodes["n1"].more_files[KEY]


def test_pull_takes_them_from_another_node(story: Story) -> None:
    arbiter = story.network.nodes["arbiter"]
    arbiter.more_files = dict(story.network.nodes["n1"].more_files)
    story.pcs.ok("booth ticket add T1")
    assert story.pcs.ok("booth config arbiter") == CONF
    story.pcs.ok("booth pull arbiter")
    assert story.content() == CONF
    arbiter.more_files.clear()
    assert "there is no booth configuration 'booth'" in story.pcs.refused("booth pull arbiter")


def test_booth_is_made_a_resource_and_deleted(story: Story) -> None:
    story.pcs.ok("booth create ip 10.0.0.1 --force")
    text = story.cib.document.decode()
    for made in ('id="booth-booth-group"', 'value="10.0.0.1"', 'value="/etc/booth/booth.conf"'):
        assert made in text
    assert "is already created as cluster resource" in story.pcs.refused("booth create ip 1.1.1.1")
    assert "is used in a cluster resource" in story.pcs.refused("booth destroy")
    story.pcs.ok("booth delete")
    assert "booth" not in story.cib.document.decode()
    assert "booth instance 'booth' not found in cib" in story.pcs.refused("booth remove")
    story.pcs.ok("booth destroy")
    assert not story.network.nodes["n1"].more_files


def test_a_ticket_is_granted_to_the_site_that_is_named_or_to_this_one(story: Story) -> None:
    assert "cannot determine local site ip" in story.pcs.refused("booth ticket grant T1")
    story.pcs.ok("booth create ip 10.0.0.1 --force")
    story.pcs.ok("booth ticket grant T1")
    story.pcs.ok("booth ticket revoke T1 10.0.0.2")
    assert story.network.log == [
        "n1: booth grant booth T1 10.0.0.1",
        "n1: booth revoke booth T1 10.0.0.2",
    ]


def test_what_booth_says_is_told(story: Story) -> None:
    assert story.pcs.ok("booth status").splitlines() == [
        "TICKETS:", "list of booth", "PEERS:", "peers of booth", "DAEMON STATUS:",
        "status of booth",
    ]  # fmt: skip
    story.network.nodes["n1"].broken.add("booth")
    err = story.pcs.refused("booth ticket grant T1 10.0.0.2")
    assert (
        "unable to grant booth ticket 'T1' for site '10.0.0.2', reason: it does not answer" in err
    )


def test_this_clusters_part_of_a_ticket_is_marked(story: Story) -> None:
    story.pcs.ok("booth ticket standby T1")
    story.pcs.ok("booth ticket cleanup T1")
    first, second = story.tickets.asked
    assert (first["values"], first["remove"]) == ({"standby": "true"}, False)
    assert second["remove"] is True
    assert "there is no such ticket" in story.pcs.refused("booth ticket unstandby T9")


def test_the_service_of_a_formation_is_switched(story: Story) -> None:
    assert story.pcs.ok("booth enable --name shop") == "booth@shop enabled\n"
    story.pcs.ok("booth start")
    assert story.network.log == ["n1: enable booth@shop", "n1: start booth@booth"]
