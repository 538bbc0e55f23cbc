"""The dashboard as a separate process, started in another folder, on the test database."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from foundation.db.database import OpenScope
from tenants.agencies.rights import Role
from tenants.auth import second_factor, sessions
from tenants.vault import sealed_intake
from tests.conftest import Cluster, free_port, wait_until
from tests.dashboard.builders import Agency, create_agency
from tests.tenants import totp_app

ROOT = Path(__file__).parents[2]
MASTER = bytes(range(32))
"""Master key of these tests; the dashboard only gets the public keys derived from it."""

PUBLIC = "https://house.example"
"""Public address of the installation for platforms."""


@dataclass(frozen=True)
class Door:
    """The running dashboard; `log` is the output of its process."""

    url: str
    log: Path
    tenant: OpenScope

    def client(self) -> httpx.Client:
        """Return a client without cookies."""
        return httpx.Client(
            base_url=self.url, timeout=60, verify=False
        )  # plain HTTP: no certificates to load

    def link(self, who: Agency, role: Role = Role.OWNER) -> str:
        """Create a sign-in link and return its path."""
        with who.scope() as scope:
            return f"/auth/link/{sessions.create_sign_in_link(scope, who.members[role])}"

    def cookie(self, who: Agency, role: Role = Role.OWNER) -> str:
        """Sign the member in and return the cookie."""
        with self.client() as visitor:
            answer = visitor.post(self.link(who, role))
            assert answer.status_code == 303, answer.text
            secret = visitor.cookies["greenroom"]
        return f"greenroom={totp_app.complete_sign_in(self.tenant, secret)}"


def launch_dashboard(
    port: int, database: str, home: Path, elsewhere: Path
) -> "subprocess.Popen[bytes]":
    """Start the dashboard in a separate process and wait until it responds."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(home / "packages")]),
        "GREENROOM_HOME": str(home),
        "GREENROOM_DATABASE__PAGES_URL": database,
        "GREENROOM_PUBLIC_URL": PUBLIC,
        "GREENROOM_TENANTS__LETTERBOX_KEY": sealed_intake.derive_public_key(MASTER),
        "GREENROOM_TENANTS__DOOR_KEY": second_factor.derive_door_key(MASTER),
        "GREENROOM_WORKERS__TRUSTED_PROXIES": "127.0.0.1",
        "GREENROOM_DASHBOARD__PORT": str(port),
        "GREENROOM_DASHBOARD__PUBLIC_URL": f"http://localhost:{port}",
    }
    with (home / "log").open("ab") as out:
        command = [
            sys.executable,
            "-m",
            "workers.run",
            "dashboard",
            "workers.processes.web_servers:run_dashboard",
        ]
        process = subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=out, stderr=out)
    wait_until(lambda: _answers(port, process), seconds=200)
    return process


@contextmanager
def serving(database: str, home: Path, elsewhere: Path) -> Iterator[tuple[str, Path]]:
    """Run the dashboard on this database; yield its address and its log."""
    port = free_port()
    process = launch_dashboard(port, database, home, elsewhere)
    try:
        yield f"http://localhost:{port}", home / "log"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="session")
def door(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
        yield Door(url, log, tenant)


def _answers(port: int, process: "subprocess.Popen[bytes]") -> bool:
    assert process.poll() is None, "the dashboard ended at once"
    try:
        return (
            httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=2, verify=False).status_code
            == 200
        )
    except httpx.HTTPError:
        return False


@pytest.fixture
def lumiere(tenant: OpenScope) -> Agency:
    """Return an agency in a new tenant."""
    return create_agency(tenant)
