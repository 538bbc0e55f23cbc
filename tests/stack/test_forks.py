"""Processes that are forked from one that has loaded the rooms."""

import os
import signal
import sys
from collections.abc import Iterator

import psutil
import pytest

from foundation.errors import Unavailable
from foundation.settings import Settings, child_environment
from tests.conftest import wait_until
from tests.stack.conftest import ROOT, House
from workers import forks, template
from workers.forks import Forked, ForkServer
from workers.home import Home, furnish, make_secrets
from workers.once import Once
from workers.processes import Program, Stage
from workers.supervisor import ProcessState, Supervisor

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    found = Home(tmp_path_factory.mktemp("forks") / "home")
    furnish(found)
    make_secrets(found)
    return found


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[ForkServer]:
    found = ForkServer(home.log("template"), child_environment(home.folder, code=ROOT))
    yield found
    found.end()


def _start(server: ForkServer, home: Home, name: str) -> Forked:
    return server.start((name, f"tests.stack.fakes:{name}", "--probes", "0"), home.log(name))


def _template(of: int) -> psutil.Process:
    found = (each for each in psutil.Process(of).children() if "workers.template" in each.cmdline())
    return next(each for each in found if not each.name().startswith("gr-"))  # what it forks has a name


def test_it_is_our_child_in_a_session_of_its_own_and_its_end_is_told(server: ForkServer, home: Home) -> None:
    steady = _start(server, home, "steady")
    found = psutil.Process(steady.pid)
    wait_until((home.run / "steady.ready").exists)
    assert (found.ppid(), os.getsid(steady.pid), found.name()) == (os.getpid(), steady.pid, "gr-steady")
    assert steady.poll() is None
    steady.send_signal(signal.SIGTERM)
    assert steady.wait() == 0
    assert _start(server, home, "crashing").wait() == 1
    stubborn = _start(server, home, "stubborn")
    wait_until((home.run / "stubborn.ready").exists)
    stubborn.kill()
    assert stubborn.wait() == -signal.SIGKILL
    stubborn.kill()  # nobody any more: its number may be somebody else's


def test_who_forks_may_die_and_nobody_else_does(server: ForkServer, home: Home) -> None:
    first = _start(server, home, "steady")
    _template(os.getpid()).kill()
    assert _start(server, home, "crashing").wait() == 1
    assert first.poll() is None
    first.kill()
    assert first.wait() == -signal.SIGKILL


def test_a_step_is_forked_too_and_answers(server: ForkServer, home: Home) -> None:
    assert Once(home, "step", "tests.stack.test_forks:where", server).answer(waiting=lambda: None) == {
        "home": str(home.folder),
        "loaded": sorted(template.LOADED),
    }
    with pytest.raises(Unavailable) as said:
        Once(home, "silent", "tests.stack.fakes:crashing", server).answer(waiting=lambda: None)
    assert said.value.message.params["log"] == str(home.log("silent"))


def where(settings: Settings) -> dict[str, object]:
    """A step: what it finds."""
    return {"home": str(settings.home), "loaded": sorted(set(template.LOADED) & set(sys.modules))}


def test_without_anybody_to_fork_it_is_an_error(home: Home) -> None:
    server = ForkServer(home.log("template"), {**child_environment(home.folder, code=ROOT), "PYTHONHOME": "/nowhere"})
    with pytest.raises(Unavailable) as said:
        _start(server, home, "steady")
    assert said.value.message.code == "stack.did_not_start"
    supervisor = Supervisor(home.folder, log=home.log)
    supervisor.forks = server
    program = Program("steady", (), Stage.WORKER, bool, forked=("steady", "tests.stack.fakes:steady"))
    assert supervisor.start(program).state is ProcessState.RESTARTING  # the supervisor goes on, and tries again
    supervisor.stop()


def test_only_what_was_forked_becomes_our_child(server: ForkServer, home: Home) -> None:
    """What it had started itself is taken note of by init, as before: we would not know of its end."""
    parent = _start(server, home, "parent")
    wait_until((home.run / "parent.ready").exists)
    started = psutil.Process(int((home.run / "started").read_text()))
    parent.kill()
    parent.wait()
    wait_until(lambda: started.ppid() != parent.pid)
    assert started.ppid() != os.getpid()
    started.kill()


def test_a_template_that_hangs_is_given_up(server: ForkServer, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    _start(server, home, "crashing").wait()
    hung = _template(os.getpid())
    hung.suspend()
    with monkeypatch.context() as now:
        now.setattr(forks, "START_SECONDS", 0.2)  # too short for the next one to load, too
        with pytest.raises(Unavailable):
            _start(server, home, "steady")
    assert not hung.is_running()
    assert _start(server, home, "crashing").wait() == 1


def test_a_house_of_forked_processes_starts_them_again_and_leaves_nothing(house: House) -> None:
    house.table = "forked"
    assert not house.up().missing
    before, kept = house.child("send"), house.child("steady")
    assert house.process is not None
    _template(house.process.pid).kill()
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: house.report().ready and house.child("send") != before)
    assert house.child("steady") == kept
    house.end(signal.SIGKILL)
    wait_until(lambda: not house.living())
