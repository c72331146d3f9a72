"""The last look at a configuration."""

from paceline.daemon.checking import check_configuration

GOOD = b"<cib><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>"
BAD = GOOD.replace(
    b"<constraints/>",
    b'<constraints><rsc_location id="l" rsc="Ghost" node="n1" score="5"/></constraints>',
)


def test_nothing_is_wrong_when_nothing_is_wrong() -> None:
    assert check_configuration(GOOD, GOOD, is_forced=False) == ""


def test_new_error_is_refused_and_an_old_one_is_not() -> None:
    assert "there is no resource 'Ghost'" in check_configuration(GOOD, BAD, is_forced=False)
    longer = BAD.replace(b"<crm_config/>", b"\n<crm_config/>\n")
    assert check_configuration(BAD, longer, is_forced=False) == ""


def test_forced_configuration_has_only_to_be_readable() -> None:
    assert check_configuration(GOOD, BAD, is_forced=True) == ""
    assert check_configuration(GOOD, b"<cib", is_forced=True) != ""
