"""The agents that are installed here: which there are, and the metadata they print.

OCF agents are files under OCF_ROOT/resource.d/PROVIDER, fence agents programs called `fence_*`,
systemd units and LSB scripts have metadata made up for them. What an agent printed is kept by the
digest of its file, so that it runs once only.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterable, Mapping

from paceline.adapters.local_files import read_bytes, replace_file
from paceline.adapters.run_command import run_bounded
from paceline.model.agent_name import AgentName
from paceline.ports.agents import AgentMetadataError

OCF_ROOT_DEFAULT = "/usr/lib/ocf"
CACHE_DIR_DEFAULT = "/var/cache/paceline"
FENCE_DIR_DEFAULT = "/usr/sbin"
LSB_DIR = "/etc/init.d"
UNIT_DIRS = (
    "/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system", "/lib/systemd/system",
)  # fmt: skip
SYSTEMD_RUNS_MARK = "/run/systemd/system"
METADATA_TIMEOUT_MS = 30_000
PATH_DEFAULT = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

_MADE_UP = """<?xml version="1.0"?>
<resource-agent name="{name}" version="0.1">
  <version>1.1</version>
  <longdesc lang="en">{long}</longdesc>
  <shortdesc lang="en">{short}</shortdesc>
  <parameters/>
  <actions>
    <action name="start" timeout="{limit}"/>
    <action name="stop" timeout="{limit}"/>
    <action name="status" timeout="{limit}"/>
    <action name="monitor" timeout="{limit}" interval="{interval}" start-delay="0"/>
    <action name="meta-data" timeout="5s"/>
  </actions>
</resource-agent>
"""


def fence_folders(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders where fence agents are looked for, in order."""
    own = environment.get("PACELINE_FENCE_DIR") or environment.get("PCS_SUITE_FENCE_DIR", "")
    path = environment.get("PATH") or PATH_DEFAULT
    return _unique([own, FENCE_DIR_DEFAULT, *path.split(":")])


