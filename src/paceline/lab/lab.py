"""The Python interface of a lab, for tests, the demo and the benchmarks.

    with Lab("mine", nodes=2) as lab:             # up, and down at the end
        lab.node("worker1").run(["systemctl", "start", "corosync"])
        with lab.client.probe("http://192.168.222.30/") as probe:
            lab.crash("worker1")
        print(probe.outages)

Every call blocks. Errors of the lab itself are LabError; what a command in a node answers is in its
`Completed`.
"""

import json
from dataclasses import dataclass

from paceline.lab import launching, places, wire
from paceline.lab.launching import LaunchError
from paceline.lab.layout import (
    CLIENT,
    LAB_NAME_DEFAULT,
    TOKEN_MS_DEFAULT,
    LabPaths,
    LabSpec,
)
from paceline.lab.members import RUN_TIMEOUT_S, Completed, LabError, Member, Probe, Running
from paceline.lab.places import Record
from paceline.lab.wire import Answer, Request, WireError

__all__ = [
    "Completed",
    "Lab",
    "LabError",
    "LabState",
    "LedgerEntry",
    "Member",
    "Probe",
    "Running",
    "all_labs",
]

_CONTROL_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerEntry:
    """One thing the power switch did, or failed to do, and who asked. Times are Unix time."""

    begun_ms: int
    ended_ms: int
    asker: str
    verb: str
    plug: str
    is_done: bool
    error: str


