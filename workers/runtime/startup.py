"""`greenroom up`: starts an installation from an empty folder or from the state that an earlier run
left."""

import os
import re
import signal
from types import FrameType

from foundation.errors import Unavailable
from foundation.http.http_client import HttpClient
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, load_settings
from workers.installation import data_services, ports
from workers.installation.folder import (
    InstallationFolder,
    SupervisorLock,
    acquire_lock,
    create_folders,
    create_missing_secrets,
    write_atomically,
    write_env,
)
from workers.installation.state_file import InstallationStatus, ProcessStatus, read_recorded_status
from workers.runtime import embedded_servers, start_summary
from workers.runtime.process_table import (
    PROCESS_TABLE,
    WORKER_PROCESSES,
    ProcessDefinition,
    Program,
    build_programs,
    expand_scaled_processes,
    postgres_program,
    redis_program,
)
from workers.runtime.subprocess_task import (
    SubprocessTask,
    TaskResult,
    is_installed,
    last_log_line,
    log_size,
    read_log_since,
    start_failure,
)
from workers.runtime.supervisor import (
    HEALTHY_STATES,
    TICK_SECONDS,
    ProcessState,
    RestartPolicy,
    SupervisedProcess,
    Supervisor,
    find_leftover_processes,
    stop_processes,
)
from workers.runtime.tls import check_tls
from workers.terminal.output import exit_on_error, print_note, print_progress, progress_step

SERVICE_SECONDS = 60.0
"""Maximum seconds for the start of a service. PostgreSQL may have to recover after a crash."""
PROCESS_SECONDS = 60.0
"""Seconds after which the start is over. Processes that are not ready are reported, and the
supervisor continues to watch them."""
PORT_TRIES = 3
"""Maximum number of ports tried for a service if other programs take them."""
PORT_TAKEN_MESSAGE = re.compile(r"Failed listening on port|could not create any TCP/IP sockets")
"""Log messages of Redis and PostgreSQL when they cannot listen (`server.c`, `postmaster.c`). The
other program may have ended since."""
RESTARTS_BEFORE_GIVING_UP = 2
"""Number of restarts after which a start no longer waits for a process."""
DATABASE_SETUP_TASK = "workers.installation.database_setup:migrate_and_replay"
DEMO_SEED_TASK = "demo.agency.lifecycle:seed_demo"


class StopRequested(Exception):
    """Raised when the user or the system requests a stop."""


