"""The real Pacemaker in nodes of the same kind, driven and measured by the peer-lab."""

import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from scenarios import Row

FOLDER_DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "peer-lab"
"""Where the peer-lab is, beside a checkout; an option gives another place."""
TOKEN_MS = 1000
SECONDS_MAX = 1800
ATTEMPTS_MAX = 3
_MEASURES = {
    "coldstart": "coldstart",
    "crash": "failover-crash",
    "stop": "failover-stop",
    "move": "move",
    "kill": "apache-kill",
}


def why_absent(folder: Path) -> str:
    """Return why the peer cannot be run here; nothing where it can."""
    if not (folder / "peerlab").is_file():
        return f"there is no peer-lab in {folder}"
    if not Path("/usr/sbin/pacemakerd").exists():
        return "Pacemaker is not installed"
    return "" if os.geteuid() == 0 else "the peer-lab needs root"


class PeerCluster:
    """A running cluster of two nodes."""

    name = "pacemaker"

    def __init__(self, folder: Path, session: str, monitor: str) -> None:
        """Make it; takes half a minute."""
        self._folder = folder
        self._state = tempfile.mkdtemp(prefix="paceline-bench-peer-")
        self._environment = {
            **os.environ,
            "PEERLAB_STATE": self._state,
            "PEERLAB_TOKEN": str(TOKEN_MS),
            "PEERLAB_SESSION": session,
            "PEERLAB_APACHE_MONITOR": monitor,
        }
        try:
            self._run("up")
            self._run("session")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove it."""
        self._run("down")
        shutil.rmtree(self._state, ignore_errors=True)

    def measure(self, act: str) -> Row:
        """Do one thing to the cluster, measure it, and bring everything back."""
        row = json.loads(self._measure(_MEASURES[act]).strip().splitlines()[-1])
        found: dict[str, float] = {}
        if act == "coldstart":
            found["served"] = row["http_first_ok"]
        else:
            found["outage"] = row["http_outage"]
        if act == "crash":
            found["membership"] = row["coro_membership"]
            found["decided"] = row["pcmk_vip_start"] - row["coro_membership"]
        return found

    def scale(self, count: int) -> dict[str, Any]:
        """Load `count` Dummies and crash a node; of no use for anything else afterwards."""
        found: dict[str, Any] = json.loads(
            self._run("measure", "scale", str(count)).splitlines()[-1]
        )
        return found

    def _measure(self, name: str) -> str:
        """Measure once; where the harness itself stumbles (a process that is gone), once more."""
        for _ in range(ATTEMPTS_MAX - 1):
            try:
                return self._run("measure", name, "1")
            except RuntimeError as error:
                print(f"the peer-lab stumbled, once more: {str(error).splitlines()[-1]}")
        return self._run("measure", name, "1")

    def _run(self, *words: str) -> str:
        done = subprocess.run(
            [str(self._folder / "peerlab"), *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
        )
        if done.returncode:
            raise RuntimeError(f"peerlab {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout
