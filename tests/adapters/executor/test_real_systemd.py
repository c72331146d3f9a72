"""The systemd adapter with a real systemd."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from real_systemd import SOURCE, booted, can_run

pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(not can_run(), reason="needs root, systemd and bubblewrap"),
]
_PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from paceline.adapters.executor.systemd import SystemdUnits

async def main():
    systemd = SystemdUnits(Path("/run/systemd/system"))
    for unit, task, timeout_ms in json.loads(sys.argv[1]):
        answer = await systemd.run(unit, task, timeout_ms=timeout_ms)
        drop_in = Path(f"/run/systemd/system/{unit}.service.d/50-paceline.conf").exists()
        print(json.dumps([answer.outcome.value, answer.rc, drop_in]))
    systemd.close()

asyncio.run(main())
"""


def test_units_start_stop_fail_and_hang(tmp_path: Path) -> None:
    steps = [
        (("web", "monitor", 5000), ["done", 7, False]),
        (("web", "start", 5000), ["done", 0, True]),
        (("web", "monitor", 5000), ["done", 0, True]),
        (("web", "stop", 5000), ["done", 0, False]),
        (("web", "monitor", 5000), ["done", 7, False]),
        (("bad", "start", 5000), ["done", 1, True]),
        (("bad", "monitor", 5000), ["done", 7, True]),
        (("slow", "start", 500), ["timed-out", 1, True]),
        (("slow", "stop", 5000), ["done", 0, False]),
        (("absent", "start", 5000), ["not-installed", 5, False]),
        (("absent", "stop", 5000), ["done", 0, False]),
    ]
    with booted(tmp_path) as enter:
        done = subprocess.run(
            [*enter, "env", f"PYTHONPATH={SOURCE}", sys.executable, "-c", _PROGRAM,
             json.dumps([step for step, _ in steps])],
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        expected for _, expected in steps
    ]
