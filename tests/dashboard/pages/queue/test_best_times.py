"""Best times on the queue page: suggestions with their evidence, applied only by the member."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import numpy as np
import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from insights.analysis import timing
from insights.rollups.history_import import PastReading, import_past_readings
from schedules.availability import slots
from schedules.imports.history_import import PastPost, import_past_posts
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import stream

FIRST = datetime(2026, 3, 2, tzinfo=UTC)


def past_post(who: Agency, channel_id: UUID, body: str, at: datetime) -> PastPost:
    """Return a post that was published at its time."""
    return PastPost(
        id=uuid7(),
        creator_id=who.creator_id,
        channel_id=channel_id,
        author="system:test",
        title="",
        body=body,
        media=(),
        text_ai="none",
        wall_time=f"{at:%Y-%m-%dT%H:%M}",
        zone="UTC",
        due_at=at,
        published_at=at,
        native_id=str(uuid7()),
    )


def past(
    who: Agency, channel_id: UUID, hours: list[int], likes: list[int], *, age: int = 24
) -> None:
    """Create one post a day at these hours in Paris, each measured at an age in hours."""
    made = []
    for day, hour in enumerate(hours):
        at = FIRST + timedelta(days=day, hours=hour - (1 if day < 27 else 2))
        made.append(past_post(who, channel_id, f"post {day}", at))
    with who.scope() as scope:
        import_past_posts(scope, made)
        import_past_readings(
            scope,
            [
                PastReading(
                    who.creator_id,
                    one.delivery_id,
                    channel_id,
                    "likes",
                    age,
                    seen,
                    one.published_at + timedelta(hours=age),
                )
                for one, seen in zip(made, likes, strict=True)
            ],
        )


def peak(posts: int, *, effect: float) -> tuple[list[int], list[int]]:
    """Return random hours and likes that peak at 20:00."""
    drawn = np.random.default_rng(7)
    hours = drawn.integers(0, 24, posts)
    height = 4 + effect * np.cos(2 * np.pi * (hours - 20) / 24) + drawn.standard_normal(posts)
    return [int(one) for one in hours], [round(float(one)) for one in np.exp(height)]


def known(who: Agency, channel_id: UUID) -> list[tuple[int, time]]:
    with who.scope() as scope:
        return [(one.weekday, one.clock) for one in slots.list_slots(scope, channel_id)]


def test_automatic_slot_follows_results_and_keeps_trying_hours(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    past(lumiere, channel_id, *peak(150, effect=1.2))
    with lumiere.scope() as scope:
        slot_id = slots.add_slot(
            scope, channel_id, weekday=1, clock=time(9, 30), zone="UTC", automatic=True
        )
        slots.add_slot(scope, channel_id, weekday=2, clock=time(9, 30), zone="UTC")
        assert timing.move_automatic_slots(scope, lumiere.creator_id) == 1
        assert timing.move_automatic_slots(scope, lumiere.creator_id) == 0
        moved = slots.get_slot(scope, slot_id)
    assert (moved.weekday, moved.clock.minute) == (1, 30), "only the hour changes"
    assert 17 <= moved.clock.hour <= 22
    days = [FIRST.date() + timedelta(days=1 + 7 * week) for week in range(400)]
    tried = [moved.random_hour(day) for day in days]
    assert 20 <= sum(one is not None for one in tried) <= 65
    assert {one for one in tried if one is not None} <= set(slots.EXPLORED_HOURS)
    assert [moved.place_on(day) for day in days] == [moved.place_on(day) for day in days]
    assert all(
        moved.place_on(day).clock.hour == (moved.clock.hour if one is None else one)
        for day, one in zip(days, tried, strict=True)
    )


def test_account_with_a_peak_gets_a_suggestion(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    past(lumiere, channel_id, *peak(150, effect=1.2))
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", queue=channel_id)
        assert "D’après 150 publications" in text
        assert "confiance 80 %" in text
        assert "une date sur dix, une heure aléatoire" in text
        offers = [one for one in page.labels() if one.startswith("Utiliser Du lundi au vendredi")]
        clock = int(offers[0].rpartition(" ")[2].partition(":")[0])
        assert 17 <= clock <= 23
        page.press(offers[0])
        assert known(lumiere, channel_id) == []
        page.press("Ajouter le créneau")
    assert known(lumiere, channel_id) == [(day, time(clock)) for day in range(5)]


@pytest.mark.parametrize(
    ("posts", "age", "said"),
    [
        (0, 24, "il manque 60 publications"),
        (59, 24, "il manque 1 publication"),
        (59, 1, "il manque 60 publications"),
        (80, 24, "Aucun horaire nettement meilleur parmi 80 publications"),
    ],
    ids=["none", "one short", "another age", "chance"],
)
def test_no_suggestion_without_evidence(
    door: Door, lumiere: Agency, posts: int, age: int, said: str
) -> None:
    channel_id = connected(lumiere)
    past(lumiere, channel_id, *peak(posts, effect=0), age=age)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert said in page.open("/calendar", queue=channel_id)
        assert not [one for one in page.labels() if one.startswith("Utiliser")]


def test_results_of_another_agency_are_not_used(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_agency(tenant, mark="autre")
    past(other, connected(other), *peak(150, effect=1.2))
    channel_id = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "(0 pour l’instant)" in page.open("/calendar", queue=channel_id)
