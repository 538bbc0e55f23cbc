"""Builders of A/B tests of Léa's series, and readers of their deliveries."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from foundation.ids import derived_uuid, uuid7
from insights.analysis import ab_test_verdicts
from schedules.posts.models import Delivery, Series
from schedules.posts.states import DeliveryState
from schedules.recurrence import ab_tests, occurrences
from schedules.recurrence.ab_tests import MIN_TEST_UNITS, AbTestRequest, VariantChange, VariantTest
from schedules.recurrence.variant_assignment import VARIANT_A, draw_variant
from tests.schedules.builders import SandboxAgency
from tests.schedules.series_builders import list_deliveries, list_series

GONE = frozenset({DeliveryState.CANCELLED})
OTHER = "said otherwise"


def find_balanced_key(lea: SandboxAgency, row: Series, day: date) -> UUID:
    """Return a key whose draw is balanced and has both variants among its first six units, so that
    no test fails by chance."""
    repeat = occurrences.recurrence_of_series(row)
    walls = repeat.recurrence_from(day).iterate_occurrences(lea.now(), MIN_TEST_UNITS)
    while True:
        key = uuid7()
        said = [
            draw_variant(derived_uuid(lea.tenant_id, key, "post-test"), f"{wall}~{row.nth + 1}")
            for wall in walls
        ]
        if 2 <= said[:6].count(VARIANT_A) <= 4 and 0.4 <= said.count(VARIANT_A) / len(said) <= 0.6:
            return key


def start_ab_test(
    lea: SandboxAgency, post_id: UUID, *, ahead: int = 1, key: UUID | None = None, **more: Any
) -> UUID:
    """Start an A/B test of the post's latest series, `ahead` days after its first day, and return
    its ID."""
    row = list_series(lea, post_id)[-1]
    day = list_series(lea, post_id)[0].starts_on + timedelta(days=ahead)
    values: dict[str, Any] = {
        "metric": "views",
        "age_hours": 24,
        "planned": MIN_TEST_UNITS,
        **more,
    }
    change = {name: values.pop(name, None) for name in ("media", "price")}
    change["body"] = values.pop("body", OTHER)
    values.setdefault("changes", (VariantChange(**change),))
    key = key or (find_balanced_key(lea, row, day) if ahead > 0 else uuid7())
    with lea.scope(f"member:{lea.author}") as scope:
        return ab_test_verdicts.start_measured_test(
            scope, row.id, AbTestRequest(day, **values), key=key, author=f"member:{lea.author}"
        )


def get_ab_test(lea: SandboxAgency, test_id: UUID) -> VariantTest:
    with lea.scope() as scope:
        return ab_tests.get_test(scope, test_id)


def list_test_deliveries(lea: SandboxAgency, test_id: UUID) -> list[Delivery]:
    """Return every delivery made for the test, cancelled ones included, earliest first."""
    one = get_ab_test(lea, test_id)
    found = [row for post_id in (one.a_id, one.b_id) for row in list_deliveries(lea, post_id)]
    return sorted(
        (row for row in found if row.variant and row.series_id == one.series_id),
        key=lambda row: row.due_at,
    )


def list_active_test_deliveries(lea: SandboxAgency, test_id: UUID) -> list[Delivery]:
    """Return the deliveries of the test that are not cancelled, earliest first."""
    return [row for row in list_test_deliveries(lea, test_id) if row.state not in GONE]
