"""The supervisor alone, with one-line shell programs."""

import errno
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from foundation.errors import Unavailable
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic
from foundation.ops.settings import Settings
from tests.conftest import Cluster, free_port, wait_until
from workers.runtime import embedded_servers
from workers.runtime.process_table import Program, StopStage, is_redis_answering, postgres_program
from workers.runtime.startup import PORT_TAKEN_MESSAGE
from workers.runtime.supervisor import ProcessState, RestartPolicy, Supervisor

QUICK = RestartPolicy(first_delay=0.1, longest_delay=0.4, limit=3, window=60.0, degraded_delay=60.0)


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    found = Supervisor(tmp_path, log=lambda name: tmp_path / f"{name}.log", pace=QUICK)
    yield found
    found.skip_grace = True
    found.stop_all()


def shell(
    script: str, name: str = "one", stage: StopStage = StopStage.WORKER, **given: object
) -> Program:
    works: Callable[[int], bool] = bool
    # the fields of Program
    return Program(name, ("sh", "-c", script), stage, works, **given)  # type: ignore[arg-type]  # see above


def ticking(supervisor: Supervisor, until: Callable[[], bool], seconds: float = 10.0) -> None:
    def ticked() -> bool:
        supervisor.check_processes()
        return until()

    wait_until(ticked, seconds)


def test_restart_delays_grow_until_the_process_is_degraded(supervisor: Supervisor) -> None:
    child = supervisor.start_process(shell("exit 7"))
    started = monotonic()
    ticking(supervisor, lambda: child.state is ProcessState.DEGRADED)
    assert child.restarts == 3
    assert child.last_exit == 7
    assert monotonic() - started >= 0.1 + 0.2 + 0.4


def test_degraded_process_is_retried_later(tmp_path: Path) -> None:
    supervisor = Supervisor(
        tmp_path,
        log=lambda name: tmp_path / name,
        pace=RestartPolicy(0.01, 0.01, 1, 60, degraded_delay=0.3),
    )
    child = supervisor.start_process(shell(f"test -e {tmp_path}/mended && sleep 60"))
    ticking(supervisor, lambda: child.state is ProcessState.DEGRADED)
    (tmp_path / "mended").touch()
    ticking(supervisor, lambda: child.state is ProcessState.READY)
    supervisor.stop_all()


def test_process_is_unready_after_two_failed_probes(supervisor: Supervisor) -> None:
    answers = [True, False, True, False, False]
    program = Program("one", ("sleep", "60"), StopStage.WORKER, lambda _pid: answers.pop(0))
    child, states = supervisor.start_process(program), []
    while answers:
        child.check_at = 0.0
        supervisor.check_processes()
        states.append(child.state)
    assert states == [*[ProcessState.READY] * 4, ProcessState.STARTING]


def test_stages_stop_in_order(supervisor: Supervisor, tmp_path: Path) -> None:
    for stage in (StopStage.POSTGRES, StopStage.WORKER, StopStage.DOOR, StopStage.RELAY):
        script = (
            f"trap 'echo {stage.name} >> {tmp_path}/order; exit' TERM; touch "
            f"{tmp_path}/{stage.name}; sleep 60 & wait"
        )
        supervisor.start_process(shell(script, name=stage.name, stage=stage))
    wait_until(lambda: all((tmp_path / name).exists() for name in supervisor.children))
    supervisor.stop_all()
    assert (tmp_path / "order").read_text().split() == ["DOOR", "RELAY", "WORKER", "POSTGRES"]


