"""`paceline-daemon`: put the parts together, run until the replica says that we leave.

    lock, log --> Corosync reached, orphans settled, journal read --> replica --> socket, READY
              --> Corosync away, a daemon of this boot died --> EngineLost --> (the same)
        SIGTERM --> Shutdown --> Leave --> everything closed --> exit status

Services run on whenever the daemon ends otherwise (DESIGN 6): nothing here ends an agent.
"""

import asyncio
import gc
import os
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from paceline import __version__
from paceline.adapters.clock import DaemonLife, SystemClock, read_boot_id
from paceline.adapters.corosync.engine import CorosyncEngine
from paceline.adapters.executor.environment import AgentFolders
from paceline.adapters.executor.executor import AgentExecutor
from paceline.adapters.executor.urgency import go_first
from paceline.adapters.journal import FileJournal
from paceline.adapters.node_paths import node_paths
from paceline.adapters.scheduler_process import SchedulerProcess
from paceline.adapters.watchdog_device import WatchdogDevice
from paceline.daemon.alerts import AlertSender
from paceline.daemon.answers import Answerer
from paceline.daemon.checking import check_configuration
from paceline.daemon.driver import Driver
from paceline.daemon.loop import StallMeter, make_loop
from paceline.daemon.notes import NoteLog
from paceline.daemon.notify import ServiceNotifier
from paceline.daemon.server import SocketServer
from paceline.daemon.settings import LEVELS, Settings, read_settings
from paceline.daemon.tool_links import link_tools
from paceline.model.errors import InvariantError, UnreachableError
from paceline.model.identifiers import NodeId, NodeName, RequestId
from paceline.replica.effects import Leave, Note, RaiseAlert
from paceline.replica.events import EngineConnected, EngineLost, Event
from paceline.replica.identity import Identity, Stored
from paceline.replica.replica import Replica
from paceline.replica.requests import Shutdown

EXIT_BUG = 70
"""Our own error (EX_SOFTWARE): the supervisor starts us again."""
EXIT_NOT_STARTED = 1
EARLY_EVENTS_MAX = 200_000
ENGINE_LOOK_MS = 20
"""How often it is looked whether Corosync lets us in."""
SHUTDOWN_MS_MAX = 30 * 60 * 1000
"""A clean leave waits for the agents' stops; systemd's own limit comes before this."""
CLOSE_MS_MAX = 2_000
FEED_SECONDS = 1.0
"""How often a hardware watchdog is fed: its own limit is ten seconds and more."""


class Inlet:
    """Takes events before there is a replica, and hands them on afterwards."""

    def __init__(self) -> None:
        """Begin to collect."""
        self._early: deque[Event] = deque(maxlen=EARLY_EVENTS_MAX)
        self._driver: Driver | None = None

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if self._driver is None:
            self._early.append(event)
        else:
            self._driver.feed(event)

    def open(self, driver: Driver) -> None:
        """Hand on what came early, in order; what comes now goes straight through."""
        self._driver = driver
        while self._early:
            driver.feed(self._early.popleft())


