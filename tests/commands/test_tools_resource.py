"""`crm_resource` on a file that holds a configuration and what its nodes reported."""

import pytest
from lxml import etree
from tool_bench import Bench

from paceline.commands.tools import EXIT_EXISTS, EXIT_NO_SUCH, EXIT_USAGE
from paceline.commands.tools_resource import crm_resource
from paceline.ports.agents import AgentAnswer, AgentMetadataError, AgentRun

CIB = b"""<cib validate-with="pacemaker-3.9" epoch="3" num_updates="5" admin_epoch="0">
<configuration><crm_config/>
<nodes><node id="1" uname="n1"/><node id="2" uname="n2"/></nodes>
<resources>
 <template id="T" class="ocf" provider="heartbeat" type="Dummy">
  <operations><op id="T-m" name="monitor" interval="30s"/></operations></template>
 <primitive id="A" class="ocf" provider="heartbeat" type="Dummy">
  <instance_attributes id="A-i"><nvpair id="A-i-fake" name="fake" value="x"/></instance_attributes>
 </primitive>
 <group id="G"><meta_attributes id="G-m"><nvpair id="G-m-t" name="target-role" value="Stopped"/>
  </meta_attributes><primitive id="B" class="ocf" provider="heartbeat" type="Dummy"/></group>
 <clone id="C-clone"><primitive id="C" class="ocf" provider="heartbeat" type="Dummy"/></clone>
 <primitive id="D" template="T"/>
</resources>
<constraints>
 <rsc_location id="near" rsc="A" node="n1" score="50"/>
 <rsc_location id="cli-ban-A-on-n2" rsc="A" node="n2" role="Started" score="-INFINITY"/>
 <rsc_colocation id="with" rsc="D" with-rsc="A" score="INFINITY"/>
 <rsc_colocation id="further" rsc="G" with-rsc="D" score="7"/>
</constraints></configuration>
<status>
 <node_state id="1" uname="n1" in_ccm="true" crmd="online" join="member" expected="member">
  <lrm id="1"><lrm_resources>
   <lrm_resource id="A" type="Dummy" class="ocf" provider="heartbeat">
    <lrm_rsc_op id="A_last_0" operation_key="A_start_0" operation="start" call-id="4" rc-code="0"
     op-status="0" interval="0" exec-time="12" last-rc-change="1700000000"
     transition-key="1:1:0:k" transition-magic="0:0;1:1:0:k"/></lrm_resource>
   <lrm_resource id="C" type="Dummy" class="ocf" provider="heartbeat">
    <lrm_rsc_op id="C_last_0" operation_key="C_start_0" operation="start" call-id="5" rc-code="0"
     op-status="0" interval="0" transition-key="2:1:0:k" transition-magic="0:0;2:1:0:k"/>
   </lrm_resource></lrm_resources></lrm></node_state>
 <node_state id="2" uname="n2" in_ccm="true" crmd="online" join="member" expected="member">
  <lrm id="2"><lrm_resources>
   <lrm_resource id="C" type="Dummy" class="ocf" provider="heartbeat">
    <lrm_rsc_op id="C_last_0" operation_key="C_start_0" operation="start" call-id="5" rc-code="0"
     op-status="0" interval="0" transition-key="2:1:0:k" transition-magic="0:0;2:1:0:k"/>
   </lrm_resource></lrm_resources></lrm></node_state>
</status></cib>"""


class FakeAgents:
    """One agent is installed; it keeps how it was run and answers as it is told."""

    def __init__(self, answer: AgentAnswer) -> None:
        self.runs: list[AgentRun] = []
        self._answer = answer

    def standards(self) -> tuple[str, ...]:
        return ("lsb", "ocf", "service")

    def providers(self) -> tuple[str, ...]:
        return ("heartbeat", "pacemaker")

    def agents(self, agent_class: str, provider: str = "") -> tuple[str, ...]:
        return ("Dummy",) if (agent_class, provider) == ("ocf", "heartbeat") else ()

    def metadata(self, agent: object) -> bytes:
        if str(agent) != "ocf:heartbeat:Dummy":
            raise AgentMetadataError(f"Agent {agent} is not installed")
        return b"<resource-agent name='Dummy'/>"

    def run(self, run: AgentRun) -> AgentAnswer:
        self.runs.append(run)
        return self._answer


