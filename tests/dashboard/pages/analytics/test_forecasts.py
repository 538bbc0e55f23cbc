"""The Forecasts view: values with intervals, missing data in words, and who sees it."""

from datetime import timedelta
from pathlib import Path

import pytest

from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.predictions import nightly
from insights.predictions.events import PredictionsDue
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DaySales, DayWork
from subscribers.fans.scores import ScoreDraft, replace_scores
from subscribers.history.history_import import PastFan, PastLine, import_past_fans
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def predict(agency: Agency, days: int, home: Path) -> None:
    """Import days with sales of 10.00 to 16.00 euros and compute the predictions."""
    with agency.scope() as scope:
        today = local_day(scope.now, ZONE)
        past = [today - timedelta(days=back) for back in range(days, 0, -1)]
        none = Money(0, "EUR")
        import_past_days(
            scope,
            [
                PastDay(
                    agency.creator_id,
                    day,
                    DayWork(),
                    (
                        DaySales(
                            1, Money(1000 + 100 * day.weekday(), "EUR"), none, none, none, none
                        ),
                    ),
                )
                for day in past
            ],
        )
    due = PredictionsDue(agency.tenant_id, agency.tenant_id)
    nightly.compute_predictions(due, tenant=agency.open, home=home)


def test_forecast_has_its_interval_and_missing_days(
    door: Door, lumiere: Agency, tmp_path: Path
) -> None:
    predict(lumiere, 40, tmp_path)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="forecasts")
    # A week of 1000 to 1600 cents.
    assert "Prochains 7 jours : 91,00\xa0€" in text
    assert "même jour de la semaine précédente, la référence" in text
    assert "40 sur 56 jours" in text
    assert "40 sur 365 jours" in text


def test_creator_without_enough_days_says_so(door: Door, lumiere: Agency, tmp_path: Path) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "calculées chaque nuit" in page.open("/insights", view="forecasts")
    predict(lumiere, 12, tmp_path)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "12 sur 28 jours" in page.open("/insights", view="forecasts")


@pytest.mark.parametrize(("role", "sees"), [(Role.OWNER, True), (Role.ACCOUNTANT, False)])
def test_names_of_fans_are_shown_to_permitted_roles(
    door: Door, lumiere: Agency, tmp_path: Path, role: Role, sees: bool
) -> None:
    lumiere.post("Le soir", state="published", minutes=-30)
    predict(lumiere, 30, tmp_path)
    with lumiere.scope() as scope:
        assert lumiere.channel_id is not None
        at = scope.now - timedelta(days=9)
        fan = PastFan(
            lumiere.members[Role.OWNER],
            lumiere.creator_id,
            lumiere.channel_id,
            "fan-9",
            "Fantine",
            "fr",
            at,
            (PastLine("fan", "bonjour", at),),
        )
        import_past_fans(scope, [fan])
        score = ScoreDraft(fan.id, "EUR", 0.9, 2.0, 4321, 1000, 9000)
        replace_scores(scope, lumiere.creator_id, "repeat", [score])
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/insights", view="forecasts")
    assert "43,21\xa0€" in text
    assert ("Fantine" in text) == sees
