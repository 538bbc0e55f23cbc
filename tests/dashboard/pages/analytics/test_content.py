"""Posts of all networks at an equal age, groups of posts, and accounts beside each other."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as some

from foundation.ids import uuid7
from foundation.ops.wall_time import local_day
from insights.reports.tables.content_tables import channels_table, posts_table
from insights.reports.tables.table_files import render_csv
from insights.rollups import channel_results, post_results
from insights.rollups.periods import AnalyticsPeriod
from insights.rollups.post_results import LATEST, PostGrouping, PostResult, group_posts
from schedules.posts import labels
from schedules.posts import queries as schedule_reads
from schedules.posts.live_posts import PostFormat
from tenants.agencies.queries import list_creators
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


def read_metric(agency: Agency, delivery: UUID, age: int, **values: int) -> None:
    """Record readings of a post at an age."""
    with agency.scope() as scope:
        for metric, value in values.items():
            scope.run(
                "INSERT INTO metric_snapshots (tenant_id, id, creator_id, channel_id, delivery_id,"
                " metric, age_hours, observed_at, value, quality) SELECT tenant_id, :id, creator_id,"
                " channel_id, id, :metric, :age, house_now(), :value, 'measured' FROM deliveries"
                " WHERE tenant_id = :t AND id = :d",
                id=uuid7(),
                metric=metric,
                age=age,
                value=value,
                t=agency.tenant_id,
                d=delivery,
            )


@pytest.fixture
def posts(lumiere: Agency) -> dict[str, UUID]:
    """Return three published posts: one with readings at two ages, one at one age, one without."""
    made = {
        words: lumiere.post(words, state="published", minutes=-30 - n, url=f"https://x.test/{n}")
        for n, words in enumerate(("Un", "Deux", "=Trois"))
    }
    lumiere.post("Pas publiée", minutes=-40)
    read_metric(lumiere, made["Un"], 24, views=1000, reach=800, likes=30, comments=6, saves=4)
    read_metric(lumiere, made["Un"], 168, views=4321, reach=3000, likes=90)
    read_metric(lumiere, made["Deux"], 24, views=200, likes=10)
    with lumiere.scope() as scope:
        spring = labels.create_label(scope, "Printemps", "green")
        other = labels.create_label(scope, "Autre", "red")
        for words, chosen in (("Un", [spring, other]), ("Deux", [spring])):
            post = schedule_reads.post_id_of_delivery(scope, made[words])
            labels.set_post_labels(scope, post, chosen)
    return made


def week(agency: Agency) -> AnalyticsPeriod:
    with agency.scope() as scope:
        today = local_day(scope.now, ZONE)
    return AnalyticsPeriod(today - timedelta(days=6), today)


def test_posts_are_compared_at_an_equal_age(lumiere: Agency, posts: dict[str, UUID]) -> None:
    period = week(lumiere)
    with lumiere.scope() as scope:
        mine = list_creators(scope)
        day, long = (
            {one.title: one for one in post_results.list_post_results(scope, mine, period, age_hours=age)}
            for age in (24, 168)
        )  # fmt: skip
    assert list(day) == ["Un", "Deux", "=Trois"], "newest first, published ones only"
    one, two, three = (day[title] for title in day)
    assert (one.metric("views"), long["Un"].metric("views")) == (1000, 4321)
    assert one.metric("interactions") == 40
    assert one.metric("engagement_by_reach") == pytest.approx(0.05)
    assert one.metric("high_intent") == 4
    assert two.metric("engagement_by_reach") is None, "no reach reported"
    assert (three.values, long["Deux"].values) == ({}, {}), "missing is not zero"
    assert [label.name for label in one.labels] == ["Autre", "Printemps"]
    assert one.form is PostFormat.WORDS


def test_groups_contain_only_measured_posts(lumiere: Agency, posts: dict[str, UUID]) -> None:
    period = week(lumiere)
    with lumiere.scope() as scope:
        found = post_results.list_post_results(scope, list_creators(scope), period, age_hours=24)
    groups = group_posts(found, PostGrouping.LABEL)
    assert [(one.name, one.posts, one.measured, one.views, one.interactions) for one in groups] == [
        ("Autre", 1, 1, 1000, 40),
        ("Printemps", 2, 2, 1200, 50),
        ("", 1, 0, None, None),
    ]
    spring = groups[1]
    assert spring.engagement_by_reach == pytest.approx(40 / 800), "only posts with reach"
    assert spring.engagement_by_views == pytest.approx(50 / 1200)
    lines = list(csv.DictReader(io.StringIO(_csv(found))))
    assert [one["Views"] for one in lines] == ["1000", "200", ""]
    assert lines[2]["Post"] == "'=Trois", "no formula"


def _csv(found: list[PostResult]) -> str:
    sheet = posts_table(found, "en").to_sheet("en")
    return render_csv(sheet.headers, sheet.rows)


@given(
    some.lists(some.tuples(some.integers(0, 999), some.integers(1, 999)), min_size=1, max_size=8)
)
def test_ratio_of_a_group_is_the_ratio_of_sums(pairs: list[tuple[int, int]]) -> None:
    class Post:
        def __init__(self, likes: int, views: int) -> None:
            self.values = {"likes": likes, "views": views}

        metric = PostResult.metric

    found = post_results.sum_posts("x", [Post(*one) for one in pairs])  # type: ignore[misc]  # only what sums read
    assert found.engagement_by_views == pytest.approx(sum(a for a, _ in pairs) / sum(b for _, b in pairs))  # fmt: skip
    assert found.posts == found.measured == len(pairs)


def test_accounts_are_compared(lumiere: Agency, posts: dict[str, UUID]) -> None:
    for back, number in ((9, 1000), (3, 1204), (0, 1190)):
        lumiere.followed(back, number)
    failed = lumiere.post("Ratée", state="failed", minutes=-50)
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE deliveries SET settled_at = due_at + interval '5 minutes'"
            " WHERE tenant_id = :t AND id = :d",
            t=lumiere.tenant_id,
            d=posts["Un"],
        )
    assert failed
    period = week(lumiere)
    with lumiere.scope() as scope:
        (one,) = channel_results.list_channel_results(scope, list_creators(scope), period)
    assert (one.followers, one.followers_gained) == (1190, 190)
    assert one.growth == pytest.approx(0.19)
    assert one.metric("failure_rate") == pytest.approx(1 / 4)
    assert one.metric("lateness_rate") == pytest.approx(1 / 3)
    assert one.posts.typical_views == 600
    assert one.posts.engagement_by_reach == pytest.approx(40 / 800), "only posts with reach"
    assert one.posts.engagement_by_views == pytest.approx(50 / 1200)
    assert one.metric("views") is None, "no rollup yet: not zero"
    (row,) = channels_table([one], "fr").rows
    assert row[0] == one.channel.name


def grid(page: Stream) -> dict[str, list[object]]:
    """Return the columns of the drawn table of posts."""
    for told in page.told():
        element = told.delta.new_element
        if element.WhichOneof("type") == "dataframe":
            with pa.ipc.open_stream(element.dataframe.arrow_data.data) as table:
                return table.read_all().to_pydict()
    raise AssertionError("no table")


def test_filters_of_posts_are_in_the_address(
    door: Door, lumiere: Agency, posts: dict[str, UUID]
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="content", period="days_7")
        assert "24 heures après chaque publication (2 mesurées)" in text
        assert "Sans étiquette" not in text
        assert grid(page)["views"] == [1000, 200, None]
        page.frames.clear()
        page.choose("Comparer à", "7 jours")
        assert grid(page)["views"] == [4321, None, None]
        page.frames.clear()
        page.choose("Étiquette", "Printemps")
        assert grid(page)["post"] == ["Un", "Deux"]
        page.choose("Regrouper par", "Étiquette")
        assert {"view=content", "age=7d", "by=label"} <= set(page.query.split("&"))
        kept = dict(one.split("=") for one in page.query.split("&"))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Printemps" in page.open("/insights", **kept)
        assert grid(page)["post"] == ["Un", "Deux"]
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="content", age="<b>", label="x", creator="unknown")
        assert "24 heures après" in text, "unknown values are ignored"


def test_open_post_shows_its_ages_and_not_those_of_others(
    lumiere: Agency, posts: dict[str, UUID]
) -> None:
    with lumiere.scope() as scope:
        mine = list_creators(scope)
        found = post_results.get_post_result(scope, mine, posts["Un"])
        assert found is not None
        assert found.title == "Un"
        assert post_results.get_post_result(scope, [], posts["Un"]) is None
        assert post_results.get_post_result(scope, mine, uuid7()) is None
        assert post_results.list_post_results(scope, mine, week(lumiere), age_hours=LATEST)


@pytest.mark.parametrize("view", ["content", "channels", "live"])
def test_views_are_closed_to_roles_without_money(door: Door, lumiere: Agency, view: str) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        assert "Compare with" not in page.open("/insights", view=view)
