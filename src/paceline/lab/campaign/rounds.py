"""The run of a campaign: a round of faults, all mended, all well again, and the judge looks.

set up --> well --strike, hold, mend--> mending --nobody misses anything--> well
                                        mending --bound passed--> broken: evidence kept, all
                                        nodes powered off and on, once
"""

import contextlib
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paceline.lab import cluster, layout
from paceline.lab.campaign import judge
from paceline.lab.campaign.clients import Clients
from paceline.lab.campaign.evidence import (
    Look,
    Mark,
    Owners,
    PowerLoss,
    Window,
    parse_look,
    read_marks,
    read_owners,
    running,
)
from paceline.lab.campaign.faults import RESOURCES, Round
from paceline.lab.campaign.hands import Hands
from paceline.lab.campaign.judge import Violation
from paceline.lab.lab import Lab, LabError
from paceline.lab.members import Running, member_python
from paceline.lab.outages import Outage

WELL_SECONDS_MAX = 120.0
"""From the last mend until all is well: the watchdog's 30 s, and agents at their time limits."""
_POLL_SECONDS = 0.5
_LOOK_TIMEOUT_S = 20.0
_PROBE_MS = 20
_STEADY_SECONDS = 0.5
_SOURCE = str(Path(__file__).resolve().parents[3])
_STATUS_PAGE = "<Location /server-status>\n SetHandler server-status\n Require local\n</Location>\n"
_OPERATIONS = "op monitor interval=3s timeout=6s op start timeout=6s op stop timeout=6s"
_ADDRESS = "VirtualIP"
_KEPT = "var/log var/lib/paceline/journal* var/lib/paceline/cib*"


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundResult:
    """What came of one round.

    `settle_ms`: from the last mend until all was well. `own_ms`: how long after the first strike
    the address was started again, by the daemons' own record; None where it was not.
    """

    faults: Round
    window: Window
    settle_ms: int
    own_ms: int | None
    dark: tuple[Outage, ...]
    violations: tuple[Violation, ...]


@dataclass(slots=True)
class Evidence:
    """All that was seen so far."""

    marks: list[Mark] = field(default_factory=list)
    losses: list[PowerLoss] = field(default_factory=list)
    owners: list[Owners] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)


