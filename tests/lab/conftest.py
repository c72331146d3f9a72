"""A lab for the tests of a module, and waiting for what takes its time in it."""

import os
import time
from collections.abc import Callable, Iterator

import pytest

from paceline.lab import launching
from paceline.lab.lab import Lab
from paceline.lab.launching import LaunchError

POLL_S = 0.02


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Two nodes and a client; skipped where this machine cannot make them."""
    need_lab()
    with Lab(f"test-{os.getpid()}", nodes=2) as made:
        yield made


@pytest.fixture(autouse=True)
def healed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave the shared lab as it was found."""
    yield
    if "lab" in request.fixturenames:
        made: Lab = request.getfixturevalue("lab")
        state = made.state
        made.heal()
        for name, power in state.members:
            if power == "frozen":
                made.thaw(name)
            elif power == "off":
                made.boot(name)


def need_lab() -> None:
    """Skip the test where no lab can be made."""
    try:
        launching.check_machine()
    except LaunchError as error:
        pytest.skip(str(error))


def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = 15.0) -> None:
    """Look again and again until it is so; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"waited {seconds:g} s for: {what}"
        time.sleep(POLL_S)
