"""Two node services on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.api.node_on_loopback import LoopbackNode


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[LoopbackNode, LoopbackNode]]:
    """Two nodes that listen and do not know each other."""
    made = (LoopbackNode("one", tmp_path / "one"), LoopbackNode("two", tmp_path / "two"))
    for node in made:
        node.start()
    yield made
    for node in made:
        node.stop()
