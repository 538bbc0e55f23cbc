"""The dashboard killed during presses: pages reconnect, and nothing is lost or done twice."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import Popen
from uuid import UUID

import pytest

from foundation.ops.clock import sleep
from schedules.posts.states import DeliveryState
from tests.browser.chromium import Visitor
from tests.browser.installation import RunningAgency
from tests.browser.workflows.test_subscribers import asks_for_a_person, told
from tests.conftest import free_port, wait_until
from tests.dashboard.conftest import launch_dashboard

TRIES = 4
POST, ANSWER = "Le quai, ce soir.", "Bonsoir Léo, je suis là."


@dataclass
class Doorway:
    """A separate dashboard process that may be killed."""

    lea: RunningAgency
    port: int = field(default_factory=free_port)
    process: "Popen[bytes] | None" = None

    def start(self) -> None:
        made = self.lea.installation
        self.process = launch_dashboard(
            self.port, made.database, made.home, made.home.parent / "elsewhere"
        )

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    @contextmanager
    def visitor(self, path: str, member: UUID) -> Iterator[Visitor]:
        url = f"http://localhost:{self.port}"
        with self.lea.chromium.visitor(cookies=self.lea.session(member, url)) as visitor:
            visitor.go(url + path)
            visitor.rest()
            yield visitor


@pytest.fixture
def doorway(lea: RunningAgency) -> Iterator[Doorway]:
    made = Doorway(lea)
    made.start()
    yield made
    made.kill()


def insist(visitor: Visitor, label: str, done: Callable[[], bool]) -> None:
    """Wait for the result, and press again if nothing happens, as a user does after a restart."""
    for _ in range(TRIES):
        try:
            wait_until(done, 5)
        except AssertionError:
            visitor.press(label)
        else:
            return
    wait_until(done)


@pytest.mark.parametrize("seconds", [0.0, 0.3])
def test_kill_during_presses_loses_and_repeats_nothing(
    lea: RunningAgency, doorway: Doorway, seconds: float
) -> None:
    desk = lea.desk
    lea.bots.connected()
    post = desk.write(POST)
    wish = desk.wish(post, after=7200)
    with (
        doorway.visitor("/approvals", desk.manager) as marc,
        doorway.visitor("/inbox", desk.author) as anne,
    ):
        marc.shows(POST)
        asks_for_a_person(lea, anne)
        box = anne.page.get_by_label("Votre message à")
        box.click()
        anne.page.keyboard.type(ANSWER)
        marc.press("Valider")
        anne.page.keyboard.press("Control+Enter")
        sleep(seconds)
        doorway.kill()
        doorway.start()
        for one in (marc, anne):
            one.rest()
        insist(marc, "Valider", lambda: desk.state(wish) is DeliveryState.SCHEDULED)
        wait_until(lambda: told(lea, ANSWER) == 1 or box.input_value() == ANSWER, 60)
        insist(anne, "Envoyer", lambda: told(lea, ANSWER) == 1)
        sleep(2.0)
    assert told(lea, ANSWER) == 1
    assert (
        len(
            lea.rows(
                "SELECT 1 FROM approvals WHERE tenant_id = :tenant AND post_id = :post", post=post
            )
        )
        == 1
    )
    assert (
        len(
            lea.rows(
                "SELECT 1 FROM deliveries WHERE tenant_id = :tenant AND post_id = :post", post=post
            )
        )
        == 1
    )
