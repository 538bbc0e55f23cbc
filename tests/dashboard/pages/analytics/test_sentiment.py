"""Sentiments in Analytics: shares from 30 comments, evidence below, and packages that are missing."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest

from foundation.ops.wall_time import local_day
from insights.reports.tables.content_tables import posts_table
from insights.rollups import creator_facts, post_results
from insights.rollups.periods import AnalyticsPeriod
from subscribers.conversations.states import Sentiment
from tenants.agencies.queries import list_creators
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream
from tests.insights.builders import store_comments


def comment_on(agency: Agency, delivery: UUID | None, **counts: int) -> None:
    """Store comments of two days ago by sentiment."""
    assert agency.channel_id is not None
    with agency.scope() as scope:
        at = scope.now - timedelta(days=2)
        comments: list[tuple[datetime, Sentiment]] = [
            (at + timedelta(seconds=number), Sentiment(name))
            for name, count in counts.items()
            for number in range(count)
        ]
        store_comments(scope, agency.channel_id, comments, delivery_id=delivery)
        today = local_day(scope.now, ZONE)
        creator_facts.rebuild_facts(scope, agency.creator_id, today - timedelta(days=3), today)


def test_share_appears_from_30_classified_comments(door: Door, lumiere: Agency) -> None:
    delivery = lumiere.post("Le soir", state="published", minutes=-30)
    comment_on(lumiere, delivery, positive=20, negative=8, unclear=5, unknown=4)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="audience")
        assert "28 sur 30 commentaires classés" in text
        assert "paquets supplémentaires" in text, "the packages are not installed"
    comment_on(lumiere, delivery, neutral=4)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="audience")
        assert "32 classés : 62,5\xa0% positifs, 12,5\xa0% neutres, 25\xa0% négatifs" in text


def test_post_has_the_sentiment_of_its_comments(lumiere: Agency) -> None:
    first, second, third = (
        lumiere.post(words, state="published", minutes=-30 - number)
        for number, words in enumerate(("Un", "Deux", "Trois"))
    )
    comment_on(lumiere, first, positive=20, negative=10, unknown=3)
    comment_on(lumiere, second, negative=29)
    with lumiere.scope() as scope:
        today = local_day(scope.now, ZONE)
        period = AnalyticsPeriod(today - timedelta(days=6), today)
        found = post_results.list_post_results(scope, list_creators(scope), period, age_hours=24)
    by_id = {one.delivery_id: one for one in found}
    assert by_id[first].negative_comments == pytest.approx(1 / 3)
    assert by_id[second].negative_comments is None, "29 of 30"
    assert by_id[second].sentiments is not None
    assert by_id[third].sentiments is None
    table = posts_table(found, "en")
    place = table.columns.index("positive_comments")
    assert {row[place : place + 3] for row in table.rows} == {
        (20, 0, 10),
        (0, 0, 29),
        (None, None, None),
    }
