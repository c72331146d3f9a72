"""Every problem is told at once, and nothing that is right is refused."""

import pytest

from paceline.cib.tree import parse_cib
from paceline.cib.validate import validate


def _codes(resources: str, constraints: str = "") -> list[str]:
    text = f"""<cib><configuration><crm_config/><nodes><node id="A" uname="n1"/></nodes>
    <resources><primitive id="A" class="ocf" provider="p" type="D"/>{resources}</resources>
    <constraints>{constraints}</constraints></configuration></cib>"""
    return sorted(report.code for report in validate(parse_cib(text.encode())))


def test_a_resource_may_have_the_id_of_a_node() -> None:
    assert _codes("") == []


@pytest.mark.parametrize(
    ("resources", "constraints", "codes"),
    [
        ('<primitive id="B" template="none"/>', "", ["no-such-template"]),
        ('<thing id="t"/>', "", ["unknown-element"]),
        ("", '<rsc_order id="o" first="A" kind="Odd"/>', ["bad-word", "incomplete"]),
        ("", '<rsc_location rsc="A" node="n1" score="1"/>', ["no-id"]),
    ],
)
def test_what_is_wrong_is_told(resources: str, constraints: str, codes: list[str]) -> None:
    assert _codes(resources, constraints) == codes
