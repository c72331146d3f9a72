"""`cibsecret`: values that the configuration does not tell, in a file of root's on every node.

What it sends goes through the node services, which both sides verify. A node that is away gets its
files by `sync` when it is back.
"""

from collections.abc import Iterator, Sequence

from paceline.cib.tree import Element, parse_cib
from paceline.commands.node_trouble import report_problem
from paceline.commands.tools import (
    EXIT_EXISTS,
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Facts,
    Said,
    ToolError,
    ToolPorts,
)
from paceline.commands.tools_resource import crm_resource
from paceline.ports.node_calls import (
    INSTANCE_LENGTH_MAX,
    SECRET_WORD,
    Done,
    File,
    FileName,
    FilesRead,
    GetFiles,
    NodeRequest,
    PutFiles,
    RemoveFiles,
    secret_instance,
)
from paceline.ports.peers import PeerProblem

EXIT_DIGEST = 104
USAGE = """Usage: cibsecret [-C] COMMAND RESOURCE PARAMETER [VALUE]
       cibsecret sync

  set RESOURCE PARAMETER VALUE   keep the value on all nodes, and only a mark in the configuration
  get RESOURCE PARAMETER         print the value
  check RESOURCE PARAMETER       say whether all nodes have the same value
  stash RESOURCE PARAMETER       make a secret of the value that the configuration has
  unstash RESOURCE PARAMETER     put the value back into the configuration
  delete RESOURCE PARAMETER      forget the value, and the parameter
  sync                           send all values of this node to all nodes

  -C                             leave the configuration alone (set, get, check, delete)"""
WORDS = {"set": 3, "get": 2, "check": 2, "stash": 2, "unstash": 2, "delete": 2, "sync": 0}
FILES_AT_ONCE = 16


def cibsecret(words: Sequence[str], ports: ToolPorts) -> Said:
    """Do one of the commands."""
    if not words or words[0] in ("--help", "-h", "help"):
        return Said(USAGE)
    has_cib = words[0] != "-C"
    command, *rest = words if has_cib else words[1:] or ("",)
    if len(rest) != WORDS.get(command) or (not has_cib and command.endswith("stash")):
        raise ToolError(USAGE, EXIT_USAGE, is_bare=True)
    if not ports.cib.is_live:
        raise ToolError("secrets are kept on the nodes of a running cluster, not for a file")
    if command == "sync":
        return _Secrets(ports).sync()
    return _Secret(ports, rest[0], rest[1], has_cib=has_cib).obey(command, *rest[2:])


class _Secrets:
    """The values on the nodes."""

    def __init__(self, ports: ToolPorts) -> None:
        self._ports = ports

    def sync(self) -> Said:
        """Send what this node has to all."""
        files = self._ports.open_node().files
        found = [
            File(name=FileName.RESOURCE_SECRET, content=content, instance=instance)
            for instance in files.instances(FileName.RESOURCE_SECRET)
            if (content := files.read(FileName.RESOURCE_SECRET, instance)) is not None
        ]
        problems: list[str] = []
        for begin in range(0, len(found), FILES_AT_ONCE):
            chunk = tuple(found[begin : begin + FILES_AT_ONCE])
            problems += [text for _, text in self.tell(PutFiles(files=chunk))]
        return Said(err="\n".join(dict.fromkeys(problems)), status=1 if problems else 0)

    def tell(self, request: NodeRequest) -> list[tuple[str, str]]:
        """Have all nodes do something; return who did not, and why."""
        return [
            (name, report_problem(name, answer).message)
            for name, answer in self._ports.open_peers().ask(self._to_all(request), Done)
            if isinstance(answer, PeerProblem)
        ]

    def fetch(self, request: GetFiles) -> Iterator[tuple[str, FilesRead | PeerProblem]]:
        """Ask all nodes for files."""
        return self._ports.open_peers().ask(self._to_all(request), FilesRead)

    def _to_all(self, request: NodeRequest) -> list[tuple[str, NodeRequest]]:
        nodes = Facts(self._ports).nodes
        return [(str(each["name"]), request) for each in nodes if each.get("kind") == "member"]