def test_grandchildren_end_with_their_parent(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start_process(shell(f"sleep 987 & echo $! > {tmp_path}/grandchild; wait"))
    wait_until(
        lambda: (
            (tmp_path / "grandchild").exists()
            and bool((tmp_path / "grandchild").read_text().strip())
        )
    )
    grandchild = int((tmp_path / "grandchild").read_text())
    supervisor.stop_all()
    wait_until(lambda: not _runs(grandchild))


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_process_is_killed_after_its_grace(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start_process(
        shell(f"trap '' TERM; touch {tmp_path}/deaf; while :; do sleep 1; done", grace_s=0.5)
    )
    wait_until((tmp_path / "deaf").exists)
    supervisor.stop_all()
    assert child.last_exit == -signal.SIGKILL


def test_on_demand_process_starts_with_each_first_caller(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    port = free_port()
    script = (
        "import socket, sys; s = socket.socket(fileno=int(sys.argv[2])); c, _ = s.accept(); "
        "c.sendall(b'here')"
    )
    program = Program(
        "llm",
        ("/usr/bin/env", "python3", "-c", script),
        StopStage.WORKER,
        bool,
        on_demand_port=port,
    )
    child = supervisor.start_process(program)
    for _ in range(2):
        supervisor.check_processes()
        assert child.state is ProcessState.IDLE
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            ticking(supervisor, lambda: child.state is not ProcessState.IDLE)
            assert caller.recv(10) == b"here"
        ticking(supervisor, lambda: child.state is ProcessState.IDLE)
    assert child.restarts == 0


def test_callers_of_a_failing_process_are_refused(supervisor: Supervisor) -> None:
    port = free_port()
    child = supervisor.start_process(
        Program("llm", ("false",), StopStage.WORKER, bool, on_demand_port=port)
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        ticking(supervisor, lambda: child.state is ProcessState.DEGRADED)
        with pytest.raises(ConnectionResetError):
            caller.recv(10)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def test_taken_port_is_reported(supervisor: Supervisor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(Unavailable) as said:
            supervisor.start_process(
                Program("llm", ("false",), StopStage.WORKER, bool, on_demand_port=port)
            )
    assert said.value.message == Message("stack.port_lost", {"port": port})


def test_port_taken_while_degraded_stops_no_other_process(tmp_path: Path) -> None:
    port, pace = free_port(), RestartPolicy(0.01, 0.01, 1, 60, degraded_delay=0.2)
    supervisor = Supervisor(tmp_path, log=lambda name: tmp_path / name, pace=pace)
    other = supervisor.start_process(shell("sleep 60", name="other"))
    child = supervisor.start_process(
        Program("llm", ("false",), StopStage.WORKER, bool, on_demand_port=port)
    )
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        ticking(supervisor, lambda: child.state is ProcessState.DEGRADED)
    with socket.create_server(("127.0.0.1", port)):
        before = child.restarts
        ticking(supervisor, lambda: child.restarts > before)
        assert child.state in (ProcessState.RESTARTING, ProcessState.DEGRADED)
    ticking(
        supervisor, lambda: child.state is ProcessState.IDLE
    )  # the port is free again: the process waits for a connection
    assert other.state is ProcessState.READY
    supervisor.stop_all()


def test_program_that_cannot_start_is_retried_later(tmp_path: Path, supervisor: Supervisor) -> None:
    """Its file is being replaced, or the machine has no memory for another process: the other
    processes continue."""
    program, kept = tmp_path / "program", tmp_path / "kept"
    program.write_text("#!/bin/sh\nsleep 0.2; exit 1\n")
    program.chmod(0o755)
    child = supervisor.start_process(Program("one", (str(program),), StopStage.WORKER, bool))
    program.rename(kept)
    ticking(supervisor, lambda: child.restarts == 1)
    assert child.state in (ProcessState.RESTARTING, ProcessState.DEGRADED)
    assert "No such file" in (tmp_path / "one.log").read_text()
    kept.rename(program)
    ticking(supervisor, lambda: child.process is not None)


def test_probe_that_cannot_run_does_not_change_readiness(supervisor: Supervisor) -> None:
    """`pg_isready` is a process too, and may fail to start for lack of memory."""
    asked: list[int] = []

    def is_ready(pid: int) -> bool:
        asked.append(pid)
        if len(asked) == 2:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))
        return True

    child, states = (
        supervisor.start_process(Program("one", ("sleep", "60"), StopStage.WORKER, is_ready)),
        [],
    )
    for _ in range(3):
        child.check_at = 0.0
        supervisor.check_processes()
        states.append(child.state)
    assert states == [ProcessState.READY] * 3  # one failed probe has no effect


@pytest.mark.parametrize(
    ("told", "ready"),
    [
        (b"+OK\r\n+PONG\r\n", True),
        (b"+OK\r\n-LOADING Redis is loading the dataset in memory\r\n", False),
        (b"-NOAUTH Authentication required.\r\n" * 2, False),
        (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n" * 2, False),
        (b"+OK\r\n", False),
        (b"", False),
    ],
)
def test_loading_redis_is_not_ready(told: bytes, ready: bool) -> None:
    """Redis may find its file unreadable and end. Then it was never ready, and restarts without the
    file."""
    with socket.create_server(("127.0.0.1", 0)) as door:

        def answer() -> None:
            caller, _ = door.accept()
            with caller:
                caller.recv(200)
                caller.sendall(told)

        threading.Thread(target=answer, daemon=True).start()
        assert is_redis_answering(door.getsockname()[1], "secret") is ready


def test_postgres_is_ready_only_if_this_server_responds(
    supervisor: Supervisor, cluster: Cluster, tmp_path: Path
) -> None:
    """Two installations that start at the same time may choose the same port: the other server
    responds, and ours is about to end."""
    folder = tmp_path / "home"
    embedded_servers.init_postgres(folder / "pg", "secret")
    lost, own = (
        Settings(home=folder, workers={"postgres_port": port})
        for port in (cluster.port, free_port())
    )
    child, states = supervisor.start_process(postgres_program(lost)), set[ProcessState]()

    def ended() -> bool:
        states.add(child.state)
        return child.restarts > 0

    ticking(supervisor, ended, 60)
    assert ProcessState.READY not in states
    assert PORT_TAKEN_MESSAGE.search((tmp_path / "postgres.log").read_text())
    supervisor.stop_process("postgres")
    child = supervisor.start_process(postgres_program(own))
    ticking(supervisor, lambda: child.state is ProcessState.READY, 60)


def test_killed_senders_never_stop_all_at_once(tmp_path: Path) -> None:
    """Both senders are killed far more often than the limit: one of them is always back within the
    short delay, although a single process would wait for a minute."""
    pace = RestartPolicy(0.05, 0.4, limit=2, window=60.0, degraded_delay=60.0, alone_delay=0.3)
    supervisor = Supervisor(tmp_path, log=lambda name: tmp_path / f"{name}.log", pace=pace)
    senders = [
        supervisor.start_process(shell("exec sleep 60", name=name, alike="sender"))
        for name in ("send", "send-2")
    ]
    for _ in range(6):
        for child in senders:
            if child.process is not None:
                child.process.kill()
                child.process.wait()
        ticking(supervisor, lambda: all(child.process is None for child in senders), seconds=2)
        ticking(
            supervisor,
            lambda: any(child.state is ProcessState.READY for child in senders),
            seconds=2,
        )
    assert max(len(child.ended) for child in senders) > pace.limit
    supervisor.stop_all()
