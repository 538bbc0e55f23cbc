"""Fixtures of a phone paired with a member, and of the running dashboard."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from foundation.ids import uuid7
from foundation.ops.clock import sleep
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members, sessions
from tests.channels import manual_task_builders
from tests.channels.manual_task_builders import NAME
from tests.conftest import Cluster
from tests.dashboard.conftest import serving
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import ZONE, SandboxAgency, create_sandbox_agency, wired
from tests.schedules.conftest import running, sandbox  # noqa: F401  fixtures
from workers.wiring import Services

FRENCH = {"accept-language": "fr"}


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Home folder of the installation, shared by the dashboard and the workers."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def services(cluster: Cluster, home: Path) -> Iterator[Services]:
    with wired(cluster, home) as found:
        yield found


@pytest.fixture(scope="session")
def address(
    cluster: Cluster, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with serving(
        cluster.url("greenroom_pages", "house"), home, tmp_path_factory.mktemp("elsewhere")
    ) as (url, _):
        yield url


@pytest.fixture
def lea(services: Services, sandbox: RunningSandbox) -> SandboxAgency:  # noqa: F811  the fixture
    return create_sandbox_agency(services, sandbox)


def add_member(
    lea: SandboxAgency, role: Role, *, creators: tuple[str, ...] = (), language: str = "fr"
) -> UUID:
    """Add another member of the agency, who chose this language."""
    with lea.scope() as scope:
        member_id = agencies.add_member(
            scope,
            name=f"{role}",
            email=f"{uuid7()}@example.test",
            role=role,
            language=language,
            zone=ZONE,
            creators=creators,
        )
        members.set_member_language(scope, member_id, language)
        return member_id


@contextmanager
def paired(
    lea: SandboxAgency, address: str, member_id: UUID | None = None
) -> Iterator[httpx.Client]:
    """Yield a phone paired with a member."""
    with lea.scope() as scope:
        secret = sessions.create_sign_in_link(scope, member_id or lea.manager)
    with httpx.Client(base_url=address, timeout=30, headers=FRENCH) as phone:
        answer = phone.post(
            f"/phone/in/{secret}", headers={"user-agent": "Mozilla (iPhone; CPU iPhone OS 19)"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/phone"), answer.text
        yield phone


@contextmanager
def at_work(lea: SandboxAgency) -> Iterator[None]:
    """Run the workers in the background."""
    over = threading.Event()

    def work() -> None:
        while not over.is_set():
            lea.run()
            sleep(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def create_due_task(
    lea: SandboxAgency, *, pictures: int = 1, body: str = "Bonjour <b>toi</b> & moi"
) -> tuple[UUID, str]:
    """Create a due manual task and return its delivery and path."""
    manual_task_builders.connect_manual_account(lea)
    manual_task_builders.pair_phone(lea)
    media = tuple(lea.photo(number + 1) for number in range(pictures))
    delivery = lea.delivery(body, channel=NAME, media=media, after=1)
    lea.live(seconds=3)
    (task,) = [one for one in manual_task_builders.open_phone(lea).tasks() if one.caption == body]
    return delivery, f"/phone/task/{task.id}"
