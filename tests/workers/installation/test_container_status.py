"""An installation in containers: which processes answer, and which commands a container can run."""

import base64
import secrets
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from foundation.errors import BadInput, Conflict, Unavailable
from foundation.http.http_client import HttpClient
from foundation.ops.health_endpoint import PROCESS_HEADER
from foundation.ops.settings import (
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
    WorkersSettings,
)
from workers.cli import status
from workers.doctor import machine
from workers.doctor.findings import FindingLevel
from workers.installation import container_status, data_services
from workers.installation.state_file import InstallationStatus, ProcessStatus
from workers.terminal.session import connect_installation


class DualStackServer(ThreadingHTTPServer):
    """Listens at the IPv4 and the IPv6 address of this machine."""

    address_family = socket.AF_INET6


EXTERNAL = "postgresql+psycopg://greenroom_{login}:secret@postgres:5432/greenroom"
LOGINS = data_services.DATABASE_LOGINS


def key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def settings_of(tmp_path: Path, *logins: str, containers: bool = True, port: int = 0) -> Settings:
    return Settings(
        home=tmp_path,
        environment="production",
        deployment="containers" if containers else "machine",
        database=DatabaseSettings(
            **{f"{login}_url": EXTERNAL.format(login=login) for login in logins}
        ),
        tenants=TenantsSettings(master_key=key()),
        gate=GateSettings(signing_key=key()),
        workers=WorkersSettings(metrics_port=port),
    )


@pytest.mark.parametrize("login", LOGINS)
def test_a_container_with_one_login_uses_no_embedded_database(tmp_path: Path, login: str) -> None:
    settings = settings_of(tmp_path, login)
    assert not data_services.is_database_embedded(settings)
    assert not data_services.is_redis_embedded(settings)
    assert data_services.is_login_external(settings, login)


@pytest.mark.parametrize("login", LOGINS)
def test_a_start_on_one_machine_still_needs_all_three_addresses(tmp_path: Path, login: str) -> None:
    settings = settings_of(tmp_path, login, containers=False)
    with pytest.raises(BadInput) as raised:
        data_services.is_database_embedded(settings)
    assert raised.value.message.code == "stack.database_incomplete"
    # A command uses the login of the workers alone, on a machine that only runs workers too.
    assert data_services.is_login_external(settings, "work") is (login == "work")


@pytest.mark.parametrize("logins", [(), ("pages",), ("owner",)])
def test_commands_name_what_a_container_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logins: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    monkeypatch.setenv("GREENROOM_DEPLOYMENT", "containers")
    for login in logins:
        monkeypatch.setenv(f"GREENROOM_DATABASE__{login.upper()}_URL", EXTERNAL.format(login=login))
    with pytest.raises(Unavailable) as raised, connect_installation("test"):
        pass
    assert raised.value.message.code == "cli.container_without_access"
    assert "GREENROOM_DATABASE__WORK_URL" in str(raised.value.message.params["missing"])


def test_each_service_is_asked_and_those_without_an_address_are_stopped(
    tmp_path: Path,
) -> None:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/readyz" else 404)
            self.send_header(PROCESS_HEADER, "3f1c:1")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = DualStackServer(("::", 0), Ready)
    Thread(target=server.serve_forever, daemon=True).start()
    # The names of services resolve in a container network only; here one name has an address.
    # Two addresses of one process have the same identity, so they count once.
    http = HttpClient()
    probes = {
        container_status._probe_process(http, address, server.server_port)
        for address in ("127.0.0.1", "::1")
    }
    http.close()
    assert probes == {("3f1c:1", True)}
    try:
        found = container_status.read_container_status(
            settings_of(tmp_path, port=server.server_port), ("localhost", "make.invalid")
        )
    finally:
        server.shutdown()
        server.server_close()
    states = {process.name: process.state for process in found.processes}
    assert found.phase == "up"
    assert states["localhost"] == "ready"
    assert found.unready_processes["make.invalid"] == "stopped"
    assert not found.is_ready


def test_a_process_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    found = container_status.read_container_status(settings_of(tmp_path, port=1), ("127.0.0.1",))
    assert found.unready_processes == {"127.0.0.1": "starting"}


@pytest.mark.parametrize("phase", ["up", "stopped"])
def test_doctor_in_containers_names_the_container_engine(tmp_path: Path, phase: str) -> None:
    late = ProcessStatus(name="send", state="stopped", ready=False)
    status_now = InstallationStatus(phase=phase, processes=[late])
    finding = machine._check_processes(settings_of(tmp_path), status_now)
    assert finding.message.code in {"doctor.containers_late", "doctor.containers_stopped"}
    on_machine = machine._check_processes(settings_of(tmp_path, containers=False), status_now)
    assert on_machine.message.code in {"doctor.processes_late", "cli.not_running"}
    assert (finding.level is FindingLevel.ERROR) is (phase == "up")


def test_processes_are_not_stopped_or_logged_from_inside_a_container(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    monkeypatch.setenv("GREENROOM_DEPLOYMENT", "containers")
    for act in (
        lambda: status.stop_installation(now=True),
        lambda: status.print_logs(None, follow=False, lines=1),
    ):
        with pytest.raises(Conflict) as raised:
            act()
        assert raised.value.message.code == "cli.use_compose"