class InstalledAgents:
    """What is installed on this machine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look where the environment says: OCF_ROOT, PATH, PACELINE_FENCE_DIR, and before all
        in PACELINE_METADATA_DIR, a folder of files `STANDARD__PROVIDER__TYPE.xml`.
        """
        self._ocf_root = environment.get("OCF_ROOT") or OCF_ROOT_DEFAULT
        self._path = environment.get("PATH") or PATH_DEFAULT
        self._fence_dirs = fence_folders(environment)
        self._metadata_dir = environment.get("PACELINE_METADATA_DIR") or environment.get(
            "PCS_SUITE_METADATA_DIR", ""
        )
        self._handed_on = {
            name: value for name, value in environment.items() if name.startswith("PCS_SUITE_")
        }
        self._cache_dir = environment.get("PACELINE_CACHE_DIR") or CACHE_DIR_DEFAULT

    def standards(self) -> tuple[str, ...]:
        """Return the classes that this machine can run."""
        found = ["lsb", "ocf", "service"]
        if self._has_systemd():
            found.append("systemd")
        return tuple(found)

    def providers(self) -> tuple[str, ...]:
        """Return the OCF providers that have a folder, or an agent with metadata in a file."""
        folders = (
            name
            for name in _names(self._resource_dir())
            if os.path.isdir(f"{self._resource_dir()}/{name}")
        )
        return _sorted((*folders, *(provider for provider, _ in self._described("ocf"))))

    def agents(self, agent_class: str, provider: str = "") -> tuple[str, ...]:
        """Return the agents of a class; empty where there are none."""
        match agent_class:
            case "ocf":
                return self._ocf_agents(provider)
            case "stonith":
                return self._fence_agents()
            case "systemd":
                return self._units() if self._has_systemd() else ()
            case "lsb":
                return _executables(LSB_DIR)
            case "service":
                units = self._units() if self._has_systemd() else ()
                return _sorted((*units, *_executables(LSB_DIR)))
            case _:
                return ()

    def metadata(self, agent: AgentName) -> bytes:
        """Return the agent's metadata. Raises AgentMetadataError."""
        if self._metadata_dir:
            parts = [part for part in (agent.standard, agent.provider, agent.type) if part]
            with contextlib.suppress(OSError, ValueError):
                return read_bytes(f"{self._metadata_dir}/{'__'.join(parts)}.xml")
        match agent.standard:
            case "ocf":
                path = f"{self._resource_dir()}/{agent.provider}/{agent.type}"
                return self._ask_agent(path, ("meta-data",), agent)
            case "stonith":
                return self._ask_agent(self._fence_path(agent.type), ("-o", "metadata"), agent)
            case "systemd" | "service" | "lsb":
                return self._made_up(agent)
            case other:
                raise AgentMetadataError(f"there is no agent class '{other}'")

    def _resource_dir(self) -> str:
        return f"{self._ocf_root}/resource.d"

    def _ocf_agents(self, provider: str) -> tuple[str, ...]:
        providers = (provider,) if provider else self.providers()
        found = [
            name for one in providers for name in _executables(f"{self._resource_dir()}/{one}")
        ]
        described = (name for one, name in self._described("ocf") if one in providers)
        return _sorted((*found, *described))

    def _described(self, standard: str) -> list[tuple[str, str]]:
        """Return provider and type of those agents of a class whose metadata is in a file."""
        parts = (
            name.removesuffix(".xml").split("__")
            for name in (_names(self._metadata_dir) if self._metadata_dir else ())
            if name.endswith(".xml")
        )
        return [(one[1] if len(one) == 3 else "", one[-1]) for one in parts if one[0] == standard]

    def _fence_agents(self) -> tuple[str, ...]:
        found = [
            name
            for folder in self._fence_dirs
            for name in _executables(folder)
            if name.startswith("fence_")
        ]
        return _sorted((*found, *(name for _, name in self._described("stonith"))))

    def _fence_path(self, agent_type: str) -> str:
        for folder in self._fence_dirs:
            path = f"{folder}/{agent_type}"
            if os.access(path, os.X_OK):
                return path
        raise AgentMetadataError("Agent does not exist or has no metadata")

    def _has_systemd(self) -> bool:
        return os.path.isdir(SYSTEMD_RUNS_MARK)

    def _units(self) -> tuple[str, ...]:
        return _sorted(
            name.removesuffix(".service")
            for folder in UNIT_DIRS
            for name in _names(folder)
            if name.endswith(".service")
        )

    def _made_up(self, agent: AgentName) -> bytes:
        """Return metadata for what prints none."""
        if agent.type not in self.agents(agent.standard):
            raise AgentMetadataError(f"nothing of class {agent.standard} has this name here")
        is_lsb = agent.standard == "lsb"
        name = agent.type
        return _MADE_UP.format(
            name=_escape(name),
            short=_escape(f"{name} service" if is_lsb else f"systemd unit file for {name}"),
            long=_escape(f"The {name} service."),
            limit="15s" if is_lsb else "100s",
            interval="15s" if is_lsb else "60s",
        ).encode()

    def _ask_agent(self, path: str, arguments: tuple[str, ...], agent: AgentName) -> bytes:
        """Return what the agent prints as metadata, from the cache where its file is the same."""
        if not os.access(path, os.X_OK) or os.path.isdir(path):
            raise AgentMetadataError("Agent does not exist or has no metadata")
        try:
            digest = hashlib.blake2b(read_bytes(path), digest_size=16).hexdigest()
        except (OSError, ValueError) as error:
            raise AgentMetadataError(f"{path} cannot be read: {error}") from error
        place = f"{self._cache_dir}/metadata/{agent.type}-{digest}.xml"
        with contextlib.suppress(OSError, ValueError):
            return read_bytes(place)
        printed = self._run_agent(path, arguments, agent)
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(place), mode=0o755, exist_ok=True)
            replace_file(place, printed)
        return printed

    def _run_agent(self, path: str, arguments: tuple[str, ...], agent: AgentName) -> bytes:
        env = {
            "PATH": f"{self._path}:{PATH_DEFAULT}",
            "LC_ALL": "C",
            "OCF_ROOT": self._ocf_root,
            "OCF_RA_VERSION_MAJOR": "1",
            "OCF_RA_VERSION_MINOR": "1",
            "OCF_RESOURCE_INSTANCE": agent.type,
            "OCF_RESOURCE_TYPE": agent.type,
            "OCF_RESOURCE_PROVIDER": agent.provider,
            **self._handed_on,
        }
        done = run_bounded((path, *arguments), env, METADATA_TIMEOUT_MS)
        if done.has_timed_out:
            raise AgentMetadataError(
                f"{path} printed no metadata in {METADATA_TIMEOUT_MS // 1000} s"
            )
        if done.rc != 0 or not done.out.strip():
            told = done.err.decode(errors="replace").strip() or f"exit status {done.rc}"
            raise AgentMetadataError(f"{path} printed no metadata: {told}")
        return done.out


def _escape(text: str) -> str:
    """Return the text as XML character data. (The library's own function loads slowly.)"""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _names(folder: str) -> tuple[str, ...]:
    """Return the visible names in a folder, sorted; empty where there is no such folder."""
    try:
        return _sorted(name for name in os.listdir(folder) if not name.startswith("."))
    except OSError:
        return ()


def _executables(folder: str) -> tuple[str, ...]:
    return tuple(
        name
        for name in _names(folder)
        if os.path.isfile(f"{folder}/{name}") and os.access(f"{folder}/{name}", os.X_OK)
    )


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    """Return the names once each, sorted without regard to case."""
    return tuple(sorted(set(names), key=lambda name: (name.lower(), name)))


def _unique(folders: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(folder for folder in folders if folder))