class Lab:
    """A lab by its name. Making the object does nothing; `up` does."""

    def __init__(
        self,
        name: str = LAB_NAME_DEFAULT,
        *,
        nodes: int = 2,
        token_ms: int = TOKEN_MS_DEFAULT,
        disk_mib: int = 256,
        disk_folder: str = "",
    ) -> None:
        """Describe the lab; one that is up already is what it was made as."""
        wanted = LabSpec(
            name=name, nodes=nodes, token_ms=token_ms, disk_mib=disk_mib, disk_folder=disk_folder
        )
        self.paths = LabPaths(places.labs_folder() / name)
        record = places.read_record(self.paths)
        self.spec = record.spec if record is not None and places.is_alive(record) else wanted
        self._wanted = wanted

    def __enter__(self) -> "Lab":
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()

    # ---- the whole lab ----

    @property
    def is_up(self) -> bool:
        """Say whether the lab lives."""
        record = places.read_record(self.paths)
        return record is not None and places.is_alive(record)

    def up(self) -> None:
        """Make the lab and boot its nodes; no cluster is made (`cluster.set_up` does).

        Raises LabError if it is up, if the request is wrong, or if this machine cannot.
        """
        problems = [*self._wanted.problems(), *places.problems(self.paths)]
        if problems:
            raise LabError("\n".join(problems))
        if self.is_up:
            raise LabError(
                f"lab '{self._wanted.name}' is up already; end it with 'paceline lab down', or"
                " give another name"
            )
        try:
            launching.check_machine()
            launching.check_disks(self._wanted.disk_folder)
            self._launch()
        except LaunchError as error:
            raise LabError(str(error)) from error
        self.wait_for_node_services()

    def _launch(self) -> None:
        self._clear_remains()
        self.spec = self._wanted
        Record(spec=self.spec).write(self.paths)
        launch = launching.start_keeper(self.paths)
        try:
            # At once: whatever happens to us now, `down` must find the lab.
            Record(
                spec=self.spec,
                pid=launch.pid,
                started=places.process_start(launch.pid),
                boot=places.host_boot(),
            ).write(self.paths)
            launching.wait_ready(launch, self.paths)
        except BaseException:
            places.end_process(launch.pid)
            launch.held.wait()
            places.remove_folder(self.paths)
            raise

    def wait_for_node_services(self) -> None:
        """Wait until every node's service answers; one that cannot start is the user's to see."""
        started = [node.start(["systemctl", "start", "paceline-api"]) for node in self.nodes]
        for running in started:
            with running:
                running.communicate("", timeout_s=RUN_TIMEOUT_S)

    def _clear_remains(self) -> None:
        """Remove what a lab of this name left when the machine went down under it."""
        places.remove_folder(self.paths)
        self.paths.root.mkdir(mode=0o700, parents=True)

    def down(self) -> None:
        """End everything of the lab and remove its files; a lab that is not up is fine."""
        record = places.read_record(self.paths)
        if record is not None and places.is_alive(record) and not places.end_process(record.pid):
            raise LabError(f"lab '{self.spec.name}' does not end (process {record.pid})")
        places.remove_folder(self.paths)

    @property
    def state(self) -> "LabState":
        """What the keeper knows now."""
        return LabState.parse(self._ask("status").out)

    # ---- its members ----

    @property
    def nodes(self) -> tuple[Member, ...]:
        """All nodes, in order."""
        return tuple(Member(name, self.paths) for name in self.spec.node_names)

    @property
    def client(self) -> Member:
        """The client: on the networks, not in the cluster."""
        return Member(CLIENT, self.paths)

    def node(self, name: str) -> Member:
        """Return a node or the client. Raises LabError."""
        if name not in self.spec.member_names:
            known = ", ".join(self.spec.member_names)
            raise LabError(f"there is no '{name}' in lab '{self.spec.name}' (it has {known})")
        return Member(name, self.paths)

    # ---- what can be done to them ----

    def crash(self, name: str) -> None:
        """Take a node's power away: cables first, then everything killed at once."""
        self._ask("crash", name)

    def boot(self, name: str) -> None:
        """Give a node its power back; returns when its init runs."""
        self._ask("boot", name)

    def freeze(self, name: str) -> None:
        """Stop all of a node's processes; its links stay up."""
        self._ask("freeze", name)

    def thaw(self, name: str) -> None:
        """Let a frozen node go on."""
        self._ask("thaw", name)

    def cut(
        self, first: str, second: str = "", *, device: str = "", is_one_way: bool = False
    ) -> None:
        """Drop all packets between two members, or one and all, on one link or on both.

        `is_one_way`: only those that `first` sends.
        """
        self._ask("cut", first, second, device, "one-way" if is_one_way else "both-ways")

    def spoil(self, name: str, *, loss_percent: float = 0.0, delay_ms: int = 0) -> None:
        """Lose packets of a member by chance, and hold them, each way."""
        self._ask("spoil", name, str(round(loss_percent * 10)), str(delay_ms))

    def fill(self, name: str) -> None:
        """Fill a node's disk; `heal` gives it room again."""
        self._ask("fill", name)

    def heal(self, name: str = "") -> None:
        """Undo cuts, spoils, full disks and broken plugs, of one member or of all."""
        self._ask("heal", name)

    def break_power(self, name: str) -> None:
        """Make the power switch fail for a node's plug, until `heal` or `mend_power`."""
        self._ask("break-power", name)

    def mend_power(self, name: str) -> None:
        """Make the power switch work for a node's plug again."""
        self._ask("mend-power", name)

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Return what the power switch did, oldest first."""
        try:
            lines = self.paths.ledger.read_text().splitlines()
        except FileNotFoundError:
            return ()
        return tuple(LedgerEntry(**json.loads(line)) for line in lines)

    def _ask(self, verb: str, *words: str) -> Answer:
        request = Request(verb=verb, words=words)
        try:
            answer = wire.ask(self.paths.control, request, timeout_s=_CONTROL_TIMEOUT_S)
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise LabError(f"lab '{self.spec.name}' is not up") from error
        except (OSError, WireError) as error:
            raise LabError(f"lab '{self.spec.name}' does not answer: {error}") from error
        if answer.code:
            raise LabError(answer.err)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class LabState:
    """What the keeper knows: each member's power state and boots, the faults.

    `shared_disk` is the device that all nodes share, as they see it; "" if there is none.
    """

    members: tuple[tuple[str, str], ...]
    boots: tuple[tuple[str, int], ...]
    cuts: tuple[tuple[str, ...], ...]
    spoils: tuple[tuple[str, int, int], ...]
    full: tuple[str, ...]
    shared_disk: str

    @classmethod
    def parse(cls, text: str) -> "LabState":
        """Return the state of the keeper's JSON."""
        told = json.loads(text)
        return cls(
            members=tuple((name, member["state"]) for name, member in told["members"].items()),
            boots=tuple((name, member["boots"]) for name, member in told["members"].items()),
            cuts=tuple(tuple(cut) for cut in told["cuts"]),
            spoils=tuple((spoil[0], spoil[1], spoil[2]) for spoil in told["spoils"]),
            full=tuple(told["full"]),
            shared_disk=told["shared_disk"],
        )

    def power(self, name: str) -> str:
        """Return a member's power state: off, booting, on, frozen."""
        return dict(self.members)[name]


def all_labs() -> tuple[Lab, ...]:
    """Return this user's labs that live; what dead ones left is removed."""
    folder = places.labs_folder()
    found = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        record = places.read_record(LabPaths(path))
        if record is not None and places.is_alive(record):
            found.append(Lab(path.name))
        elif record is not None and record.pid:
            places.remove_folder(LabPaths(path))
    return tuple(found)
