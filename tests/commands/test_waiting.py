"""`--wait` on a live cluster: it ends with where the resource runs, and fails if that is wrong."""

import pytest
from tests.commands.command_line import CommandLine
from tests.commands.test_moving import RUNNING

NOWHERE = RUNNING.replace('operation="start"', 'operation="stop"')


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("resource enable A --wait", "Resource 'A' is running on node 'worker1'\n"),
        ("resource update A op monitor interval=9s --wait", "is running on node 'worker1'\n"),
        ("resource create B ocf:pacemaker:Dummy --disabled --wait", "is not running on any node\n"),
    ],
)
def test_wait_says_where_the_resource_runs(line: str, says: str) -> None:
    status, _out, err = CommandLine(RUNNING, settles=True)(line)
    assert err.endswith(says)
    assert not err.startswith("Error")
    assert status == 0


@pytest.mark.parametrize(
    ("document", "line", "says"),
    [
        # The made-up daemon starts and stops nothing.
        (NOWHERE, "resource enable A --wait", "Error: Resource 'A' is not running on any node\n"),
        (
            RUNNING,
            "resource disable A --wait",
            "Error: Resource 'A' is running on node 'worker1'\n",
        ),
        (
            RUNNING,
            "resource create B ocf:pacemaker:Dummy --wait",
            "Error: Resource 'B' is not running on any node\n  pcs why B  says why\n",
        ),
    ],
)
def test_wait_fails_when_the_resource_does_not_do_as_configured(
    document: str, line: str, says: str
) -> None:
    status, _out, err = CommandLine(document, settles=True)(line)
    assert says in err
    assert status == 1
