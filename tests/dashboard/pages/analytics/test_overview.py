"""The overview of all creators: sums of the daily rollups, the period before, and only one's own
creators."""

import csv
import io
import json
from datetime import timedelta
from uuid import UUID

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from foundation.money import Money
from foundation.ops.wall_time import local_day
from insights.reports.tables.table_files import render_csv
from insights.rollups import overview
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.queries import DaySales, DayWork
from tenants.agencies import agencies
from tenants.agencies.queries import list_creators
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


@pytest.fixture
def zoe(lumiere: Agency) -> UUID:
    """Return a second creator, and record days of both."""
    with lumiere.scope() as scope:
        made = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
        today = local_day(scope.now, ZONE)
        for creator, back, minor, currency in (
            (lumiere.creator_id, 0, 1234, "EUR"),
            (lumiere.creator_id, 3, 1000, "EUR"),
            (lumiere.creator_id, 30, 1117, "EUR"),
            (made, 1, 5000, "EUR"),
            (made, 1, 250, "XTR"),
        ):
            none = Money(0, currency)
            sales = DaySales(2, Money(minor, currency), none, none, none, none, fees_minor=100)
            work = DayWork(published=3, views=400)
            day = PastDay(creator, today - timedelta(days=back), work, (sales,))
            import_past_days(scope, [day])
    return made


def press(page: Stream, sent: str) -> str:
    drawn = (told.delta.new_element for told in page.told())
    (table,) = {
        element.bidi_component.id
        for element in drawn
        if element.WhichOneof("type") == "bidi_component"
        and element.bidi_component.id.endswith("-overview:table")
    }
    said = json.dumps({"event": "pressed", "value": sent})
    state = WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{table}__events", json_trigger_value=said)
    return page.send(state)


def test_creators_are_compared_and_opened(door: Door, lumiere: Agency, zoe: UUID) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights")
        for said in ("22,34\xa0€", "+100 %", "avant : 11,17\xa0€", "72,34\xa0€", "250"):
            assert said in text, said
        assert text.index("Zoé</button>") < text.index("22,34"), "most sales first"
        text = press(page, "sort:net")
        assert text.index("22,34") < text.index("Zoé</button>")
        text = press(page, f"open:{zoe}")
        assert "Par jour" in text
        assert "50,00\xa0€" in text


@pytest.mark.parametrize(
    "role", [Role.OWNER, Role.ACCOUNTANT, Role.CREATOR, Role.CHATTER, Role.GUEST]
)
def test_members_see_the_sales_of_their_creators(
    door: Door, lumiere: Agency, zoe: UUID, role: Role
) -> None:
    with lumiere.scope() as scope:
        scope.run(
            """UPDATE members SET creators = '["zoe"]' WHERE id = :m AND role IN ('creator',
            'chatter', 'guest')""",
            m=lumiere.members[role],
        )
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/insights", view="overview")
    sees = role in (Role.OWNER, Role.ACCOUNTANT, Role.CREATOR)
    assert ("50,00\xa0€" in text) == sees
    assert ("22,34" in text) == (role in (Role.OWNER, Role.ACCOUNTANT))


def test_csv_has_each_number_once(lumiere: Agency, zoe: UUID) -> None:
    with lumiere.scope() as scope:
        today = local_day(scope.now, ZONE)
        first = today - timedelta(days=6)
        period = AnalyticsPeriod(first, today)
        found = overview.load_overview(scope, list_creators(scope), period)
    lines = list(
        csv.DictReader(
            io.StringIO(
                render_csv(overview.FILE_COLUMNS, overview.list_overview_rows(found, period))
            )
        )
    )
    assert len(lines) == 3
    assert sum(int(one["posts"] or 0) for one in lines) == 9
    by_currency = {one["currency"]: one for one in lines if one["creator"] == "Zoé"}
    assert (by_currency["XTR"]["gross"], by_currency["XTR"]["fees"]) == ("250", "100")
    assert (by_currency["EUR"]["net"], by_currency["EUR"]["fees"]) == ("50.00", "1.00")
    totals = {one.currency: one.net.minor for one in overview.total_by_currency(found)}
    assert totals == {"EUR": 7234, "XTR": 250}
