"""Where booth's files are: this node's folder, or files that a user names."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from paceline.cib.nvsets import set_values
from paceline.cib.resources import agent_of, iterate_resources
from paceline.cib.tree import Element
from paceline.commands.booth_config import BoothConfig, parse_booth, render_booth
from paceline.commands.cluster_nodes import invalid
from paceline.commands.contract import Ports, Request, UsageError
from paceline.ports.node_calls import FileName

NAME_DEFAULT = "booth"
FOLDER_DEFAULT = "/etc/booth"
FILE_OPTIONS = ("booth-conf", "booth-key")


def name_of(request: Request) -> str:
    """Return the formation's name. Raises InvalidRequestError."""
    name = request.value("name") or NAME_DEFAULT
    if "/" in name:
        message = f"booth name '{name}' is not valid, it cannot contain / characters"
        raise invalid("bad-booth-name", message)
    if name.startswith(("-", ".")) or not name.isprintable() or " " in name:
        raise invalid("bad-booth-name", f"booth name '{name}' is not valid")
    return name


def folder_of(request: Request) -> str:
    return request.environment.get("PACELINE_BOOTH_DIR") or FOLDER_DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the files are: this node's folder of booth, or files that were named."""

    request: Request
    ports: Ports
    name: str
    conf: str
    key: str
    is_named: bool

    def read(self) -> str | None:
        """Return the configuration; None where there is none. Raises InvalidRequestError."""
        if not self.is_named:
            content = self.ports.open_node().files.read(FileName.BOOTH_CONFIG, self.name)
            return None if content is None else content.decode(errors="replace")
        try:
            return self.ports.files.read(self.conf)
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as problem:
            message = f"Unable to read Booth configuration '{self.conf}': {problem}"
            raise invalid("booth-unreadable", message) from problem

    def get(self) -> BoothConfig:
        """Return the configuration. Raises InvalidRequestError where it is none."""
        text = self.read()
        if text is None:
            message = (
                f"Unable to read Booth configuration '{self.conf}': No such file or directory: "
                f"'{self.conf}'"
            )
            self.request.findings.error("booth-unreadable", message)
            self.request.findings.stop_if_errors()
        try:
            return parse_booth(text or "")
        except ValueError as problem:
            message = f"unable to parse booth config: {problem}"
            raise invalid("booth-broken", message) from problem

    def write(self, config: BoothConfig) -> None:
        """Write the configuration."""
        text = render_booth(config)
        if self.is_named:
            self.ports.files.write(self.conf, text)
        else:
            files = self.ports.open_node().files
            files.write(FileName.BOOTH_CONFIG, text.encode(), self.name)

    def write_key(self, key: bytes) -> None:
        """Write the key, for its owner only."""
        if self.is_named:
            path = str(PurePosixPath(self.request.cwd, self.key))
            self.ports.open_report_files().write(path, key, replaces=True)
        else:
            files = self.ports.open_node().files
            files.write(FileName.BOOTH_KEY, key, PurePosixPath(self.key).name)

    def has_key(self) -> bool:
        """Say whether there is a key already."""
        files = self.ports.open_node().files
        return files.read(FileName.BOOTH_KEY, PurePosixPath(self.key).name) is not None


def place_of(request: Request, ports: Ports) -> Place:
    """Return where the files are. Raises UsageError, InvalidRequestError."""
    given = [option for option in FILE_OPTIONS if request.has(option)]
    name = name_of(request)
    if len(given) == 1:
        other = next(option for option in FILE_OPTIONS if option not in given)
        raise UsageError(f"When --{given[0]} is specified, --{other} must be specified as well")
    folder = folder_of(request)
    return Place(
        request=request,
        ports=ports,
        name=name,
        conf=request.value("booth-conf") or f"{folder}/{name}.conf",
        key=request.value("booth-key") or f"{folder}/{name}.key",
        is_named=bool(given),
    )


def find_service(root: Element, conf: str) -> Element | None:
    """Return the resource that runs booth with a configuration."""
    for element in iterate_resources(root):
        if element.tag != "primitive" or agent_of(element).type != "booth-site":
            continue
        if set_values(element, "instance_attributes").get("config") == conf:
            return element
    return None
