"""The connector of the creator page meets its contract against the real web server, including
failures."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.conformance import rules
from connectors.conformance.fake_servers import AdjustableClock, serve_app
from connectors.conformance.harness import SendingHarness
from connectors.conformance.world import (
    TEST_OBJECTS,
    TEST_TENANT,
    ConnectorWorld,
    conformance_transport,
)
from connectors.contract.connector import StepKind, StepResult, WireStep
from connectors.contract.outcomes import Published
from connectors.platforms.own_page.publisher import OwnPage
from connectors.transport.transport import AccountTarget
from foundation.http.host_guard import HostGuard
from foundation.http.http_client import HttpClient
from foundation.ids import uuid7
from foundation.ops.fault_injection import FaultBook, FaultyNetwork
from foundation.sealed import Sealed
from gate.contract.units import Rating, Unit
from tests.fakes.own_page import classify_request
from tests.web.builders import PUBLIC, CreatorPage, WebServer, create_page
from web.app import create_web_app


@dataclass
class PageTruth:
    """The tables of the server, and a network before it that fails on demand."""

    mia: CreatorPage
    book: FaultBook

    def inject_fault(self, mode: str, on: str, **more: Any) -> None:
        self.book.schedule_fault(
            mode, account=self.mia.slug, on="posts" if on == "edits" else on, **more
        )

    def _rows(self, where: str) -> list[tuple[str, str]]:
        with self.mia.scope() as scope:
            rows = scope.run(
                f"SELECT content_id, text FROM items WHERE tenant_id = :t AND {where} ORDER BY "
                "published_at, id",
                t=self.mia.tenant_id,
            )
            return [(row.content_id, row.text) for row in rows]

    def accepted_posts(self) -> list[tuple[str, str]]:
        return self._rows("true")

    def says(self, native_id: str) -> tuple[str, int]:
        """Return the text of an item and its number of files."""
        with self.mia.scope() as scope:
            row = scope.run(
                "SELECT text, jsonb_array_length(media) AS files FROM items WHERE tenant_id = :t "
                "AND content_id = :id",
                t=self.mia.tenant_id,
                id=native_id,
            ).one()
        return row.text, row.files

    def live_post_ids(self) -> set[str]:
        return {name for name, _ in self._rows("removed_at IS NULL")}

    def requests(self) -> list[Mapping[str, Any]]:
        return [entry for entry in self.book.list_requests() if entry["account"] == self.mia.slug]


@dataclass
class Stage:
    """The server behind a network that can fail."""

    room: WebServer
    book: FaultBook
    clock: AdjustableClock
    url: str
    http: HttpClient

    def world(self) -> ConnectorWorld:
        mia = create_page(self.room)
        with mia.scope() as scope:
            for sha256 in TEST_OBJECTS:
                mia.record(scope, sha256, Rating.G)
        return ConnectorWorld(
            name="own_page, the true room",
            connector=OwnPage(),
            account=AccountTarget(
                TEST_TENANT, uuid7(), mia.slug, self.url, Sealed(mia.token.encode())
            ),
            fake=(truth := PageTruth(mia, self.book)),
            says=truth.says,
            surface="own_page.public",
            transport=conformance_transport(self.http),
            clock=self.clock,
            lags=False,
        )


@pytest.fixture(scope="module")
def stage(room: WebServer) -> Iterator[Stage]:
    clock = AdjustableClock()
    app: HostGuard = create_web_app(tenant=room.pages, store=room.store, public_url=PUBLIC)
    book = FaultBook(clock=clock)
    with serve_app(FaultyNetwork(app, book=book, call_of=classify_request)) as url:
        http = HttpClient()
        yield Stage(room, book, clock, url, http)
        http.close()
    book.close()


@pytest.fixture(autouse=True)
def _good_day(stage: Stage) -> Iterator[None]:
    yield
    stage.book.clear_faults()


@pytest.mark.parametrize("day", rules.TRANSIENT_FAULTS)
def test_post_is_published_exactly_once_despite_faults(stage: Stage, day: str) -> None:
    world = stage.world()
    assert rules.publishes_exactly_once(world, world.connector, day) == []


@pytest.mark.parametrize("rule", rules.CORE_RULES, ids=lambda rule: rule.__name__)
def test_connector_meets_the_rule(stage: Stage, rule: rules.Rule) -> None:
    world = stage.world()
    assert rule(world, world.connector) == []


class Meanwhile(SendingHarness):
    """Run a callback once, after the files are staged and before their item is put."""

    def __init__(self, world: ConnectorWorld, then: Callable[[], object]) -> None:
        super().__init__(world, world.connector)
        self._then: Callable[[], object] | None = then

    def send(
        self, step: WireStep, unit: Unit | None = None, answers: tuple[StepResult, ...] = ()
    ) -> StepResult:
        if step.kind is StepKind.PUBLISH and self._then is not None:
            then, self._then = self._then, None
            then()
        return super().send(step, unit, answers)


def test_file_removed_with_another_item_is_staged_again(stage: Stage) -> None:
    world = stage.world()
    house, first, second = (
        SendingHarness(world, world.connector),
        world.unit("first", media=1),
        world.unit("second", media=1),
    )
    assert isinstance(house.publish(first).outcome, Published)
    story = Meanwhile(world, lambda: house.remove(first, first.native_key)).publish(second)
    assert isinstance(story.outcome, Published), story.outcomes
    assert [step.kind for step in story.steps] == [StepKind.STAGE, StepKind.PUBLISH] * 2
    assert world.fake.live_post_ids() == {second.native_key}
