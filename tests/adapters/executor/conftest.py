"""An empty site and a maker of operations."""

from pathlib import Path

import pytest
from executor_site import OperationMaker, Site, operation_maker


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Return an empty site."""
    return Site(tmp_path)


@pytest.fixture
def make_operation() -> OperationMaker:
    """Return a maker of operations with numbers that grow."""
    return operation_maker()