class InstallationStart:
    """One run of the installation."""

    def __init__(
        self,
        table: tuple[ProcessDefinition, ...] = PROCESS_TABLE,
        pace: RestartPolicy | None = None,
        *,
        only_workers: bool = False,
    ) -> None:
        """With `only_workers`, run the workers of an installation whose data services and pages are
        on other machines."""
        self._only_workers = only_workers
        self._table = (
            tuple(row for row in table if row.name in WORKER_PROCESSES) if only_workers else table
        )
        self.settings = load_settings()
        self.home = InstallationFolder(self.settings.home)
        self._supervisor = Supervisor(self.home.folder, log=self.home.log_file, pace=pace)
        self._forks = self._supervisor.fork_server if any(row.is_forked for row in table) else None
        self._http = HttpClient(max_connections=4)
        self._lock: SupervisorLock | None = None
        self._asked = 0
        self._phase = "starting"
        self._said: InstallationStatus | None = None
        self._welcome: SubprocessTask | None = None
        self._probes: dict[str, int] = {}

    # Start

    def start(self) -> None:
        """Run every step of the start in order. Raises GreenroomError with instructions, and
        StopRequested."""
        with progress_step(Message("stack.step_folder", {"folder": str(self.home.folder)})):
            self._prepare_folder()
            check_tls(self.settings)
        self._end_leftover_processes()
        if self._forks is not None:
            self._forks.start_server()  # it loads while the services start
        if self._only_workers:
            self._start_processes()
            self._phase = "up"
            self._write_status()
            return
        self._choose_ports()
        self._start_services()
        with progress_step(Message("stack.step_tables")):
            self._run_task("migrate", DATABASE_SETUP_TASK)
        if self.settings.environment != "production" and is_installed(DEMO_SEED_TASK):
            with progress_step(Message("stack.step_demo")):
                self._run_task("seed", DEMO_SEED_TASK)
        self._welcome = start_summary.start_welcome_task(self.home, self.settings, self._forks)
        self._start_processes()
        self._phase = "up"
        self._write_status()

    def print_summary(self, *, browser: bool) -> None:
        """Print the addresses and the one-time link."""
        start_summary.print_start_summary(
            self.settings, self._welcome, waiting=self._wait_tick, browser=browser
        )

    def _prepare_folder(self) -> None:
        if self._only_workers:
            data_services.require_shared_services(self.settings)
        create_folders(self.home)
        self._lock = acquire_lock(self.home)
        create_missing_secrets(self.home)
        self.settings = load_settings()

    def _end_leftover_processes(self) -> None:
        """Stop processes of an earlier, killed run and delete their state files."""
        earlier = read_recorded_status(self.home)
        left = find_leftover_processes(
            [(p.pid, p.born) for p in earlier.processes if p.pid and p.born], self.home.folder
        )
        if left:
            with progress_step(Message("stack.step_leftovers", {"count": len(left)})):
                stop_processes(left)
        for path in self.home.run_folder.glob("*.ready"):
            path.unlink()
        if data_services.is_database_embedded(self.settings):
            embedded_servers.remove_stale_lock_files(self.home.postgres_folder)

    def _choose_ports(self) -> None:
        foreign = {name for name, own in self._own_services().items() if not own}
        values, moves = ports.choose_ports(self.settings, without=frozenset(foreign))
        self._listen_at(values, moves)

    def _own_services(self) -> dict[str, bool]:
        return {
            "postgres": data_services.is_database_embedded(self.settings),
            "redis": data_services.is_redis_embedded(self.settings),
        }

    def _listen_at(self, values: dict[str, str], moves: list[ports.PortChange]) -> None:
        """Report changed ports, and store all ports with the addresses that contain them."""
        for moved in moves:
            params: dict[str, str | int] = {
                "name": moved.name,
                "was": moved.old_port,
                "now": moved.new_port,
                "user": moved.occupied_by,
            }
            print_note(Message("stack.port_moved", params))
        ours = self._own_services()
        write_env(self.home, values)
        self.settings = load_settings()
        write_env(
            self.home,
            data_services.embedded_addresses(
                self.settings, database=ours["postgres"], redis=ours["redis"]
            ),
        )
        self.settings = load_settings()

    def _start_services(self) -> None:
        if data_services.is_database_embedded(self.settings):
            if not self.home.postgres_folder.exists():
                with progress_step(Message("stack.step_cluster")):
                    embedded_servers.init_postgres(
                        self.home.postgres_folder, data_services.superuser_password(self.settings)
                    )
            with progress_step(Message("stack.step_database")):
                embedded_servers.init_postgres(
                    self.home.postgres_folder, data_services.superuser_password(self.settings)
                )
                self._start_service("postgres")
        if data_services.is_redis_embedded(self.settings):
            with progress_step(Message("stack.step_redis")):
                self._start_redis()

    def _start_redis(self) -> None:
        """Start Redis. Its data may be lost at any time, so an unreadable file is moved and Redis
        starts without it."""
        try:
            self._start_service("redis")
        except Unavailable:
            if not self.home.redis_folder.exists():
                raise
            self._supervisor.stop_process("redis")
            aside = embedded_servers.rename_unusable_folder(self.home.redis_folder)
            print_note(Message("stack.redis_aside", {"folder": str(aside)}))
            self._start_service("redis")

    def _start_service(self, name: str) -> None:
        """Start a service that everything else needs, on another port if its port has been taken
        since.

        Raises Unavailable with the last line of its log if it ends or hangs.
        """
        for _ in range(PORT_TRIES):
            earlier = log_size(self.home, name)
            try:
                return self._start_once(name)
            except Unavailable:
                if not PORT_TAKEN_MESSAGE.search(read_log_since(self.home, name, earlier)):
                    raise
            self._supervisor.stop_process(name)
            self._listen_at(*ports.choose_other_port(self.settings, name))
        return self._start_once(name)

    def _start_once(self, name: str) -> None:
        child = self._supervisor.start_process(self._build_service_program(name))
        until = monotonic() + SERVICE_SECONDS
        while child.state is not ProcessState.READY:
            self._wait_tick()
            if (
                child.state in (ProcessState.RESTARTING, ProcessState.DEGRADED)
                or monotonic() > until
            ):
                raise start_failure(self.home, name)

    def _build_service_program(self, name: str) -> Program:
        """Return the service's program for the current settings."""
        if name == "redis":
            return redis_program(self.settings, data_services.redis_password(self.settings))
        return postgres_program(self.settings)

    def _run_task(self, name: str, main: str) -> TaskResult:
        return SubprocessTask(self.home, name, main, self._forks).wait_for_result(
            waiting=lambda: self._wait_tick(0.0)
        )

    def _start_processes(self) -> None:
        present = self._list_present_processes()
        self._probes = ports.choose_metrics_ports(self.settings, [row.name for row in present])
        wanted = build_programs(present, self.settings, self._http, probes=self._probes)
        children = [self._supervisor.start_process(program) for program in wanted]
        until = monotonic() + PROCESS_SECONDS
        with progress_step(Message("stack.step_processes", {"count": len(children)})) as step:
            for child in children:
                while not (
                    child.state in HEALTHY_STATES or _is_hopeless(child) or monotonic() > until
                ):
                    self._wait_tick()
            late = [child for child in children if child.state not in HEALTHY_STATES]
            step.failed = bool(late)
        for child in late:
            name = child.program.name
            params = {
                "name": name,
                "log": str(self.home.log_file(name)),
                "detail": last_log_line(self.home, name),
            }
            print_note(Message("stack.process_late", params))
        everybody = (
            self._supervisor.children.values()
        )  # including PostgreSQL and Redis, since "up" refers to all processes
        while monotonic() < until and not all(
            child.state in HEALTHY_STATES or _is_hopeless(child) for child in everybody
        ):
            self._wait_tick()  # a ready process is checked again while others start

    def _list_present_processes(self) -> tuple[ProcessDefinition, ...]:
        """Return the table without on-demand processes that are not installed, so that their ports
        refuse connections at once, and in production without the test network."""
        here = (
            row
            for row in self._table
            if (not row.on_demand or is_installed(row.main))
            and (self.settings.has_sandbox or not row.is_test_network)
        )
        return expand_scaled_processes(tuple(here), self.settings)

    # Watch and stop

    def watch_processes(self) -> None:
        """Watch the processes until a stop is requested."""
        while True:
            self._wait_tick()

    def _wait_tick(self, seconds: float = TICK_SECONDS) -> None:
        if self._asked:
            raise StopRequested
        self._supervisor.check_processes()
        self._write_status()
        sleep(seconds)

    def handle_stop_signal(self, _signum: int, _frame: FrameType | None) -> None:
        """Handle Ctrl-C and SIGTERM: the first finishes work in progress, the second does not."""
        self._asked += 1
        self._supervisor.skip_grace = self._asked > 1

    def stop(self) -> None:
        """Stop everything that was started, in order."""
        if self._lock is None:
            return
        self._phase = "stopping"
        self._write_status()
        if self._forks is not None:
            self._forks.stop_server()
        if self._supervisor.children:
            with progress_step(Message("stack.step_stop")):
                self._supervisor.stop_all()
            for child in self._supervisor.children.values():
                if child.last_exit == -signal.SIGKILL:
                    print_note(Message("stack.forced", {"name": child.program.name}))
        self._phase = "stopped"
        self._write_status()
        self._http.close()
        self._lock.release()

    def _write_status(self) -> None:
        """Write the status for other terminals if it has changed. A full disk does not stop the
        installation."""
        report = InstallationStatus(
            phase=self._phase,
            pid=os.getpid(),
            addresses=start_summary.default_addresses(self.settings),
            ports={
                listener.name: listener.port(self.settings)
                for listener in ports.present_ports(self.settings)
            },
            processes=[
                _build_process_status(child, self._probes.get(name))
                for name, child in self._supervisor.children.items()
            ],
        )
        if report == self._said:
            return
        self._said = report
        try:
            write_atomically(self.home.state_file, report.model_dump_json(indent=1))
        except Unavailable:
            self._said = None


