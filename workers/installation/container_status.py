"""Status of an installation in containers: each process is asked at the name of its service."""

import socket
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from foundation.errors import Conflict
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.health_endpoint import PROCESS_HEADER
from foundation.ops.settings import Settings
from workers.installation import state_file
from workers.installation.folder import InstallationFolder
from workers.installation.state_file import InstallationStatus, ProcessStatus

SERVICES = ("relay", "send", "make", "listen", "web", "dashboard")
TEST_NETWORK_SERVICE = "sandbox"
"""Services of `docker-compose.yml`, named as the processes that they run."""

PROBE_SECONDS = 3.0
"""Time limit of a probe: a process that answers later counts as not ready."""


def read_installation_status(settings: Settings) -> InstallationStatus:
    """Return the current status of the installation, whether it runs under a supervisor on this
    machine or in containers."""
    if settings.in_containers:
        return read_container_status(settings)
    return state_file.read_status(InstallationFolder(settings.home))


def require_supervisor(settings: Settings) -> None:
    """Raise Conflict in containers, where the container engine starts, stops and logs the
    processes."""
    if settings.in_containers:
        raise Conflict("cli.use_compose")


def read_container_status(
    settings: Settings, services: Sequence[str] = SERVICES
) -> InstallationStatus:
    """Return the status of every replica of every service, read from its `/readyz`.

    A service without an address is stopped: the container network resolves running containers
    only. All containers use the same metrics port. The phase is `up` if a process answers.
    """
    test_network = (TEST_NETWORK_SERVICE,) if settings.has_sandbox else ()
    names = (*services, *test_network)
    http = HttpClient()
    try:
        with ThreadPoolExecutor(max_workers=len(names)) as pool:
            processes = [
                process
                for replicas in pool.map(
                    lambda name: _probe_service(http, name, settings.workers.metrics_port), names
                )
                for process in replicas
            ]
    finally:
        http.close()
    is_up = any(process.state != "stopped" for process in processes)
    return InstallationStatus(
        phase="up" if is_up else "stopped",
        addresses={
            "dashboard": settings.dashboard.public_url,
            "web": settings.web.public_url,
        },
        processes=processes,
    )


def _probe_service(http: HttpClient, name: str, port: int) -> list[ProcessStatus]:
    """Return the status of each replica; the second one is called `name-2`."""
    addresses = _resolve_addresses(name, port)
    if not addresses:
        return [ProcessStatus(name=name, state="stopped", ready=False)]
    # A container has one address in each network that it shares with this one.
    answers = {
        process: is_ready
        for process, is_ready in (_probe_process(http, address, port) for address in addresses)
    }
    return [
        ProcessStatus(
            name=name if number == 1 else f"{name}-{number}",
            state="ready" if is_ready else "starting",
            ready=is_ready,
        )
        for number, is_ready in enumerate(answers.values(), start=1)
    ]


def _resolve_addresses(name: str, port: int) -> Iterable[str]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return sorted({str(info[4][0]) for info in found})


def _probe_process(http: HttpClient, address: str, port: int) -> tuple[str, bool]:
    """Return the identity of the process that listens at an address, or the address if it does not
    answer, and True if it is ready."""
    host = f"[{address}]" if ":" in address else address
    reply = http.send(HttpRequest("GET", f"http://{host}:{port}/readyz", deadline=PROBE_SECONDS))
    if not isinstance(reply, HttpResponse):
        return address, False
    return reply.headers.get(PROCESS_HEADER.lower(), address), reply.status == 200
