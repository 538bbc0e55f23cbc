"""`web` and `listen` in separate processes, killed at work: no message is lost or processed twice."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from foundation.ops.clock import sleep
from schedules.posts.states import DeliveryState
from tests.conftest import Cluster, free_port, wait_until
from tests.journeys.telegram.test_bot import lea, sandbox, services, telegram  # noqa: F401  fixtures
from tests.journeys.telegram_creator import TelegramCreator
from web.site import sites

ROOT = Path(__file__).parents[2]
NEAR = timedelta(minutes=20)
"""Work that is due later than this does not belong to publishing."""


@dataclass
class Process:
    """A process of the installation that a test may kill."""

    name: str
    environment: dict[str, str]
    ready: Callable[[], bool]
    running: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        home = Path(self.environment["GREENROOM_HOME"])
        with (home / f"{self.name}.log").open("ab") as out:
            self.running = subprocess.Popen(
                [sys.executable, "-m", "workers.run", self.name],
                cwd=home,
                env={**os.environ, "PYTHONPATH": str(ROOT), **self.environment},
                stdout=out,
                stderr=out,
            )
        wait_until(self.ready, 90)

    def signal(self, number: signal.Signals) -> None:
        assert self.running is not None
        assert self.running.poll() is None, f"{self.name} ended by itself"
        self.running.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self.running is not None
        self.running.wait(60)


@contextmanager
def process(
    made: TelegramCreator, cluster: Cluster, name: str, ready: Callable[[], bool], **more: str
) -> Iterator[Process]:
    """Run a process with the settings of Léa's installation."""
    settings = made.services.settings
    environment = {
        "GREENROOM_HOME": str(settings.home),
        "GREENROOM_ENVIRONMENT": "test",
        "GREENROOM_DATABASE__WORK_URL": cluster.url("greenroom_work", "house"),
        "GREENROOM_DATABASE__PAGES_URL": cluster.url("greenroom_pages", "house"),
        "GREENROOM_TENANTS__MASTER_KEY": settings.tenants.master_key.get_secret_value(),
        "GREENROOM_GATE__SIGNING_KEY": settings.gate.signing_key.get_secret_value(),
        "GREENROOM_CONNECTORS__TELEGRAM_URL": settings.connectors.telegram_url,
        **more,
    }
    one = Process(name, environment, ready)
    one.start()
    try:
        yield one
    finally:
        one.kill()


def answers(url: str) -> bool:
    """Return True if the web process at this address responds."""
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def settled(made: TelegramCreator, wanted: list[UUID]) -> bool:
    """Return True if all deliveries are published; otherwise advance the clock to the next due
    time."""
    desk = made.desk
    if all(desk.state(one) is DeliveryState.PUBLISHED for one in wanted):
        return True
    due, now = desk.next_due(), desk.now()
    if due is not None and now < due < now + NEAR:
        made.pass_time(seconds=(due - now).total_seconds() + 0.01)
    sleep(0.5)
    return False


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "running"])
# fixture
def test_killed_web_process_publishes_every_post_once(
    lea: TelegramCreator,  # noqa: F811  a fixture
    cluster: Cluster,
    frozen: bool,
) -> None:
    desk, port, slug = lea.desk, free_port(), f"lea-{lea.desk.tenant_id.hex[-12:]}"
    url = f"http://127.0.0.1:{port}"
    with desk.scope() as scope:
        token = sites.open_site(
            scope,
            creator_id=desk.creator_id,
            slug=slug,
            title="Léa",
            about="Le port",
            language="fr",
        )
    assert token is not None
    desk.connect_to(
        "page", account=slug, token=token, platform="own_page", surface="public", base_url=url
    )

    def standing() -> list[str]:
        return [
            one["content_text"]
            for one in httpx.get(f"{url}/{slug}/feed.json", timeout=20).json()["items"]
        ]

    where = {
        "GREENROOM_WEB__PORT": str(port),
        "GREENROOM_WEB__PUBLIC_URL": url,
        "GREENROOM_WEB__INSIDE_URL": url,
    }
    with process(lea, cluster, "web", lambda: answers(url), **where) as web:
        if frozen:
            web.signal(signal.SIGSTOP)
        words = [f"Vague {number}." for number in range(8)]
        wanted = [desk.delivery(one, channel="page", after=1) for one in words]
        if frozen:
            wait_until(
                lambda: any(desk.state(one) is DeliveryState.PUBLISHING for one in wanted), 60
            )
            sleep(0.3)  # its request is in the socket's queue
        else:
            wait_until(lambda: bool(standing()), 60)
        web.kill()
        web.start()
        wait_until(lambda: settled(lea, wanted), 120)
        assert sorted(standing()) == sorted(words)


def test_killed_listener_receives_every_message_once(
    lea: TelegramCreator,  # noqa: F811  fixture
    cluster: Cluster,
) -> None:
    lea.connected()
    lea.deaf()
    before, after = [f"dis-moi {number}" for number in range(10)], ["tu es là ?", "coucou ?"]

    def heard() -> list[str]:
        said = "SELECT body FROM messages WHERE tenant_id = :tenant AND direction = 'in'"
        return [row.body for row in lea.rows(said)]

    with process(lea, cluster, "listen", lambda: True) as listen:
        for words in before:
            lea.world.say(lea.bot, "leo", words)
        wait_until(lambda: bool(heard()), 90)
        listen.kill()
        for words in after:
            lea.world.say(lea.bot, "leo", words)
        listen.start()
        wait_until(lambda: len(heard()) >= len(before + after), 90)
        wait_until(lambda: not lea.world.waiting(lea.bot), 60)
        lea.waits(lambda seen: len(seen) >= 2, seconds=60)
        sleep(3.0)
    assert Counter(heard()) == Counter(before + after)
    sent = lea.rows("SELECT id FROM messages WHERE tenant_id = :tenant AND direction = 'out'")
    assert len(lea.texts()) == len(sent), lea.texts()
