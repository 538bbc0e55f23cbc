"""`greenroom up`: from an empty folder, or from whatever an earlier run left, to a house that works."""

import os
import re
import signal
from types import FrameType

from foundation import settings as house
from foundation.clock import monotonic, pause
from foundation.errors import Unavailable
from foundation.http import HttpClient
from foundation.settings import Settings
from foundation.words import Message
from workers import embedded, greeting, ports, services
from workers import home as places
from workers.home import Home
from workers.once import Answer, Once, did_not_start, is_installed, last_line, log_size, said_since
from workers.processes import TABLE, Program, Row, postgres, programs, redis, rows
from workers.report import HouseReport, ProcessReport, recorded
from workers.supervisor import FINE, TICK_SECONDS, Child, Pace, ProcessState, Supervisor, end_leftovers, leftovers
from workers.terminal import errors_as_exit_codes, note, step

SERVICE_SECONDS = 60.0
"""PostgreSQL may have to recover after a crash."""
PROCESS_SECONDS = 60.0
"""After this a start is over, ready or not; who is late is named and watched on."""
PORT_TRIES = 3
"""How often a service whose port somebody took meanwhile is given another one."""
PORT_LOST = re.compile(r"Failed listening on port|could not create any TCP/IP sockets")
"""What a Redis and a PostgreSQL say that cannot listen (`server.c`, `postmaster.c`); who had the port may be gone."""
HOPELESS_RESTARTS = 2
"""A start does not wait for a process that ended this often."""
PREPARE, SEED = "workers.preparing:prepare", "workers.demo:seed"


class Stopped(Exception):
    """The person, or the machine, asked us to stop."""


