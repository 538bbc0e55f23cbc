"""Processes that are forked from one that has loaded the rooms."""

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
    )  # what it forks has a name


def test_it_is_our_child_in_a_session_of_its_own_and_its_end_is_told(
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
    stubborn.kill()  # nobody any more: its number may be somebody else's


def test_who_forks_may_die_and_nobody_else_does(
    server: ForkServer, home: InstallationFolder
) -> None:
    first = _start(server, home, "steady")
    _template(os.getpid()).kill()
    assert _start(server, home, "crashing").wait() == 1
    assert first.poll() is None
    first.kill()
    assert first.wait() == -signal.SIGKILL


def test_a_step_is_forked_too_and_answers(server: ForkServer, home: InstallationFolder) -> None:
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
    """A step: what it finds."""
    return {
        "home": str(settings.home),
        "loaded": sorted(set(fork_server.PRELOADED_MODULES) & set(sys.modules)),
    }


def test_without_anybody_to_fork_it_is_an_error(home: InstallationFolder) -> None:
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
    )  # the supervisor goes on, and tries again
    supervisor.stop_all()


def test_only_what_was_forked_becomes_our_child(
    server: ForkServer, home: InstallationFolder
) -> None:
    """What it had started itself is taken note of by init, as before: we would not know of its
    end."""
    parent = _start(server, home, "parent")
    wait_until((home.run_folder / "parent.ready").exists)
    started = psutil.Process(int((home.run_folder / "started").read_text()))
    parent.kill()
    parent.wait()
    wait_until(lambda: started.ppid() != parent.pid)
    assert started.ppid() != os.getpid()
    started.kill()


def test_a_template_that_hangs_is_given_up(
    server: ForkServer, home: InstallationFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    _start(server, home, "crashing").wait()
    hung = _template(os.getpid())
    hung.suspend()
    with monkeypatch.context() as now:
        now.setattr(forked_process, "START_SECONDS", 0.2)  # too short for the next one to load, too
        with pytest.raises(Unavailable):
            _start(server, home, "steady")
    assert not hung.is_running()
    assert _start(server, home, "crashing").wait() == 1


def test_a_house_of_forked_processes_starts_them_again_and_leaves_nothing(
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
