"""Processes forked from a template that has loaded the packages."""

import os
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from foundation.errors import Unavailable
from foundation.ops.settings import Settings, child_environment
from tests.conftest import wait_until
from tests.stack.conftest import ROOT, Installation
from workers.installation.folder import InstallationFolder, create_folders, create_missing_secrets
from workers.processes import fork_server
from workers.runtime import forked_process
from workers.runtime.forked_process import ForkedProcess, ForkServer
from workers.runtime.process_table import Program, StopStage
from workers.runtime.subprocess_task import SubprocessTask
from workers.runtime.supervisor import ProcessState, Supervisor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> InstallationFolder:
    found = InstallationFolder(tmp_path_factory.mktemp("forks") / "home")
    create_folders(found)
    create_missing_secrets(found)
    return found


@pytest.fixture(scope="module")
def server(home: InstallationFolder) -> Iterator[ForkServer]:
    found = ForkServer(home.log_file("template"), child_environment(home.folder, code=ROOT))
    yield found
    found.stop_server()


def _start(server: ForkServer, home: InstallationFolder, name: str) -> ForkedProcess:
    return server.fork_process(
        (name, f"tests.stack.fakes:{name}", "--probes", "0"), home.log_file(name)
    )


def _template(of: int) -> psutil.Process:
    found = (
        each
        for each in psutil.Process(of).children()
        if "workers.processes.fork_server" in each.cmdline()
    )
    return next(
        each for each in found if not each.name().startswith("gr-")
    )  # forked processes have a name, the template has none


def test_forked_process_is_a_child_with_a_session_and_exit_code(
    server: ForkServer, home: InstallationFolder
) -> None:
    steady = _start(server, home, "steady")
    found = psutil.Process(steady.pid)
    wait_until((home.run_folder / "steady.ready").exists)
    assert (found.ppid(), os.getsid(steady.pid), found.name()) == (
        os.getpid(),
        steady.pid,
        "gr-steady",
    )
    assert steady.poll() is None
    steady.send_signal(signal.SIGTERM)
    assert steady.wait() == 0
    assert _start(server, home, "crashing").wait() == 1
    stubborn = _start(server, home, "stubborn")
    wait_until((home.run_folder / "stubborn.ready").exists)
    stubborn.kill()
    assert stubborn.wait() == -signal.SIGKILL
    stubborn.kill()  # no effect: the process id may belong to another process by now


def test_death_of_the_template_kills_no_forked_process(
    server: ForkServer, home: InstallationFolder
) -> None:
    first = _start(server, home, "steady")
    _template(os.getpid()).kill()
    assert _start(server, home, "crashing").wait() == 1
    assert first.poll() is None
    first.kill()
    assert first.wait() == -signal.SIGKILL


def test_subprocess_task_is_forked_and_returns_its_result(
    server: ForkServer, home: InstallationFolder
) -> None:
    assert SubprocessTask(
        home, "step", "tests.stack.test_fork_server:where", server
    ).wait_for_result(waiting=lambda: None) == {
        "home": str(home.folder),
        "loaded": sorted(fork_server.PRELOADED_MODULES),
    }
    with pytest.raises(Unavailable) as said:
        SubprocessTask(home, "silent", "tests.stack.fakes:crashing", server).wait_for_result(
            waiting=lambda: None
        )
    assert said.value.message.params["log"] == str(home.log_file("silent"))


def where(settings: Settings) -> dict[str, object]:
    """Return the home and the preloaded modules, as a subprocess task."""
    return {
        "home": str(settings.home),
        "loaded": sorted(set(fork_server.PRELOADED_MODULES) & set(sys.modules)),
    }


def test_broken_template_raises_unavailable(home: InstallationFolder) -> None:
    server = ForkServer(
        home.log_file("template"),
        {**child_environment(home.folder, code=ROOT), "PYTHONHOME": "/nowhere"},
    )
    with pytest.raises(Unavailable) as said:
        _start(server, home, "steady")
    assert said.value.message.code == "stack.did_not_start"
    supervisor = Supervisor(home.folder, log=home.log_file)
    supervisor.fork_server = server
    program = Program(
        "steady", (), StopStage.WORKER, bool, fork_arguments=("steady", "tests.stack.fakes:steady")
    )
    assert (
        supervisor.start_process(program).state is ProcessState.RESTARTING
    )  # the supervisor continues and retries
    supervisor.stop_all()


def test_grandchildren_are_not_adopted(server: ForkServer, home: InstallationFolder) -> None:
    """A process that a forked process started is adopted by init, not by us, so we cannot observe
    its end."""
    parent = _start(server, home, "parent")
    wait_until((home.run_folder / "parent.ready").exists)
    started = psutil.Process(int((home.run_folder / "started").read_text()))
    parent.kill()
    parent.wait()
    wait_until(lambda: started.ppid() != parent.pid)
    assert started.ppid() != os.getpid()
    started.kill()


def test_hanging_template_is_replaced(
    server: ForkServer, home: InstallationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(server, home, "crashing").wait()
    hung = _template(os.getpid())
    hung.suspend()
    with monkeypatch.context() as now:
        # also too short for the next template to load
        now.setattr(forked_process, "START_SECONDS", 0.2)
        with pytest.raises(Unavailable):
            _start(server, home, "steady")
    assert not hung.is_running()
    assert _start(server, home, "crashing").wait() == 1


def test_forked_processes_are_restarted_and_end_with_the_supervisor(
    house: Installation,
) -> None:
    house.table = "forked"
    assert not house.up().unready_processes
    before, kept = house.child("send"), house.child("steady")
    assert house.process is not None
    _template(house.process.pid).kill()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: house.report().is_ready and house.child("send") != before)
    assert house.child("steady") == kept
    house.end(signal.SIGKILL)
    wait_until(lambda: not house.living())