def bench(answer: AgentAnswer | None = None) -> Bench:
    made = Bench()
    made.store.is_live = False
    made.store.document = CIB
    agents = FakeAgents(answer or AgentAnswer(rc=0))
    made.agents = agents
    made.ports = made.ports._replace(
        now_ms=lambda: 1_700_000_100_000, load_agents=lambda: agents, load_runner=lambda: agents
    )
    return made


def constraints(made: Bench) -> dict[str, dict[str, str]]:
    found = etree.fromstring(made.store.document).iterfind("configuration/constraints/*")
    return {each.get("id", ""): dict(each.attrib) for each in found}


def test_resource_is_located_where_its_history_says() -> None:
    assert bench().run(crm_resource, "-W", "-r", "A").out == "resource A is running on: n1"
    both = bench().run(crm_resource, "-Q", "-W", "-r", "C-clone").out.split()
    assert sorted(both) == ["n1", "n2"]
    assert bench().run(crm_resource, "-W", "-r", "D").err == "resource D is NOT running"


def test_unknown_resource_is_refused_in_words_and_in_xml() -> None:
    said = bench().run(crm_resource, "-W", "-r", "X")
    assert said.status == EXIT_NO_SUCH
    assert "Resource 'X' not found" in said.err
    root = etree.fromstring(bench().run(crm_resource, "-W", "-r", "X", "--output-as=xml").out)
    assert root.find("status").get("code") == str(EXIT_NO_SUCH)


def test_values_that_hold_count_parents_in() -> None:
    assert bench().run(crm_resource, "-g", "fake", "-r", "A").out == "x"
    assert bench().run(crm_resource, "-m", "-g", "target-role", "-r", "B").out == "Stopped"


def test_query_puts_the_template_in_unless_raw_is_wanted() -> None:
    assert 'id="T-m"' in bench().run(crm_resource, "-q", "-r", "D").out
    assert 'template="T"' in bench().run(crm_resource, "-w", "-r", "D").out


def test_meta_attribute_of_an_instance_is_set_on_its_clone() -> None:
    made = bench()
    said = made.run(crm_resource, "-m", "-p", "target-role", "-v", "Stopped", "-r", "C")
    assert "'C-clone', the parent of 'C'" in said.out
    clone = etree.fromstring(made.store.document).find(".//clone/meta_attributes/nvpair")
    assert clone.get("value") == "Stopped"


def test_file_gets_its_next_version_when_the_configuration_changes() -> None:
    made = bench()
    made.run(crm_resource, "-p", "fake", "-v", "y", "-r", "A")
    root = etree.fromstring(made.store.document)
    assert (root.get("epoch"), root.get("num_updates")) == ("4", "0")


def test_move_makes_a_preference_and_drops_the_older_ban() -> None:
    made = bench()
    assert made.run(crm_resource, "-M", "-r", "A", "-N", "n2").status == 0
    found = constraints(made)
    assert found["cli-prefer-A"]["node"] == "n2"
    assert "cli-ban-A-on-n2" not in found


def test_move_is_refused_where_it_makes_no_sense() -> None:
    assert bench().run(crm_resource, "-M", "-r", "A", "-N", "n1").status == EXIT_EXISTS
    assert bench().run(crm_resource, "-M", "-r", "A", "-N", "n9").status == EXIT_NO_SUCH
    assert bench().run(crm_resource, "-M", "-r", "C-clone").status == EXIT_USAGE
    assert bench().run(crm_resource, "-M", "-r", "A", "-N", "n2", "-u", "soon").status == EXIT_USAGE


