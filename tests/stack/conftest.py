"""Installations for these tests: real PostgreSQL, real Redis and fake processes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.conftest import free_port, wait_until
from workers.installation.folder import InstallationFolder, read_env, write_env
from workers.installation.state_file import InstallationStatus, read_status

ROOT = Path(__file__).parents[2]
WORKERS = tuple(
    f"WORKERS__{name}_PORT" for name in ("POSTGRES", "REDIS", "LLM", "HOOKS", "METRICS")
)
PORTS = (*WORKERS, "WEB__PORT", "DASHBOARD__PORT", "SANDBOX__PORT")
START_SECONDS, END_SECONDS = 240.0, 120.0
"""Limits for a start and an end. A shared machine took 67 s for a start of 15 s."""


@dataclass
class Installation:
    """A home folder, and the supervisor that may run in it."""

    home: InstallationFolder
    table: str = "calm"
    python: tuple[str, ...] = (sys.executable,)
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None

    def variables(self) -> dict[str, str]:
        """Return the environment of this installation's commands. Production: a start seeds no
        demo."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("GREENROOM_")
        }
        own = {
            "GREENROOM_HOME": str(self.home.folder),
            "GREENROOM_ENVIRONMENT": "production",
            "LANG": "C",
        }
        return {**kept, **own, **self.environment}

    def begin(self) -> "subprocess.Popen[str]":
        """Start the supervisor without waiting."""
        self.process = subprocess.Popen(
            [*self.python, "-m", "tests.stack.start_command", self.table],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env=self.variables(),
        )
        return self.process

    def up(self) -> InstallationStatus:
        """Start the supervisor and return its first report with the phase `up`."""
        if self.process is not None:
            self.process.communicate()
        self.begin()
        return self.risen()

    def risen(self) -> InstallationStatus:
        """Wait until the begun start is complete. A failure shows the supervisor's output."""
        assert self.process is not None
        process, seen = self.process, [self.report()]

        def is_over() -> bool:
            seen.append(self.report())
            return process.poll() is not None or seen[-1].phase == "up"

        wait_until(is_over, START_SECONDS)
        if process.returncode is not None:
            pytest.fail(f"did not come up: {process.communicate()[0]}")
        return seen[-1]

    def report(self) -> InstallationStatus:
        """Return the status as other terminals see it."""
        return read_status(self.home)

    def command(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the command line."""
        return subprocess.run(
            [*self.python, "-m", "workers.cli.main", *words],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=self.variables(),
            check=False,
        )

    def end(self, signum: signal.Signals = signal.SIGINT) -> str:
        """Signal the supervisor, wait for its end and return its output."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.communicate(timeout=END_SECONDS)[0]

    def living(self) -> list[str]:
        """Return every process of this home, identified by its environment."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("GREENROOM_HOME") == str(self.home.folder):
                    found.append(" ".join(process.cmdline()) or process.name())
            except psutil.Error:
                continue
        return found

    def secrets(self) -> list[str]:
        """Return every secret of the home. The letterbox key is a public key and not included."""
        env = read_env(self.home)
        return [
            value
            for name, value in env.items()
            if re.search("PASSWORD|(MASTER|SIGNING)_KEY$", name)
        ]

    def child(self, name: str) -> int:
        """Return the process ID of a running child."""
        pid = next(process.pid for process in self.report().processes if process.name == name)
        assert pid is not None
        return pid


def assign_free_ports(folder: Path) -> InstallationFolder:
    """Create a home with free ports that no other installation of this worker uses."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    home = InstallationFolder(folder)
    write_env(home, {f"GREENROOM_{name}": str(free_port()) for name in PORTS})
    return home


@contextmanager
def new_installations(folder_of_all: Path) -> Iterator[Callable[..., Installation]]:
    """Yield a factory of empty installations, and end all their processes afterwards."""
    made: list[Installation] = []

    def make(folder: Path | None = None, **given: object) -> Installation:
        # the fields of Installation
        house = Installation(
            assign_free_ports(folder or folder_of_all / f"home-{len(made)}"), **given
        )  # type: ignore[arg-type]  # see above
        made.append(house)
        return house

    yield make
    for house in made:
        if house.process is not None:
            house.process.kill()
            house.process.wait(END_SECONDS)
            if house.process.stdout is not None:
                house.process.stdout.close()  # the test may have read it to the end
            # bound early on purpose
            wait_until(lambda house=house: not house.living())  # type: ignore[misc]  # see above


@pytest.fixture
def new_house(tmp_path: Path) -> Iterator[Callable[..., Installation]]:
    """Return a factory of empty installations, and end all their processes after the test."""
    with new_installations(tmp_path) as make:
        yield make


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that ran once and was stopped, with tables."""
    house = Installation(assign_free_ports(tmp_path_factory.mktemp("lived") / "home"))
    house.up()
    said = house.end()
    assert house.process is not None
    assert house.process.returncode == 0, said
    return house.home.folder


@pytest.fixture
def house(lived_in: Path, tmp_path: Path, new_house: Callable[..., Installation]) -> Installation:
    """Return an installation that ran before."""
    shutil.copytree(lived_in, tmp_path / "home", symlinks=True)
    return new_house(tmp_path / "home")


def parse_json_output(text: str) -> dict[str, object]:
    """Return the JSON that a command printed."""
    found: dict[str, object] = json.loads(text)
    return found