def _is_hopeless(child: SupervisedProcess) -> bool:
    return child.state is ProcessState.DEGRADED or child.restarts >= RESTARTS_BEFORE_GIVING_UP


def _build_process_status(child: SupervisedProcess, metrics: int | None) -> ProcessStatus:
    return ProcessStatus(
        name=child.program.name,
        state=child.state,
        ready=child.state in HEALTHY_STATES,
        pid=child.process.pid if child.process is not None else None,
        born=child.born,
        restarts=child.restarts,
        since=child.since,
        last_exit=child.last_exit,
        metrics=metrics,
    )


def run_in_foreground(
    *,
    table: tuple[ProcessDefinition, ...] = PROCESS_TABLE,
    pace: RestartPolicy | None = None,
    greet: bool = True,
    browser: bool = False,
    only_workers: bool = False,
) -> None:
    """Run the installation, or only its workers, in this terminal until Ctrl-C. Raises
    GreenroomError with instructions if it cannot start."""
    os.umask(0o077)  # files in the folder are readable by their owner only
    started = monotonic()
    stack = InstallationStart(table, pace, only_workers=only_workers)
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, stack.handle_stop_signal)
    try:
        stack.start()
        print_progress(Message("stack.up", {"seconds": f"{monotonic() - started:.1f}"}))
        if greet and not only_workers:
            stack.print_summary(browser=browser)
        stack.watch_processes()
    except StopRequested:
        print(flush=True)
    finally:
        stack.stop()


def run_in_background(_settings: Settings) -> None:
    """Main function of a detached supervisor. Its output is a log, so the one-time link is not
    printed."""
    with exit_on_error():
        run_in_foreground(greet=False)
