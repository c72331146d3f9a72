"""The options and the description of fence_lab."""

import pytest
from lxml import etree

from paceline.lab import fence
from paceline.lab.fence import UsageError


def test_lines_are_options_and_unknown_ones_are_passed_over() -> None:
    text = "action=off\nplug=worker1\nnodename=worker1\n# a comment\n\n"
    assert fence.parse_lines(text) == {"action": "off", "plug": "worker1"}


def test_words_are_options_by_letter_and_by_name() -> None:
    words = ["-o", "status", "--plug=worker2", "--power-timeout", "5", "-v"]
    assert fence.parse_words(words) == {
        "action": "status",
        "plug": "worker2",
        "power_timeout": "5",
        "verbose": "1",
    }


def test_unknown_word_is_refused() -> None:
    with pytest.raises(UsageError, match="--nonsense"):
        fence.parse_words(["--nonsense"])


def test_metadata_names_every_action_and_parameter() -> None:
    root = etree.fromstring(fence.metadata().encode())
    actions = {element.get("name") for element in root.iter("action")}
    assert {"on", "off", "reboot", "status", "monitor", "list", "metadata"} <= actions
    names = {element.get("name") for element in root.iter("parameter")}
    assert {"action", "plug", "port", "ip", "delay"} <= names