class _Secret:
    """One parameter of one resource."""

    def __init__(self, ports: ToolPorts, resource: str, parameter: str, *, has_cib: bool) -> None:
        self._ports = ports
        self._nodes = _Secrets(ports)
        self._resource, self._parameter = resource, parameter
        self._instance = secret_instance(resource, parameter)
        self._has_cib = has_cib
        if len(self._instance) > INSTANCE_LENGTH_MAX or "/" in self._instance:
            raise ToolError(f"'{resource}' and '{parameter}' cannot name a file", EXIT_USAGE)

    def obey(self, command: str, value: str = "") -> Said:
        """Do the command."""
        configured = self._configured() if self._has_cib else SECRET_WORD
        is_secret = configured == SECRET_WORD
        match command:
            case "set":
                if configured and not is_secret:
                    raise self._refusal("has another value in the configuration; see stash")
                return self._keep(value)
            case "stash":
                if is_secret or not configured:
                    raise self._refusal("is already secret" if is_secret else "is not set")
                return self._keep(configured)
            case _ if not is_secret:
                raise ToolError(f"{self._name} is not a secret", EXIT_NO_SUCH)
            case "get":
                return Said(self._value())
            case "check":
                return self._check()
            case "unstash":
                return self._forget(self._configure("-v", self._value()))
        return self._forget(self._delete() if self._has_cib else Said())

    @property
    def _name(self) -> str:
        return f"parameter {self._parameter} of resource {self._resource}"

    def _refusal(self, why: str) -> ToolError:
        return ToolError(f"{self._name} {why}", EXIT_EXISTS)

    def _configured(self) -> str:
        """Return what the configuration has; "" for nothing. Raises ToolError: no such resource."""
        root = parse_cib(self._ports.cib.read().document)
        found = next((each for each in _primitives(root) if each.get("id") == self._resource), None)
        if found is None:
            raise ToolError(f"there is no resource {self._resource}", EXIT_NO_SUCH)
        pairs = found.iterfind("instance_attributes/nvpair")
        values = (each.get("value", "") for each in pairs if each.get("name") == self._parameter)
        return next(values, "")

    def _value(self) -> str:
        """Return this node's value. Raises ToolError where it has none."""
        content = self._ports.open_node().files.read(FileName.RESOURCE_SECRET, self._instance)
        if content is None:
            raise ToolError(f"this node has no value for {self._name}", EXIT_NO_SUCH)
        return content.decode()

    def _keep(self, value: str) -> Said:
        """Give the value to the nodes, then the mark to the configuration."""
        file = File(name=FileName.RESOURCE_SECRET, content=value.encode(), instance=self._instance)
        problems = self._nodes.tell(PutFiles(files=(file,)))
        self._check_here(problems)
        done = self._configure("-v", SECRET_WORD) if self._has_cib else Said()
        return done._replace(out="", err="\n".join([*_later(problems), *filter(None, [done.err])]))

    def _forget(self, done: Said) -> Said:
        if done.status:
            return done
        request = RemoveFiles(names=(FileName.RESOURCE_SECRET,), instance=self._instance)
        problems = self._nodes.tell(request)
        self._check_here(problems)
        return Said(err="\n".join(text for _, text in problems))

    def _check_here(self, problems: list[tuple[str, str]]) -> None:
        """Raise ToolError where even this node failed."""
        here = Facts(self._ports).local_node
        for name, text in problems:
            if name == here:
                raise ToolError(text)

    def _check(self) -> Said:
        mine = self._value().encode()
        request = GetFiles(names=(FileName.RESOURCE_SECRET,), instance=self._instance)
        other: list[str] = []
        for name, answer in self._nodes.fetch(request):
            if isinstance(answer, PeerProblem):
                other.append(report_problem(name, answer).message)
            elif not answer.files:
                other.append(f"{name}: has no value")
            elif answer.files[0].content != mine:
                other.append(f"{name}: has another value")
        return Said(err="\n".join(other), status=EXIT_DIGEST if other else 0)

    def _configure(self, *words: str) -> Said:
        return crm_resource(("-r", self._resource, "-p", self._parameter, *words), self._ports)

    def _delete(self) -> Said:
        return crm_resource(("-r", self._resource, "-d", self._parameter), self._ports)


def _later(problems: list[tuple[str, str]]) -> list[str]:
    return [f"{text}; run `cibsecret sync` when it is back" for _, text in problems]


def _primitives(root: Element) -> Iterator[Element]:
    return root.iterfind("configuration/resources//primitive")