def test_ban_for_a_while_ends_by_a_rule() -> None:
    made = bench()
    said = made.run(crm_resource, "-B", "-r", "A", "-u", "PT1H")
    assert said.out.startswith("Migration will take effect until: 2023-11-14 23:15:00Z")
    rule = etree.fromstring(made.store.document).find(".//rsc_location[@id='cli-ban-A-on-n1']/rule")
    assert rule.find("date_expression").get("end") == "2023-11-14 23:15:00Z"


def test_clear_tells_what_it_removes() -> None:
    made = bench()
    assert made.run(crm_resource, "-U", "-r", "A").out == "Removing constraint: cli-ban-A-on-n2"
    assert set(constraints(made)) == {"near", "with", "further"}
    kept = bench()
    kept.run(crm_resource, "-U", "-e", "-r", "A")
    assert "cli-ban-A-on-n2" in constraints(kept)


def test_constraints_are_shown_and_the_whole_stack_where_it_is_wanted() -> None:
    text = bench().run(crm_resource, "-a", "-r", "A").out
    assert "  * Node n1 (score=50, id=near, rsc=A)" in text
    assert "Resources colocated with A:\n  * D (score=INFINITY, id=with)" in text
    assert "further" not in text
    assert "* G (score=7, id=further)" in bench().run(crm_resource, "-A", "-r", "A").out


def test_why_names_what_keeps_a_resource_stopped() -> None:
    text = bench().run(crm_resource, "-Y").out
    assert "Resource A is running" in text
    assert "Configuration specifies 'G' should remain stopped" in text


def test_operations_are_those_that_nodes_remember() -> None:
    text = bench().run(crm_resource, "-O", "-r", "A").out
    assert "A_start_0 (node=n1, call=4, rc=0," in text


def test_digest_is_that_of_the_values_that_are_given() -> None:
    mine = bench().run(crm_resource, "--digests", "-r", "A", "-N", "n1").out
    other = bench().run(crm_resource, "--digests", "-r", "A", "-N", "n1", "fake=z").out
    assert mine.endswith("(non-private parameters)")
    assert mine != other


def test_agents_are_listed_and_shown() -> None:
    assert bench().run(crm_resource, "--list-standards").out == "ocf\nlsb\nservice\nstonith"
    assert bench().run(crm_resource, "--list-ocf-alternatives", "Dummy").out == "heartbeat"
    assert bench().run(crm_resource, "--list-agents", "ocf").out == "Dummy"
    assert bench().run(crm_resource, "--list-agents", "nope").status == 1
    assert "Dummy" in bench().run(crm_resource, "--show-metadata", "ocf:heartbeat:Dummy").out
    unknown = bench().run(crm_resource, "--show-metadata", "ocf:heartbeat:Nope")
    assert unknown.status == EXIT_NO_SUCH


def test_agent_is_run_by_hand_with_the_resource_s_values() -> None:
    made = bench(AgentAnswer(rc=7, reason="it is gone"))
    said = made.run(crm_resource, "--force-check", "-r", "A")
    assert said.status == 7
    assert said.out == (
        "Operation force-check for A (ocf:heartbeat:Dummy) returned 7 (not running: it is gone)"
    )
    assert made.agents.runs[0].task == "monitor"
    assert dict(made.agents.runs[0].parameters) == {"fake": "x"}


def test_group_is_not_run_by_hand() -> None:
    assert bench().run(crm_resource, "--force-start", "-r", "G").status == 3


@pytest.mark.parametrize(("rc", "status"), [(0, 0), (6, 6)])
def test_values_are_validated_by_the_agent(rc: int, status: int) -> None:
    made = bench(AgentAnswer(rc=rc))
    words = "--validate --class ocf --provider heartbeat --agent Dummy --option fake=q"
    root = etree.fromstring(made.run(crm_resource, *words.split(), "--output-as", "xml").out)
    assert root.find("resource-agent-action/agent-status").get("code") == str(rc)
    assert root.find("status").get("code") == str(status)
    assert made.agents.runs[0].parameters == (("fake", "q"),)
