"""What a node's daemon says of itself, as a line of JSON: run in the node by the campaign."""

import json
import sys

from paceline.adapters.daemon_client import DaemonClient
from paceline.model.errors import UnreachableError

_WAIT_MS = 1_000


def main() -> int:
    """Print the daemon's answers; `{"error": ...}` where it gives none."""
    client = DaemonClient()
    try:
        told = {
            "waited": client.ask({"do": "wait", "until": "settled", "timeout_ms": _WAIT_MS}),
            "state": client.ask({"do": "state"}),
        }
    except UnreachableError as error:
        print(json.dumps({"error": str(error)}))
        return 0
    refused = [answer for answer in told.values() if answer.get("ok") is not True]
    print(json.dumps({"error": f"the daemon says {refused[0]}"} if refused else told))
    return 0


if __name__ == "__main__":
    sys.exit(main())