class Campaign:
    """One campaign in one lab."""

    def __init__(
        self, lab: Lab, *, seed: int, is_fencing_on: bool, folder: Path, say: Callable[[str], None]
    ) -> None:
        """Describe it; what it sees goes to `folder`."""
        self._lab = lab
        self._seed = seed
        self._is_fencing_on = is_fencing_on
        self._folder = folder
        self._say = say
        self._hands = Hands(lab, say)
        self._begun_ms = _now_ms()
        self._seen = Evidence()
        self._told: set[tuple[str, int, str]] = set()
        self.broken_off = ""
        """Why the campaign ended before its last round; nothing where it did not."""

    def prepare(self) -> None:
        """Make the cluster, its resources and the watch over the address."""
        lab = self._lab
        cluster.set_up(lab, lambda line: None)
        for node in lab.nodes:
            node.write_text("/etc/httpd/conf.d/status.conf", _STATUS_PAGE)
            node.write_text("/var/www/html/index.html", f"{node.name}\n")
        for line in self._set_up_lines():
            lab.nodes[0].shell(line).check()

    def _set_up_lines(self) -> list[str]:
        fencing = str(self._is_fencing_on).lower()
        address = layout.virtual_address()
        lines = [
            f"pcs stonith create fence-{name} fence_lab plug={name} pcmk_host_list={name}"
            for name in self._lab.spec.node_names
            if self._is_fencing_on
        ]
        lines += [
            f"pcs property set stonith-enabled={fencing}",
            "pcs resource defaults update resource-stickiness=100",
            f"pcs resource create {_ADDRESS} ocf:heartbeat:IPaddr2 ip={address} cidr_netmask=24"
            " op monitor interval=5s --group Web",
            "pcs resource create WebService ocf:heartbeat:apache"
            " configfile=/etc/httpd/conf/httpd.conf statusurl=http://localhost/server-status"
            " op monitor interval=10s --group Web",
        ]
        lines += [f"pcs resource create {name} ocf:lab:Witness {_OPERATIONS}" for name in RESOURCES]
        return lines

    def run(self, rounds: Sequence[Round], clients: Clients) -> list[RoundResult]:
        """Play all rounds, or up to the one after which the cluster does not come back."""
        results: list[RoundResult] = []
        with self._watch_address(), clients:
            self.broken_off = "; ".join(self._wait_well(()))
            for number, faults in enumerate(rounds, start=1):
                if self.broken_off:
                    break
                self._say(f"{number}. " + "; ".join(map(str, faults)))
                result = self._play(faults, clients)
                results.append(result)
                self._tell(number, result)
                if not result.window.settled_ms:
                    self.broken_off = "; ".join(self._power_cycle())
        return results

    # ---- one round ----

    def _play(self, faults: Round, clients: Clients) -> RoundResult:
        parts = any(fault.kind.parts_nodes for fault in faults)
        title, begun_ms = "; ".join(map(str, faults)), _now_ms()
        page = f"http://{layout.virtual_address()}/"
        with self._lab.client.probe(page, interval_ms=_PROBE_MS) as probe:
            clients.go_on()
            time.sleep(_STEADY_SECONDS)
            # Until it is over the window has no end: what happens now counts as in it.
            self._seen.windows.append(
                Window(title=title, begun_ms=begun_ms, settled_ms=0, parts_nodes=parts)
            )
            struck_ms = _now_ms()
            self._strike(faults)
            self._mend(faults)
            clients.hold()
            mended = time.monotonic()
            missing = self._wait_well(faults)
            settle_ms = round((time.monotonic() - mended) * 1000)
            time.sleep(_STEADY_SECONDS)
        window = Window(
            title=title,
            begun_ms=begun_ms,
            settled_ms=0 if missing else _now_ms(),
            parts_nodes=parts,
        )
        self._seen.windows[-1] = window
        violations = [
            Violation(rule="L1", at_ms=_now_ms(), what=what) for what in missing
        ] + self._judge(clients)
        if probe.outages and not probe.outages[-1].is_over and not missing:
            what = f"the page does not answer: {probe.outages[-1].reason}"
            violations.append(Violation(rule="L2", at_ms=_now_ms(), what=what))
        return RoundResult(
            faults=faults,
            window=window,
            settle_ms=settle_ms,
            own_ms=self._own_ms(struck_ms),
            dark=probe.outages,
            violations=tuple(violations),
        )

    def _own_ms(self, struck_ms: int) -> int | None:
        started_ms = max(look.started_ms.get(_ADDRESS, 0) for look in self._seen.looks)
        return started_ms - struck_ms if started_ms > struck_ms else None

    def _strike(self, faults: Round) -> None:
        """Let each fault begin at its moment, and the last one last as long as it should."""
        began = time.monotonic()
        for fault in faults:
            _sleep_until(began + fault.offset_ms / 1000)
            at_ms = _now_ms()
            self._hands.strike(fault)
            if fault.kind.name in ("crash", "blackout") or fault.detail == "crash":
                self._seen.losses += [
                    PowerLoss(node=node, begun_ms=at_ms, ended_ms=_now_ms(), is_fence=False)
                    for node in fault.targets
                ]
        _sleep_until(began + max(fault.offset_ms + fault.hold_ms for fault in faults) / 1000)

    def _mend(self, faults: Round) -> None:
        self._hands.mend_all()
        for fault in faults:
            if fault.kind.name == "kill-corosync":
                for node in fault.targets:
                    self._hands.start_corosync(node)

    def _wait_well(self, faults: Round) -> list[str]:
        """Wait until nothing is missing; return what still is when the bound has passed."""
        deadline = time.monotonic() + WELL_SECONDS_MAX
        is_cleaned = not any(fault.kind.name in ("agent", "disk-full") for fault in faults)
        while True:
            self._gather()
            missing = judge.why_not_well(
                self._seen.looks,
                running(self._seen.marks, self._seen.losses),
                self._seen.owners,
                RESOURCES,
            )
            is_up = all(not look.error and look.is_settled for look in self._seen.looks)
            if is_up and not is_cleaned:
                # Failures of agents keep resources away until a person says that all is well.
                is_cleaned = self._clean_up("pcs resource cleanup")
            elif is_up and any(look.leftovers for look in self._seen.looks):
                # A client that was cut off in the middle of a move left its constraint.
                moved = " ".join(self._seen.looks[0].leftovers)
                self._clean_up(f"for name in {moved}; do pcs resource clear $name; done")
            elif not missing:
                return []
            if time.monotonic() > deadline:
                return missing or ["cleaning up does not work"]
            time.sleep(_POLL_SECONDS)

    def _clean_up(self, line: str) -> bool:
        with contextlib.suppress(LabError):
            return self._lab.nodes[0].shell(line).is_ok
        return False

    # ---- evidence ----

    def _gather(self) -> None:
        lab, seen = self._lab, self._seen
        nodes = lab.spec.node_names
        seen.marks = sorted(
            (mark for node in nodes for mark in read_marks(lab.paths.witness(node), node)),
            key=lambda mark: mark.at_ms,
        )
        crashes = [loss for loss in seen.losses if not loss.is_fence]
        fences = [
            PowerLoss(
                node=entry.plug, begun_ms=entry.begun_ms, ended_ms=entry.ended_ms, is_fence=True
            )
            for entry in lab.ledger()
            if entry.is_done and entry.verb in ("off", "reboot")
        ]
        seen.losses = sorted(crashes + fences, key=lambda loss: loss.ended_ms)
        seen.owners, _ = read_owners(self._address_book, lab.spec)
        seen.looks = [self._look(node) for node in nodes]

    def _look(self, node: str) -> Look:
        command = [*member_python(), "-m", "paceline.lab.campaign.look"]
        try:
            done = self._lab.node(node).run(
                command, environment={"PYTHONPATH": _SOURCE}, timeout_s=_LOOK_TIMEOUT_S
            )
        except LabError as error:
            return Look(node=node, error=str(error), values={})
        return parse_look(node, done.out)

    def _judge(self, clients: Clients) -> list[Violation]:
        """Return every violation that was not told before."""
        seen, is_on = self._seen, self._is_fencing_on
        found = [
            *judge.ran_twice(seen.marks, seen.losses, seen.windows, is_fencing_on=is_on),
            *judge.answered_twice(seen.owners, seen.windows, _now_ms(), is_fencing_on=is_on),
            *judge.fenced_without_device(seen.looks, seen.losses, self._begun_ms),
        ]
        if is_on:
            found += judge.recovered_unfenced(seen.marks, seen.losses)
        for look in seen.looks:
            if not look.error:
                found += judge.lost_writes(clients.writes, look, _now_ms())
        fresh = []
        for violation in found:
            # A lost write stays lost: it is told once, whatever the time.
            at_ms = 0 if violation.rule in ("S4", "S9") else violation.at_ms
            known = (violation.rule, at_ms, violation.what)
            if known not in self._told:
                self._told.add(known)
                fresh.append(violation)
        return fresh

    @property
    def _address_book(self) -> Path:
        return self._lab.paths.run(layout.CLIENT) / "address.log"

    @contextlib.contextmanager
    def _watch_address(self) -> Iterator[Running]:
        command = [
            *member_python(), "-m", "paceline.lab.campaign.arp",
            layout.virtual_address(), layout.PUBLIC.device,
            str(layout.NODE_RUN / self._address_book.name),
        ]  # fmt: skip
        with self._lab.client.start(command, environment={"PYTHONPATH": _SOURCE}) as watching:
            yield watching

    def _tell(self, number: int, result: RoundResult) -> None:
        dark_s = sum(outage.duration_ms for outage in result.dark) / 1000
        self._say(
            f"   page dark {dark_s:.1f} s, well {result.settle_ms / 1000:.1f} s after mending"
        )
        for violation in result.violations:
            self._say(f"   *** {violation.rule} BROKEN at {violation.at_ms}: {violation.what}")
        if result.violations:
            self._keep_evidence(self._folder / f"round-{number}")

    def _keep_evidence(self, folder: Path) -> None:
        """Copy what tells of a broken promise: the nodes' logs and disks, all books."""
        folder.mkdir(parents=True, exist_ok=True)
        for node in self._lab.spec.node_names:
            with contextlib.suppress(LabError):
                archive = layout.NODE_RUN / "evidence.tar"
                line = f"cd / && tar --ignore-failed-read -cf {archive} {_KEPT}"
                self._lab.node(node).shell(line)
                shutil.move(self._lab.paths.run(node) / archive.name, folder / f"{node}.tar")
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self._lab.paths.witness(node), folder / f"{node}.witness")
        for book in (self._lab.paths.ledger, self._address_book):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(book, folder)
        self._say(f"   evidence is kept in {folder}")

    def _power_cycle(self) -> list[str]:
        """Switch all off and on, as people do in the end; return what is not well even then."""
        at_ms = _now_ms()
        for name in self._lab.spec.node_names:
            self._lab.crash(name)
        self._seen.losses += [
            PowerLoss(node=name, begun_ms=at_ms, ended_ms=_now_ms(), is_fence=False)
            for name in self._lab.spec.node_names
        ]
        self._hands.mend_all()
        return self._wait_well(())


def _sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.monotonic()))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