class Daemon:
    """One daemon, from its lock to its exit status."""

    def __init__(
        self,
        settings: Settings,
        *,
        life: DaemonLife,
        boot_id: str,
        clock: SystemClock,
        meter: StallMeter,
        loop: asyncio.AbstractEventLoop,
        notifier: ServiceNotifier,
    ) -> None:
        """Prepare; nothing is opened yet."""
        self._settings = settings
        self._life = life
        self._boot_id = boot_id
        self._clock = clock
        self._meter = meter
        self._loop = loop
        self._notifier = notifier
        self._is_stop_wanted = asyncio.Event()
        self._failure: BaseException | None = None
        self._identity: Identity | None = None
        self._driver: Driver | None = None
        self._notes = NoteLog(
            settings,
            node=os.uname().nodename.partition(".")[0],
            clock=clock,
            is_journal="JOURNAL_STREAM" in os.environ,
        )

    async def run(self) -> int:
        """Run until we leave; return the exit status."""
        self._loop.set_exception_handler(self._on_exception)
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._on_stop)
        self._loop.add_signal_handler(signal.SIGHUP, self._on_reload)
        self._notes.say(
            "notice", "daemon-started", f"paceline {__version__} starts", pid=str(os.getpid())
        )
        self._warn_of_level(self._settings)
        inlet = Inlet()
        engine = CorosyncEngine(lambda event: self._from_engine(event, inlet), loop=self._loop)
        journal = FileJournal(
            inlet, self._settings.state_dir, on_problem=self._on_disk_problem, loop=self._loop
        )
        planner = SchedulerProcess(inlet, loop=self._loop)
        engine.start()
        executor: AgentExecutor | None = None
        try:
            stored = await self._loop.run_in_executor(None, journal.read)
            stored = structs.replace(stored, was_current=self._life.was_current)
            self._note_stored(stored)
            identity = await self._wait_for_engine(engine)
            if identity is None:
                return 0
            self._life.keep_node(identity.node_id, identity.node)
            if engine.is_away:
                inlet(EngineLost())
            executor = AgentExecutor(
                inlet,
                folders=self._folders(),
                clock=self._clock,
                incarnation=identity.incarnation,
                node_id=identity.node_id,
                loop=self._loop,
            )
            for line in await executor.settle_orphans():
                self._notes.say("warning", "orphan-settled", line)
            stored = structs.replace(stored, started=executor.started())
            driver = self._make_driver(Replica(identity, stored))
            driver.attach(engine=engine, executor=executor, journal=journal, planner=planner)

            def figures() -> dict[str, str]:
                agents = executor.internals() if executor is not None else {}
                return {**engine.internals(), **agents, **planner.internals()}

            return await self._serve(driver, identity, inlet, figures)
        finally:
            self._notifier.tell("STOPPING=1")
            if executor is not None:
                executor.cancel_all_recurring()
                await executor.close(wait_ms_max=CLOSE_MS_MAX)
            engine.close()
            await journal.close()
            await planner.close()
            self._notes.close()

    def _folders(self) -> AgentFolders:
        return AgentFolders(
            tools=link_tools(Path(sys.executable).parent, self._settings.runtime_dir),
            runtime=self._settings.runtime_dir,
            diagnosis=self._settings.log_dir / "diagnosis",
            secrets=node_paths(os.environ).secrets,
        )

    def _note_stored(self, stored: Stored) -> None:
        level = "warning" if stored.was_damaged else "info"
        detail = stored.detail or f"{len(stored.records)} records since the checkpoint"
        self._notes.say(level, "journal-read", detail)

    def _on_disk_problem(self, problem: str) -> None:
        self._notes.say("warning", "cib-file", problem)

    async def _wait_for_engine(self, engine: CorosyncEngine) -> Identity | None:
        """Return who we are as soon as Corosync says it; None where we are to stop before.

        Where a daemon of this boot did not leave cleanly, its services may run on, and an
        unreachable Corosync is a lost quorum at once (DESIGN 6): then we are who that one was.
        """
        told = ""
        before = self._life.find_node()
        while not self._is_stop_wanted.is_set():
            try:
                node_id, node = engine.local_node()
            except UnreachableError as problem:
                if before is not None and engine.is_away:
                    text = "services of an earlier life may run here, and Corosync is away"
                    self._notes.say("warning", "engine-away", f"{text}: {problem}")
                    return self._identify(*before)
                if str(problem) != told:
                    told = str(problem)
                    self._notes.say("info", "engine-awaited", told)
                await asyncio.sleep(ENGINE_LOOK_MS / 1000)
                continue
            return self._identify(node_id, node)
        return None

    def _identify(self, node_id: NodeId, node: NodeName) -> Identity:
        self._identity = Identity(
            node=node,
            node_id=node_id,
            boot_id=self._boot_id,
            incarnation=self._life.incarnation,
            version=f"paceline-{__version__}",
        )
        return self._identity

    def _from_engine(self, event: Event, inlet: Inlet) -> None:
        """Hand an event on, unless Corosync takes us for another node than we are."""
        me = self._identity
        if (
            isinstance(event, EngineConnected)
            and me is not None
            and event.address.node_id != me.node_id
        ):
            number = event.address.node_id
            raise InvariantError(f"this node's id is {number} now, and was {me.node_id}")
        inlet(event)

    def _make_driver(self, replica: Replica) -> Driver:
        alerts = AlertSender(version=__version__, on_problem=self._on_alert_problem)

        def on_alert(alert: RaiseAlert) -> None:
            alerts.send(
                alert, replica.configuration, replica.version, wall_ms=self._clock.wall_ms()
            )

        return Driver(
            replica,
            loop=self._loop,
            clock=self._clock,
            meter=self._meter,
            on_note=self._notes.write,
            on_alert=on_alert,
            on_standing=self._life.keep_standing,
        )

    def _on_alert_problem(self, problem: str) -> None:
        self._loop.call_soon_threadsafe(
            self._notes.write, Note(level="warning", code="alert-failed", message=problem)
        )

    async def _serve(
        self,
        driver: Driver,
        identity: Identity,
        inlet: Inlet,
        figures: Callable[[], dict[str, str]],
    ) -> int:
        """Serve until the replica leaves; return its exit status."""
        self._driver = driver
        answerer = Answerer(
            driver,
            identity=identity,
            notes=self._notes,
            clock=self._clock,
            check_configuration=check_configuration,
            figures=figures,
        )
        watchdog = WatchdogDevice(self._settings.watchdog) if self._settings.watchdog else None
        server = SocketServer(self._settings.runtime_dir, answerer, self._notes.say)
        await server.open()
        inlet.open(driver)
        gc.collect()
        gc.freeze()
        self._meter.begin_anew()
        self._notifier.tell(f"READY=1\nSTATUS=node {identity.node}")
        keepers = [
            asyncio.ensure_future(self._feed_watchdog()),
            asyncio.ensure_future(self._leave_when_asked(driver, identity)),
        ]
        if watchdog is not None:
            keepers.append(asyncio.ensure_future(self._feed_device(watchdog, driver)))
        is_clean = False
        try:
            leave: Leave = await driver.leaving
            is_clean = leave.is_clean
        finally:
            for keeper in keepers:
                keeper.cancel()
            await server.close()
            if watchdog is not None:
                watchdog.close(is_clean=is_clean)
        if self._failure is not None:
            raise self._failure
        if leave.is_clean:
            self._life.forget_node()
        self._notes.say(
            "notice", "daemon-leaves", leave.why or "left", status=str(leave.exit_status)
        )
        return leave.exit_status

    async def _feed_watchdog(self) -> None:
        """Tell systemd that the loop turns, twice as often as it wants to hear it."""
        while self._notifier.watchdog_ms:
            self._notifier.tell("WATCHDOG=1")
            await asyncio.sleep(self._notifier.watchdog_ms / 2000)

    async def _feed_device(self, watchdog: WatchdogDevice, driver: Driver) -> None:
        """Feed the machine's own watchdog while the loop turns and events come to their end."""
        self._notes.say("notice", "watchdog-fed", f"{self._settings.watchdog} is fed from now on")
        is_told = False
        while True:
            try:
                if driver.is_sound():
                    watchdog.feed()
            except OSError as problem:
                if not is_told:
                    self._notes.say("error", "watchdog-failed", str(problem))
                is_told = True
            await asyncio.sleep(FEED_SECONDS)

    async def _leave_when_asked(self, driver: Driver, identity: Identity) -> None:
        await self._is_stop_wanted.wait()
        self._notes.say("notice", "stop-asked", "asked to stop: resources are moved or stopped")
        name = RequestId(f"{identity.node}/{identity.boot_id}/{identity.incarnation}/stop")
        answer = await driver.submit(name, Shutdown(), timeout_ms=SHUTDOWN_MS_MAX)
        self._notes.say("info", "stop-answered", answer.detail or answer.outcome.value)

    def _on_stop(self) -> None:
        self._is_stop_wanted.set()

    def _on_reload(self) -> None:
        """Read the settings anew: the level of notes is the one that can change meanwhile."""
        settings = read_settings(os.environ)
        self._notes.say("notice", "settings-read", f"notes from level {settings.log_level} on")
        self._notes.set_level(settings.log_level)
        self._warn_of_level(settings)

    def _warn_of_level(self, settings: Settings) -> None:
        if settings.unknown_level:
            self._notes.say(
                "warning",
                "unknown-level",
                f"PACELINE_LOG_LEVEL={settings.unknown_level} is none of {', '.join(LEVELS)}; "
                f"{settings.log_level} is taken",
            )

    def _on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """End the daemon for what no callback may raise; services run on."""
        error = context.get("exception")
        failure = error if isinstance(error, BaseException) else None
        words = "".join(traceback.format_exception(failure)) if failure else context.get("message")
        self._notes.say("error", "bug", str(words))
        if failure is None or isinstance(failure, OSError):
            return
        self._failure = self._failure or failure
        if self._driver is None:
            loop.stop()
        elif not self._driver.leaving.done():
            self._driver.leaving.set_result(Leave(exit_status=EXIT_BUG, why="our own error"))


def main() -> int:
    """Run the daemon of this node; return the exit status."""
    settings = read_settings(os.environ)
    try:
        boot_id = read_boot_id()
        Path(settings.state_dir).mkdir(mode=0o750, parents=True, exist_ok=True)
        life = DaemonLife(settings.runtime_dir, boot_id)
    except (UnreachableError, OSError) as problem:
        print(f"paceline-daemon: {problem}", file=sys.stderr)
        return EXIT_NOT_STARTED
    go_first()
    clock = SystemClock()
    meter = StallMeter(clock)
    meter.watch_collector()
    loop = make_loop(meter)
    asyncio.set_event_loop(loop)
    notifier = ServiceNotifier(os.environ, os.getpid())
    try:
        daemon = Daemon(
            settings,
            life=life,
            boot_id=boot_id,
            clock=clock,
            meter=meter,
            loop=loop,
            notifier=notifier,
        )
        return loop.run_until_complete(daemon.run())
    except (InvariantError, RuntimeError):
        traceback.print_exc()
        return EXIT_BUG
    except OSError as problem:
        print(f"paceline-daemon: {problem}", file=sys.stderr)
        return EXIT_NOT_STARTED
    finally:
        life.close()


if __name__ == "__main__":
    sys.exit(main())
