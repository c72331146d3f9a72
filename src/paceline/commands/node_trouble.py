"""What went wrong between two nodes, in words, with the commands that put it right."""

from paceline.commands.contract import Request, UsageError
from paceline.model.reports import Report
from paceline.ports.peers import PORT, PeerProblem, Trouble

CLOCK_APART_MS = 10_000
"""Logs of two nodes that are further apart than this cannot be read together."""

REQUEST_TIMEOUT_S_MAX = 86_400


def wait_limit_ms(request: Request, usual_ms: int) -> int:
    """Return how long a node may take: `--request-timeout`, or what is usual for the call.

    Raises UsageError where the option is no number of seconds.
    """
    text = request.value("request-timeout")
    if text is None:
        return usual_ms
    if not text.isdigit() or not 0 < int(text) <= REQUEST_TIMEOUT_S_MAX:
        raise UsageError(f"'{text}' is not a valid --request-timeout value, use a positive integer")
    return int(text) * 1000


def report_problem(name: str, problem: PeerProblem) -> Report:
    """Return the error for a node that gave no answer."""
    if problem.trouble is Trouble.REFUSED_CALL:
        return Report(
            code=problem.code or "call-refused",
            message=f"{name}: {problem.detail}",
            advice=_REFUSED_ADVICE.get(problem.code, "").format(name=name),
        )
    if problem.trouble in (Trouble.NOT_KNOWN, Trouble.NOT_AUTHORIZED):
        return Report(
            code="not-authorized",
            message=f"Unable to authenticate to {name}"
            + (f": {problem.detail}" if problem.detail else ""),
            advice=f"  authenticate this node against it: pcs host auth {name}",
        )
    return Report(
        code="node-unreachable",
        message=f"Unable to communicate with {name}",
        facts=(("address", problem.address), ("port", str(problem.port))),
        advice=explain(name, problem),
    )


def explain(name: str, problem: PeerProblem, *, observer: str = "") -> str:
    """Return what came of looking for a node's service, and what to do, as indented lines.

    `observer` is the node that looked; "" is this one.
    """
    here = f"on {observer}" if observer else "from here"
    where = f"{problem.address} port {problem.port}/tcp"
    lines: tuple[str, ...]
    match problem.trouble:
        case Trouble.UNKNOWN_NAME if problem.address not in ("", name):
            lines = (
                f"'{problem.address}', given as the address of {name}, is neither an address nor "
                f"a name that {observer or 'this node'} knows",
                f"give another: pcs host auth {name} addr=ADDRESS",
            )
        case Trouble.UNKNOWN_NAME:
            lines = (
                f"the name '{name}' has no address on {observer or 'this node'}",
                f"add a line 'ADDRESS {name}' to /etc/hosts on every node, or name the address: "
                f"pcs host auth {name} addr=ADDRESS",
            )
        case Trouble.REFUSED:
            lines = (
                f"{where}: refused: no node service listens there, or a firewall rejects it",
                f"on {name}, is it running?  systemctl enable --now paceline-api",
                *firewall_lines(name, ((problem.port, "tcp"),)),
            )
        case Trouble.REJECTED:
            lines = (
                f"{where}: rejected ({problem.detail}): a firewall, no route, or no machine has "
                "this address (it may be off)",
                f"{here}:  ip route get {problem.address}; ping -c 1 {problem.address}",
                *firewall_lines(name, ((problem.port, "tcp"),)),
            )
        case Trouble.SILENT if problem.detail:
            lines = (
                f"{where}: silent: {problem.detail}: the machine or its node service hangs",
                f"on {name}:  systemctl restart paceline-api",
            )
        case Trouble.SILENT:
            lines = (
                f"{where}: silent: no answer within the time limit; a firewall drops it, or the "
                "machine is off",
                f"{here}:  ping -c 1 {problem.address}",
                *firewall_lines(name, ((problem.port, "tcp"),)),
            )
        case Trouble.OTHER_KEY:
            lines = (
                f"{where}: the host that answers has another key than the '{name}' that was "
                "authenticated: it was installed anew, or somebody stands in between",
                f"if it was installed anew: pcs host deauth {name}, then pcs host auth {name}",
            )
        case Trouble.NO_SPEAKER:
            lines = (
                f"{where}: something answers, but it is no node service of Paceline "
                f"({problem.detail})",
                f"on {name}, what is it?  ss -ltnp 'sport = :{problem.port}'",
            )
        case _:
            lines = (
                f"{where}: the connection broke ({problem.detail}); whether the request was "
                "carried out is unknown",
                f"on {name}:  systemctl status paceline-api",
            )
    return "\n".join(f"  {line}" for line in lines)


def firewall_lines(name: str, ports: tuple[tuple[int, str], ...]) -> tuple[str, ...]:
    """Return the commands that open ports on a node, for each of the usual firewalls."""
    adds = " ".join(f"--add-port={port}/{protocol}" for port, protocol in ports)
    ufw = " && ".join(f"ufw allow {port}/{protocol}" for port, protocol in ports)
    nft = " && ".join(
        f"nft insert rule inet filter input {protocol} dport {port} accept"
        for port, protocol in ports
    )
    return (
        f"on {name}, to open it:",
        f"  firewalld:  firewall-cmd --permanent {adds} && firewall-cmd --reload",
        f"  ufw:        {ufw}",
        f"  nftables:   {nft}",
    )


def wrong_node(name: str, answered: str, address: str, port: int = PORT) -> Report:
    """Return the error for a name that leads to another node."""
    return Report(
        code="wrong-node",
        message=f"{name}: the node that answers at {address}:{port} says that it is '{answered}'",
        facts=(("name", name), ("answered", answered), ("address", address)),
        is_forceable=True,
        advice=(
            f"  the name '{name}' leads to the wrong machine: compare  getent hosts {name}  here "
            f"with  hostname; ip -brief address  there, and correct /etc/hosts"
        ),
    )


def clock_words(clock_ms: int) -> str:
    """Return how a clock stands against ours: `62.0 s behind`."""
    seconds = abs(clock_ms) / 1000
    shown = f"{seconds:.1f} s" if seconds < 600 else f"{seconds / 60:.0f} min"
    return f"{shown} {'behind' if clock_ms < 0 else 'ahead of'}"


def is_clock_apart(clock_ms: int, error_ms: int) -> bool:
    """Say whether two clocks are apart for sure, however long the call took."""
    return abs(clock_ms) - error_ms > CLOCK_APART_MS


def clock_apart(name: str, clock_ms: int) -> str:
    """Return the sentence about a clock that is apart, and what sets it right."""
    return (
        f"{name}: its clock is {clock_words(clock_ms)} this node's\n"
        "  set both by the network:  timedatectl set-ntp true   (chrony: chronyc makestep)"
    )


_REFUSED_ADVICE = {
    "not-a-cluster-user": "  on {name}:  usermod -aG haclient USER, or use hacluster",
    "account-refused": "  on {name}:  chage -l USER shows the account; passwd USER renews it",
    "busy": "  wait a minute, then try again",
    "wrong-password": "",
}
