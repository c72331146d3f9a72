"""`client local-auth`: may this user work with the cluster here?

pcs keeps a token for the user. Here nothing is kept: the kernel tells the node service who asks,
and root and the members of `haclient` may. So the command only checks such a user's name and
password.
"""

from paceline.commands.cluster_nodes import invalid
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.ports.node import LoginVerdict

PORT_MAX = 65_535
HERE = "localhost"


def local_auth(request: Request, ports: Ports) -> Outcome:
    """`client local-auth [PORT] [-u USER] [-p PASSWORD]`."""
    if len(request.arguments) > 1:
        raise UsageError
    for port in request.arguments:
        if not (port.isdecimal() and 0 < int(port) <= PORT_MAX):
            raise invalid("bad-port", f"Invalid port number '{port}', use 1..{PORT_MAX}")
    user = request.value("u") or request.ask("Username: ", False)
    password = request.value("p")
    if password is None:
        password = request.ask("Password: ", True)
    answer = ports.open_node().login.check(user, password, source=HERE)
    if answer.verdict is LoginVerdict.ACCEPTED:
        request.findings.inform(
            "nothing-kept",
            "No token is kept: root and members of the group haclient may work with the cluster "
            "here as they are.",
        )
        return Outcome(text=f"{HERE}: Authorized")
    words = {
        LoginVerdict.WRONG: "Username and/or password is incorrect",
        LoginVerdict.NOT_A_CLUSTER_USER: f"user '{user}' is not in the group '{answer.detail}'",
        LoginVerdict.ACCOUNT_REFUSED: f"the account is not usable: {answer.detail}",
        LoginVerdict.BUSY: f"logins are held back for a minute: {answer.detail}",
    }[answer.verdict]
    request.findings.error(
        "not-authorized",
        f"{HERE}: {words}",
        advice=f"  let the user work with the cluster:  usermod -a -G haclient {request.user}",
    )
    return Outcome()


COMMANDS = (
    Command(
        words="client local-auth",
        handler=local_auth,
        needs=Needs.NOTHING,
        arguments="[<port>]",
        options=("u", "p", "request-timeout"),
        help="Check name and password of a user who may work with the cluster on this machine.",
        details="Nothing is kept: the kernel says who asks, and members of the group haclient may.",
    ),
)