class Stack:
    """One run of the house."""

    def __init__(self, table: tuple[Row, ...] = TABLE, pace: Pace | None = None) -> None:
        self._table = table
        self.settings = house.load()
        self.home = Home(self.settings.home)
        self._supervisor = Supervisor(self.home.folder, log=self.home.log, pace=pace)
        self._forks = self._supervisor.forks if any(row.forked for row in table) else None
        self._http = HttpClient(max_connections=4)
        self._lock: places.Lock | None = None
        self._asked = 0
        self._phase = "starting"
        self._said: HouseReport | None = None
        self._welcome: Once | None = None
        self._probes: dict[str, int] = {}

    # rising

    def rise(self) -> None:
        """Every step of a start, in order. Raises GreenroomError with what to do, and Stopped."""
        with step(Message("stack.step_folder", {"folder": str(self.home.folder)})):
            self._take_home()
        self._tidy()
        if self._forks is not None:
            self._forks.begin()  # it loads while the services start
        self._choose_ports()
        self._start_services()
        with step(Message("stack.step_tables")):
            self._run("migrate", PREPARE)
        if self.settings.environment != "production" and is_installed(SEED):
            with step(Message("stack.step_demo")):
                self._run("seed", SEED)
        self._welcome = greeting.ask_welcome(self.home, self.settings, self._forks)
        self._start_processes()
        self._phase = "up"
        self._record()

    def greet(self, *, browser: bool) -> None:
        """Say where everything is, with the one-time link."""
        greeting.greet(self.settings, self._welcome, waiting=self._wait, browser=browser)

    def _take_home(self) -> None:
        places.furnish(self.home)
        self._lock = places.acquire(self.home)
        places.make_secrets(self.home)
        self.settings = house.load()

    def _tidy(self) -> None:
        """End what a killed run left behind, and forget what only it could say."""
        earlier = recorded(self.home)
        left = leftovers([(p.pid, p.born) for p in earlier.processes if p.pid and p.born], self.home.folder)
        if left:
            with step(Message("stack.step_leftovers", {"count": len(left)})):
                end_leftovers(left)
        for path in self.home.run.glob("*.ready"):
            path.unlink()
        if services.database_is_ours(self.settings):
            embedded.forget_stale_pid(self.home.postgres)

    def _choose_ports(self) -> None:
        foreign = {name for name, own in self._own_services().items() if not own}
        values, moves = ports.choose(self.settings, without=frozenset(foreign))
        self._listen_at(values, moves)

    def _own_services(self) -> dict[str, bool]:
        return {
            "postgres": services.database_is_ours(self.settings),
            "redis": services.redis_is_ours(self.settings),
        }

    def _listen_at(self, values: dict[str, str], moves: list[ports.Moved]) -> None:
        """Say what had to move, and remember every port with the addresses that contain it."""
        for moved in moves:
            params: dict[str, str | int] = {"name": moved.name, "was": moved.was, "now": moved.now, "user": moved.by}
            note(Message("stack.port_moved", params))
        ours = self._own_services()
        places.write_env(self.home, values)
        self.settings = house.load()
        places.write_env(
            self.home, services.own_addresses(self.settings, database=ours["postgres"], redis=ours["redis"])
        )
        self.settings = house.load()

    def _start_services(self) -> None:
        if services.database_is_ours(self.settings):
            if not self.home.postgres.exists():
                with step(Message("stack.step_cluster")):
                    embedded.init_postgres(self.home.postgres, services.superuser_password(self.settings))
            with step(Message("stack.step_database")):
                embedded.init_postgres(self.home.postgres, services.superuser_password(self.settings))
                self._start_service("postgres")
        if services.redis_is_ours(self.settings):
            with step(Message("stack.step_redis")):
                self._start_redis()

    def _start_redis(self) -> None:
        """Redis may be lost at any second: one that cannot read its file starts without it."""
        try:
            self._start_service("redis")
        except Unavailable:
            if not self.home.redis.exists():
                raise
            self._supervisor.drop("redis")
            aside = embedded.put_aside(self.home.redis)
            note(Message("stack.redis_aside", {"folder": str(aside)}))
            self._start_service("redis")

    def _start_service(self, name: str) -> None:
        """Start what everything else needs, on another port where somebody took its own since the ports were chosen.

        Raises Unavailable with the last line of its log when it ends or hangs.
        """
        for _ in range(PORT_TRIES):
            earlier = log_size(self.home, name)
            try:
                return self._start_once(name)
            except Unavailable:
                if not PORT_LOST.search(said_since(self.home, name, earlier)):
                    raise
            self._supervisor.drop(name)
            self._listen_at(*ports.move(self.settings, name))
        return self._start_once(name)

    def _start_once(self, name: str) -> None:
        child, until = self._supervisor.start(self._service(name)), monotonic() + SERVICE_SECONDS
        while child.state is not ProcessState.READY:
            self._wait()
            if child.state in (ProcessState.RESTARTING, ProcessState.DEGRADED) or monotonic() > until:
                raise did_not_start(self.home, name)

    def _service(self, name: str) -> Program:
        """As the settings say now."""
        if name == "redis":
            return redis(self.settings, services.redis_password(self.settings))
        return postgres(self.settings)

    def _run(self, name: str, main: str) -> Answer:
        return Once(self.home, name, main, self._forks).answer(waiting=lambda: self._wait(0.0))

    def _start_processes(self) -> None:
        present = self._present()
        self._probes = ports.for_probes(self.settings, [row.name for row in present])
        wanted = programs(present, self.settings, self._http, probes=self._probes)
        children = [self._supervisor.start(program) for program in wanted]
        until = monotonic() + PROCESS_SECONDS
        for child in children:
            name = child.program.name
            with step(Message("stack.step_process", {"name": name})) as this:
                while not (child.state in FINE or _is_hopeless(child) or monotonic() > until):
                    self._wait()
                this.failed = child.state not in FINE
            if this.failed:
                params = {"name": name, "log": str(self.home.log(name)), "detail": last_line(self.home, name)}
                note(Message("stack.process_late", params))
        everybody = self._supervisor.children.values()  # PostgreSQL and Redis too: "up" is said of all at once
        while monotonic() < until and not all(child.state in FINE or _is_hopeless(child) for child in everybody):
            self._wait()  # one that was ready is asked again while others start

    def _present(self) -> tuple[Row, ...]:
        """The table without what starts on demand and is not installed: who asks for it must be refused at once."""
        here = (row for row in self._table if not row.on_demand or is_installed(row.main))
        return rows(tuple(here), self.settings)

    # running

    def watch(self) -> None:
        """Until somebody asks us to stop."""
        while True:
            self._wait()

    def _wait(self, seconds: float = TICK_SECONDS) -> None:
        if self._asked:
            raise Stopped
        self._supervisor.tick()
        self._record()
        pause(seconds)

    def asked_to_stop(self, _signum: int, _frame: FrameType | None) -> None:
        """Ctrl-C and SIGTERM: once, finish what is in hand; twice, do not."""
        self._asked += 1
        self._supervisor.hurry = self._asked > 1

    def fall(self) -> None:
        """Stop everything that was started, in order."""
        if self._lock is None:
            return
        self._phase = "stopping"
        self._record()
        if self._forks is not None:
            self._forks.end()
        if self._supervisor.children:
            with step(Message("stack.step_stop")):
                self._supervisor.stop()
            for child in self._supervisor.children.values():
                if child.last_exit == -signal.SIGKILL:
                    note(Message("stack.forced", {"name": child.program.name}))
        self._phase = "stopped"
        self._record()
        self._http.close()
        self._lock.release()

    def _record(self) -> None:
        """Write the state for other terminals, when it has changed. A full disk does not stop the house."""
        report = HouseReport(
            phase=self._phase,
            pid=os.getpid(),
            addresses=greeting.addresses(self.settings),
            ports={listener.name: listener.port(self.settings) for listener in ports.LISTENERS},
            processes=[_report(child, self._probes.get(name)) for name, child in self._supervisor.children.items()],
        )
        if report == self._said:
            return
        self._said = report
        try:
            places.write_whole(self.home.state, report.model_dump_json(indent=1))
        except Unavailable:
            self._said = None


def _is_hopeless(child: Child) -> bool:
    return child.state is ProcessState.DEGRADED or child.restarts >= HOPELESS_RESTARTS


def _report(child: Child, metrics: int | None) -> ProcessReport:
    return ProcessReport(
        name=child.program.name,
        state=child.state,
        ready=child.state in FINE,
        pid=child.process.pid if child.process is not None else None,
        born=child.born,
        restarts=child.restarts,
        since=child.since,
        last_exit=child.last_exit,
        metrics=metrics,
    )


def up(*, table: tuple[Row, ...] = TABLE, pace: Pace | None = None, greet: bool = True, browser: bool = False) -> None:
    """Run the house in this terminal until Ctrl-C. Raises GreenroomError when it cannot start, with what to do."""
    os.umask(0o077)  # all that is made in the home is for our eyes only
    started, stack = monotonic(), Stack(table, pace)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stack.asked_to_stop)
    try:
        stack.rise()
        note(Message("stack.up", {"seconds": f"{monotonic() - started:.1f}"}))
        if greet:
            stack.greet(browser=browser)
        stack.watch()
    except Stopped:
        print()
    finally:
        stack.fall()


def in_background(_settings: Settings) -> None:
    """The main of a detached supervisor: its terminal is a log, so the one-time link is left out."""
    with errors_as_exit_codes():
        up(greet=False)
