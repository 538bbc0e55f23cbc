"""Machines of a benchmark: network namespaces of Linux on one bridge, each with its own workers
(`greenroom up --workers`). They share the database, Redis, the files and the test network.

Needs root and the program `ip`.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.servers import BenchmarkServers, run_servers
from foundation.errors import Unavailable
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, load_settings_of
from workers.installation import ports
from workers.installation.folder import (
    InstallationFolder,
    create_folders,
    create_missing_secrets,
    read_env,
    write_env,
)
from workers.installation.state_file import read_status
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import start_failure

PREFIX = "10.214.77"
BRIDGE = "greenroom-bench"
ADDRESS = f"{PREFIX}.1"
NETWORK = f"{PREFIX}.0/24"
START_SECONDS = 600.0
STOP_SECONDS = 90.0


@dataclass(frozen=True)
class SharedServices:
    """The services that all machines share: the servers, the settings of the first machine, and the
    address of the test network."""

    folder: Path
    servers: BenchmarkServers
    settings: Settings
    network_url: str


@dataclass(frozen=True)
class Machine:
    """A machine: its namespace, address and installation folder."""

    name: str
    address: str
    home: InstallationFolder

    def disconnect(self) -> None:
        """Take the machine off the network, as if its cable were pulled."""
        _run_ip("link", "set", f"{self.name}-host", "down")

    def kill(self) -> None:
        """Kill every process of the machine."""
        for pid in _run_ip("netns", "pids", self.name).split():
            os.kill(int(pid), signal.SIGKILL)


def _run_ip(*words: str) -> str:
    """Run the program `ip` and return its output. Raises Unavailable if it fails."""
    program = shutil.which("ip")
    if program is None or os.geteuid() != 0:
        raise Unavailable("bench.no_namespaces")
    done = subprocess.run(  # noqa: S603  a fixed program with our words
        [program, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        detail = done.stderr.strip()[-200:]
        raise Unavailable("bench.namespace_failed", command=" ".join(words), detail=detail)
    return done.stdout


@contextmanager
def share_services(folder: Path, *, latency_ms: int) -> Iterator[SharedServices]:
    """Run the bridge, the servers and a test network that answers after `latency_ms`."""
    with ExitStack() as stack:
        _run_ip("link", "add", BRIDGE, "type", "bridge")
        stack.callback(_run_ip, "link", "del", BRIDGE)
        _run_ip("addr", "add", f"{ADDRESS}/24", "dev", BRIDGE)
        _run_ip("link", "set", BRIDGE, "up")
        servers = stack.enter_context(run_servers(ADDRESS, network=NETWORK))
        home = InstallationFolder(folder / "shared")
        create_folders(home)
        port = ports.find_free_port()
        network_url = f"http://{ADDRESS}:{port}"
        write_env(
            home,
            {
                "GREENROOM_ENVIRONMENT": "test",
                "GREENROOM_DATABASE__OWNER_URL": servers.owner_url,
                "GREENROOM_DATABASE__WORK_URL": servers.work_url,
                "GREENROOM_DATABASE__PAGES_URL": servers.pages_url,
                "GREENROOM_REDIS__URL": servers.redis_url,
                "GREENROOM_STORAGE__FOLDER": str(folder / "files"),
                "GREENROOM_REACHABLE": network_url,
                "GREENROOM_SANDBOX__HOST": ADDRESS,
                "GREENROOM_SANDBOX__PORT": str(port),
                "GREENROOM_SANDBOX__INSIDE_URL": network_url,
                "GREENROOM_SANDBOX__LATENCY_MS": str(latency_ms),
                "GREENROOM_WORKERS__METRICS_PORT": "0",
            },
        )
        create_missing_secrets(home)
        stack.enter_context(_run_test_network(home, network_url))
        yield SharedServices(folder, servers, load_settings_of(home.folder), network_url)


@contextmanager
def _run_test_network(home: InstallationFolder, network_url: str) -> Iterator[None]:
    process = spawn_process(
        [
            *(sys.executable, "-m", "workers.run", "sandbox"),
            *("workers.processes.sandbox_server:run_sandbox", "--probes", "0"),
        ],
        home.log_file("sandbox"),
        environment=settings.child_environment(home.folder, code=CODE_ROOT),
    )
    try:
        until = monotonic() + START_SECONDS
        port = int(network_url.rpartition(":")[2])
        while ports.is_free(ADDRESS, port) and process.poll() is None and monotonic() < until:
            sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


@contextmanager
def run_machine(shared: SharedServices, number: int) -> Iterator[Machine]:
    """Run the workers of another machine until the end of the block."""
    name = f"gr-bench-{number}"
    home = InstallationFolder(shared.folder / name)
    create_folders(home)
    write_env(home, read_env(InstallationFolder(shared.settings.home)))
    machine = Machine(name, f"{PREFIX}.{number + 10}", home)
    with _connect_namespace(machine):
        process = spawn_process(
            [
                *(shutil.which("ip") or "ip", "netns", "exec", name),
                *(sys.executable, "-m", "workers.cli.main", "up", "--workers", "--no-browser"),
            ],
            home.log_file("bench"),
            environment=settings.child_environment(home.folder, code=CODE_ROOT),
        )
        try:
            started = monotonic()
            while not read_status(home).is_ready:
                if process.poll() is not None or monotonic() - started > START_SECONDS:
                    raise start_failure(home, "bench")
                sleep(0.1)
            yield machine
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


@contextmanager
def _connect_namespace(machine: Machine) -> Iterator[None]:
    host = f"{machine.name}-host"
    inside = "eth0"
    _run_ip("netns", "add", machine.name)
    try:
        _run_ip(
            *("link", "add", host, "type", "veth", "peer", "name", inside),
            *("netns", machine.name),
        )
        _run_ip("link", "set", host, "master", BRIDGE, "up")
        here = ("-n", machine.name)
        _run_ip(*here, "addr", "add", f"{machine.address}/24", "dev", inside)
        _run_ip(*here, "link", "set", inside, "up")
        _run_ip(*here, "link", "set", "lo", "up")
        yield
    finally:
        _run_ip("netns", "del", machine.name)  # deletes its end of the link, and thus both
