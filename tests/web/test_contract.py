"""The connector of the own page keeps its contract against the true web room, bad days included."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from connectors.contract import Answer, StepKind, WireStep
from connectors.feed import Feed
from connectors.outcomes import Published
from connectors.suite import rules
from connectors.suite.house import House
from connectors.suite.serving import MovedClock, served
from connectors.suite.world import OBJECTS, TENANT, World, transport
from connectors.transport import Account
from foundation.asgi import Guarded
from foundation.faults import Book, FaultyNetwork
from foundation.http import HttpClient
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.units import Rating, Unit
from tests.fakes.own_page import call_of
from tests.web.builders import PUBLIC, Page, Room, page
from web.app import create


@dataclass
class PageTruth:
    """The room's own tables, and a network before it that fails on demand."""

    mia: Page
    book: Book

    def ask(self, mode: str, on: str, **more: Any) -> None:
        self.book.ask(mode, account=self.mia.slug, on="posts" if on == "edits" else on, **more)

    def _rows(self, where: str) -> list[tuple[str, str]]:
        with self.mia.scope() as scope:
            rows = scope.run(
                f"SELECT content_id, text FROM items WHERE tenant_id = :t AND {where} ORDER BY published_at, id",
                t=self.mia.tenant_id,
            )
            return [(row.content_id, row.text) for row in rows]

    def taken(self) -> list[tuple[str, str]]:
        return self._rows("true")

    def says(self, native_id: str) -> tuple[str, int]:
        """The words of an item, and how many files it shows."""
        with self.mia.scope() as scope:
            row = scope.run(
                "SELECT text, jsonb_array_length(media) AS files FROM items WHERE tenant_id = :t AND content_id = :id",
                t=self.mia.tenant_id,
                id=native_id,
            ).one()
        return row.text, row.files

    def standing(self) -> set[str]:
        return {name for name, _ in self._rows("removed_at IS NULL")}

    def requests(self) -> list[Mapping[str, Any]]:
        return [entry for entry in self.book.record() if entry["account"] == self.mia.slug]


@dataclass
class Stage:
    """The room behind a network that can fail."""

    room: Room
    book: Book
    clock: MovedClock
    url: str
    http: HttpClient

    def world(self) -> World:
        mia = page(self.room)
        with mia.scope() as scope:
            for sha256 in OBJECTS:
                mia.record(scope, sha256, Rating.G)
        return World(
            name="own_page, the true room",
            connector=Feed(),
            account=Account(TENANT, uuid7(), mia.slug, self.url, Sealed(mia.token.encode())),
            fake=(truth := PageTruth(mia, self.book)),
            says=truth.says,
            surface="own_page.public",
            transport=transport(self.http),
            clock=self.clock,
            lags=False,
        )


@pytest.fixture(scope="module")
def stage(room: Room) -> Iterator[Stage]:
    clock = MovedClock()
    app: Guarded = create(tenant=room.pages, store=room.store, public_url=PUBLIC)
    book = Book(clock=clock)
    with served(FaultyNetwork(app, book=book, call_of=call_of)) as url:
        http = HttpClient()
        yield Stage(room, book, clock, url, http)
        http.close()
    book.close()


@pytest.fixture(autouse=True)
def _good_day(stage: Stage) -> Iterator[None]:
    yield
    stage.book.clear()


@pytest.mark.parametrize("day", rules.TRANSIENT)
def test_once(stage: Stage, day: str) -> None:
    world = stage.world()
    assert rules.once(world, world.connector, day) == []


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_rule(stage: Stage, rule: rules.Rule) -> None:
    world = stage.world()
    assert rule(world, world.connector) == []


class Meanwhile(House):
    """Something happens once, when the files are there and their item is about to be put."""

    def __init__(self, world: World, then: Callable[[], object]) -> None:
        super().__init__(world, world.connector)
        self._then: Callable[[], object] | None = then

    def send(self, step: WireStep, unit: Unit | None = None, answers: tuple[Answer, ...] = ()) -> Answer:
        if step.kind is StepKind.PUBLISH and self._then is not None:
            then, self._then = self._then, None
            then()
        return super().send(step, unit, answers)


def test_a_file_that_goes_with_another_item_is_staged_again(stage: Stage) -> None:
    world = stage.world()
    house, first, second = House(world, world.connector), world.unit("first", media=1), world.unit("second", media=1)
    assert isinstance(house.publish(first).outcome, Published)
    story = Meanwhile(world, lambda: house.remove(first, first.native_key)).publish(second)
    assert isinstance(story.outcome, Published), story.outcomes
    assert [step.kind for step in story.steps] == [StepKind.STAGE, StepKind.PUBLISH] * 2
    assert world.fake.standing() == {second.native_key}
