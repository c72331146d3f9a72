"""The tools that work on the configuration's XML: cibadmin, crm_diff, crm_shadow, crm_rule."""

import pytest
from lxml import etree
from tool_bench import CIB, Bench

from paceline.commands.tools import Said
from paceline.commands.tools_cib import cibadmin
from paceline.commands.tools_diff import crm_diff
from paceline.commands.tools_error import crm_error
from paceline.commands.tools_rule import crm_rule
from paceline.commands.tools_shadow import crm_shadow
from paceline.commands.tools_verify import crm_verify

DUMMY = '<primitive id="B" class="ocf" provider="heartbeat" type="Dummy"/>'


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (("-E",), 107),
        (("-u",), 107),
        (("-u", "--force"), 0),
        (("-B",), 0),
        (("-d", "-X", "<node/>"), 107),
        (("-Q", "-A", "//nothing"), 105),
        (("-R", "-o", "resources", "-X", DUMMY), 105),
        (("-R", "-c", "-o", "resources", "-X", DUMMY), 0),
        (("-C", "-X", DUMMY), 105),
        (("-C", "-o", "resources", "-X", DUMMY), 0),
        (("-C", "-o", "resources", "-X", DUMMY.replace('"B"', '"A"')), 108),
        (("-C", "-o", "resources", "-X", '<primitive id="C"/>'), 78),
        (("-C", "-o", "resources", "-X", "<prim"), 78),
        (("-C", "-o", "resources", "-x", "nowhere"), 78),
        (("-R", "-X", '<cib epoch="1"><configuration/></cib>'), 103),
    ],
)
def test_cibadmin_ends_with_the_status_that_scripts_know(
    words: tuple[str, ...], status: int
) -> None:
    assert Bench().run(cibadmin, *words).status == status


def test_cibadmin_shows_the_paths_of_what_it_finds() -> None:
    said = Bench().run(cibadmin, "-Q", "-A", "//node", "--node-path")
    assert said.out.splitlines() == [
        "/cib/configuration/nodes/node[@id='1']",
        "/cib/configuration/nodes/node[@id='2']",
    ]


def test_patch_of_crm_diff_is_taken_by_cibadmin() -> None:
    bench = Bench()
    bench.files["old"] = CIB
    bench.files["new"] = CIB.replace(b'uname="n2"', b'uname="n22"')
    made = bench.run(crm_diff, "-o", "old", "-n", "new")
    assert made.status == 1
    bench.files["patch"] = made.out.encode()
    assert bench.run(cibadmin, "--patch", "-x", "patch").status == 0
    assert b'uname="n22"' in bench.store.document
    assert bench.run(crm_diff, "-o", "new", "-n", "new").status == 0


STATUS = (
    '<status><node_state id="2" uname="n2"><transient_attributes id="2"><instance_attributes '
    'id="status-2"><nvpair id="status-2-a" name="a" value="1"/>{more}</instance_attributes>'
    '</transient_attributes><lrm id="2">{history}</lrm></node_state></status>'
)


def _patched_status(more: str = "", history: str = "") -> Bench:
    """A running cluster into which a patch of its status was put."""
    bench = Bench()
    old, new = (
        CIB.replace(b"<status/>", STATUS.format(more=words, history=rows).encode())
        for words, rows in (("", ""), (more, history))
    )
    bench.store.document = old
    bench.files |= {"old": old, "new": new}
    bench.files["patch"] = bench.run(crm_diff, "-u", "-o", "old", "-n", "new").out.encode()
    return bench


def test_patch_of_a_running_clusters_status_sets_attributes() -> None:
    bench = _patched_status('<nvpair id="status-2-standby" name="standby" value="on"/>')
    before = bench.store.document
    assert bench.run(cibadmin, "-P", "-x", "patch").status == 0
    assert bench.store.document == before
    assert bench.daemon.asked == [
        {"do": "set-attributes", "node": "n2", "values": {"standby": "on"}}
    ]


def test_patch_does_not_write_what_agents_did() -> None:
    bench = _patched_status(history="<lrm_resources/>")
    said = bench.run(cibadmin, "-P", "-x", "patch")
    assert said.status == 1
    assert "transient attributes can be changed" in said.err
    assert bench.daemon.asked == []


