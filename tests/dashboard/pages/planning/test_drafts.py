"""Drafts: a post in progress is saved, found again, and scheduled or deleted."""

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

KEEP = "Enregistrer comme brouillon"
APART = "brouillon séparé"


def goes_on(page: Stream, words: str = "La mienne") -> None:
    """Open the only draft and type another text."""
    page.open("/calendar", aside=1)
    page.press("Modifier")
    page.type("Texte", words)


def test_draft_is_saved_continued_and_scheduled_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        said = page.press_twice(KEEP)
        assert "Brouillon enregistré" in said
        assert "Une idée" in page.open("/calendar", aside=1)
        (post,) = posts(lumiere)
        with lumiere.scope() as scope:
            assert deliveries_of_post(scope, post.id) == []
        page.press("Modifier")
        page.type("Texte", "Une bonne idée")
        page.choose("Comptes", "Sandbox")
        page.press("Soumettre pour validation")
        assert "Aucun brouillon" in page.open("/calendar", aside=1)
    (same,) = posts(lumiere)
    assert (same.id, same.body) == (post.id, "Une bonne idée")
    with lumiere.scope() as scope:
        assert len(deliveries_of_post(scope, post.id)) == 1


def test_draft_is_deleted_after_confirmation(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, words="Une idée")
        page.press(KEEP)
        said = page.press("Supprimer le brouillon")
    assert "Brouillon supprimé" in said
    assert posts(lumiere) == []


def test_empty_draft_is_not_saved_and_drafts_are_private_to_the_agency(
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


def test_two_members_editing_one_draft_keep_both_versions(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with (
        stream(door.url, door.cookie(lumiere)) as page,
        stream(door.url, door.cookie(lumiere)) as other,
    ):
        written(page, words="Une idée")
        page.press(KEEP)
        goes_on(page)
        other.open("/calendar", aside=1)
        other.press("Modifier")
        other.type("Texte", "La sienne")
        assert APART not in other.press(KEEP)
        assert APART in page.press_twice(KEEP)
    assert sorted(one.body for one in posts(lumiere)) == ["La mienne", "La sienne"]


def test_unsaved_draft_is_saved_separately_if_the_original_is_gone(
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


def test_scheduling_a_draft_never_overwrites_newer_changes(door: Door, lumiere: Agency) -> None:
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
        assert "Rien n’est programmé" in page.press("Soumettre pour validation")
        page.press(KEEP)
        page.press("Modifier")  # the newest draft is listed first
        page.choose("Comptes", "Sandbox")
        page.press("Soumettre pour validation")
        assert "La sienne" in page.open("/calendar", aside=1)
    with lumiere.scope() as scope:
        there = {one.body: len(deliveries_of_post(scope, one.id)) for one in posts(lumiere)}
    assert there == {"La sienne": 0, "La mienne": 1}
