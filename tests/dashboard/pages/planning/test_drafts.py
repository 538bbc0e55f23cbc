"""Drafts: a post that is being written is put aside, found again, and planned or thrown away."""

from dataclasses import replace
from datetime import timedelta

from foundation.db.database import OpenScope
from foundation.ops.wall_time import to_wall_time
from schedules.calendar import unscheduled_drafts
from schedules.drafts import drafts
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.deliveries import deliveries_of_post
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import Stream, stream

KEEP = "Garder comme brouillon"
APART = "à part"


def goes_on(page: Stream, words: str = "La mienne") -> None:
    """Somebody's page with the only draft, and other words in it than those kept."""
    page.open("/calendar", aside=1)
    page.press("Reprendre")
    page.type("Texte", words)


def test_what_is_kept_is_gone_on_with_and_planned_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        said = page.press_twice(KEEP)
        assert "Gardé dans les brouillons" in said
        assert "Une idée" in page.open("/calendar", aside=1)
        (post,) = posts(lumiere)
        with lumiere.scope() as scope:
            assert deliveries_of_post(scope, post.id) == []
        page.press("Reprendre")
        page.type("Texte", "Une bonne idée")
        page.choose("Comptes", "Sandbox")
        page.press("Programmer")
        assert "Aucun brouillon" in page.open("/calendar", aside=1)
    (same,) = posts(lumiere)
    assert (same.id, same.body) == (post.id, "Une bonne idée")
    with lumiere.scope() as scope:
        assert len(deliveries_of_post(scope, post.id)) == 1


def test_a_draft_is_thrown_away_after_a_second_press(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, words="Une idée")
        page.press(KEEP)
        said = page.press("Jeter ce brouillon")
    assert "Le brouillon est jeté" in said
    assert posts(lumiere) == []


def test_nothing_is_kept_of_an_empty_page_and_nobody_sees_anothers(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", new=1)
        page.press(KEEP)
        assert posts(lumiere) == []
        written(page, words="À nous")
        page.press(KEEP)
    other = create_agency(tenant)
    with stream(door.url, door.cookie(other)) as page:
        assert "À nous" not in page.open("/calendar", aside=1)
    with lumiere.scope() as scope:
        assert deliveries.get_post(scope, posts(lumiere)[0].id).body == "À nous"


def test_two_who_go_on_with_one_draft_keep_both(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with (
        stream(door.url, door.cookie(lumiere)) as page,
        stream(door.url, door.cookie(lumiere)) as other,
    ):
        written(page, words="Une idée")
        page.press(KEEP)
        goes_on(page)
        other.open("/calendar", aside=1)
        other.press("Reprendre")
        other.type("Texte", "La sienne")
        assert APART not in other.press(KEEP)
        assert APART in page.press_twice(KEEP)
    assert sorted(one.body for one in posts(lumiere)) == ["La mienne", "La sienne"]


def test_what_is_left_in_the_middle_is_kept_though_somebody_planned_or_threw_the_draft_away(
    door: Door, lumiere: Agency
) -> None:
    channel = connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, words="Une idée")
        page.press(KEEP)
        goes_on(page)
        (post,) = posts(lumiere)
        with lumiere.scope() as scope:
            deliveries.create_delivery(
                scope, post.id, channel, at=to_wall_time(scope.now + timedelta(days=1), "UTC")
            )
        assert APART in page.open("/home")
        (mine,) = [one for one in posts(lumiere) if one.id != post.id]
        goes_on(page, "Encore mieux")
        with lumiere.scope() as scope:
            unscheduled_drafts.delete_draft(scope, mine.id)
        assert APART in page.open("/home")
    assert sorted(one.body for one in posts(lumiere)) == ["Encore mieux", "Une idée"]


def test_who_plans_a_draft_never_replaces_what_somebody_kept_in_it_meanwhile(
    door: Door, lumiere: Agency
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, words="Une idée")
        page.press(KEEP)
        goes_on(page)
        (post,) = posts(lumiere)
        who = lumiere.act_as(Role.MANAGER)
        with lumiere.scope(who) as scope:
            draft = drafts.draft_of_post(schedule_reads.get_stored_post(scope, post.id))
            drafts.rewrite_post(scope, post.id, replace(draft, body="La sienne"), author=who)
        page.choose("Comptes", "Sandbox")
        assert "Rien n’est planifié" in page.press("Programmer")
        page.press(KEEP)
        page.press("Reprendre")  # the last written is the first
        page.choose("Comptes", "Sandbox")
        page.press("Programmer")
        assert "La sienne" in page.open("/calendar", aside=1)
    with lumiere.scope() as scope:
        there = {one.body: len(deliveries_of_post(scope, one.id)) for one in posts(lumiere)}
    assert there == {"La sienne": 0, "La mienne": 1}