def test_patch_is_refused_when_it_is_for_another_version() -> None:
    bench = Bench()
    bench.files["old"] = CIB.replace(b'epoch="3"', b'epoch="2"')
    bench.files["new"] = CIB.replace(b'uname="n2"', b'uname="n22"')
    bench.files["patch"] = bench.run(crm_diff, "-o", "old", "-n", "new").out.encode()
    assert bench.run(cibadmin, "-P", "-x", "patch").status == 103
    assert bench.store.document == CIB


def test_shadow_copy_is_made_changed_and_committed() -> None:
    bench = Bench({"CIB_shadow": "try", "CIB_shadow_dir": "copies"})
    assert bench.run(crm_shadow, "--create", "try", "--batch").status == 0
    assert bench.run(crm_shadow, "--file").out == "copies/shadow.try"
    assert bench.run(crm_shadow, "--create", "try").status == 108
    assert bench.run(crm_shadow, "--diff").status == 0
    copy = bench.files["copies/shadow.try"]
    bench.files["copies/shadow.try"] = copy.replace(b'uname="n2"', b'uname="n22"')
    assert 'value="n22"' in bench.run(crm_shadow, "--diff").out
    assert bench.run(crm_shadow, "--commit", "try").status != 0
    assert bench.run(crm_shadow, "--commit", "try", "--force").status == 0
    assert b'uname="n22"' in bench.store.document
    bench.run(crm_shadow, "--delete", "try", "--force")
    assert bench.run(crm_shadow, "--display").status == 105


def test_rule_is_in_effect_expired_or_still_to_come() -> None:
    rule = (
        '<rule id="r"><date_expression id="d" operation="in_range" '
        'start="2020-01-01" end="2021-01-01"/></rule>'
    )
    words = ("-c", "-r", "r", "-X", f"<cib>{rule}</cib>", "-d")
    bench = Bench()
    assert bench.run(crm_rule, *words, "2019-05-05").status == 111
    assert bench.run(crm_rule, *words, "2020-05-05").out == "Rule r is still in effect"
    assert bench.run(crm_rule, *words, "2022-05-05").status == 110
    assert bench.run(crm_rule, "-c", "-r", "other").status == 105


def test_what_could_not_be_created_is_shown() -> None:
    element = '<primitive id="A" class="ocf" provider="heartbeat" type="Dummy"/>'
    said = Bench().run(cibadmin, "-C", "-o", "resources", "-X", element)
    assert (said.status, said.err) == (108, "Call failed: File exists")
    assert '<failed_update id="A" object_type="primitive" operation="cib_create"' in said.out


def test_digest_of_a_document_is_printed() -> None:
    bench = Bench()
    bench.files["empty"] = b"<cib/>"
    for letter in "56":
        said = bench.run(cibadmin, f"-{letter}", "-x", "empty")
        assert said == Said("9da2e159fcd5d580a06068e4ba442380")


def test_digest_stands_in_a_patch_that_is_wanted_as_of_a_configuration() -> None:
    bench = Bench()
    bench.files |= {"old": CIB, "new": CIB.replace(b"Dummy", b"Other")}
    patch = etree.fromstring(bench.run(crm_diff, "-c", "-o", "old", "-n", "new").out)
    assert patch.get("digest") == bench.run(cibadmin, "-6", "-x", "new").out


def test_verdicts_and_meanings_are_given_as_xml() -> None:
    bench = Bench()
    rule = '<rule id="r"><date_expression id="d" operation="gt" start="2020-01-01"/></rule>'
    for tool, words, wanted in (
        (crm_error, ("-X", "-n", "105"), '<result-code code="105" name="CRM_EX_NOSUCH"'),
        (crm_rule, ("-c", "-r", "r", "-X", rule), '<rule-check rule-id="r" rc="0"/>'),
        (crm_verify, ("-X", CIB.decode()), '<status code="'),
    ):
        said = bench.run(tool, *words, "--output-as", "xml")
        assert wanted in said.out
        assert etree.fromstring(said.out).tag == "pacemaker-result"
    assert bench.run(crm_rule, "-c", "-r", "r", "-X", rule, "-d", "never").status == 65
