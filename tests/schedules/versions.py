"""Two versions of what Léa's series say: begun with a draw in which both come early, and what stands of them."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from foundation.ids import derived, uuid7
from insights import experiments
from schedules import series_rule, variants
from schedules.assigning import A, drawn
from schedules.models import Delivery, Series
from schedules.states import DeliveryState
from schedules.variants import LEAST, Listed, Wanted
from tests.schedules.builders import Desk
from tests.schedules.repeats import rows, series_of

GONE = frozenset({DeliveryState.CANCELLED})
OTHER = "said otherwise"


def mixed(lea: Desk, row: Series, day: date) -> UUID:
    """A press whose draw has both versions in its first week, and about as many of each: chance fails no test."""
    repeat = series_rule.repeat_of(row)
    walls = repeat.following(day).upcoming(lea.now(), LEAST)
    while True:
        key = uuid7()
        said = [drawn(derived(lea.tenant_id, key, "post-test"), f"{wall}~{row.nth + 1}") for wall in walls]
        if 2 <= said[:6].count(A) <= 4 and 0.4 <= said.count(A) / len(said) <= 0.6:
            return key


def compared(lea: Desk, post_id: UUID, *, ahead: int = 1, key: UUID | None = None, **more: Any) -> UUID:
    """A test of the series of a post, from so many days ahead of its first on."""
    row = series_of(lea, post_id)[-1]
    day = series_of(lea, post_id)[0].starts_on + timedelta(days=ahead)
    values: dict[str, Any] = {"metric": "views", "age_hours": 24, "planned": LEAST, "body": OTHER, **more}
    key = key or (mixed(lea, row, day) if ahead > 0 else uuid7())
    with lea.scope(f"member:{lea.author}") as scope:
        return experiments.begin(scope, row.id, Wanted(day, **values), key=key, author=f"member:{lea.author}")


def seen(lea: Desk, test_id: UUID) -> Listed:
    with lea.scope() as scope:
        return variants.test(scope, test_id)


def made(lea: Desk, test_id: UUID) -> list[Delivery]:
    """Every unit of a test that was made, cancelled ones too, by time."""
    one = seen(lea, test_id)
    found = [row for post_id in (one.a_id, one.b_id) for row in rows(lea, post_id)]
    return sorted((row for row in found if row.variant and row.series_id == one.series_id), key=lambda row: row.due_at)


def units(lea: Desk, test_id: UUID) -> list[Delivery]:
    """What stands of them."""
    return [row for row in made(lea, test_id) if row.state not in GONE]
