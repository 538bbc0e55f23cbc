"""Drafts: a post that is being written is put aside, found again, and planned or thrown away."""

from foundation.database import OpenScope
from schedules import planning
from schedules.planning import deliveries_of
from tests.dashboard.builders import Agency, agency
from tests.dashboard.conftest import Door
from tests.dashboard.streams import stream
from tests.dashboard.test_compose import connected, posts, written

KEEP = "Garder comme brouillon"


def test_what_is_kept_is_gone_on_with_and_planned_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Une idée")
        said = page.press_twice(KEEP)
        assert "Gardé dans les brouillons" in said
        assert "Une idée" in page.open("/calendar", aside=1)
        (post,) = posts(lumiere)
        with lumiere.scope() as scope:
            assert deliveries_of(scope, post.id) == []
        page.press("Reprendre")
        page.type("Texte", "Une bonne idée")
        page.choose("Où publier", "Sandbox")
        page.press("Planifier")
        assert "Aucun brouillon" in page.open("/calendar", aside=1)
    (same,) = posts(lumiere)
    assert (same.id, same.body) == (post.id, "Une bonne idée")
    with lumiere.scope() as scope:
        assert len(deliveries_of(scope, post.id)) == 1


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
    other = agency(tenant)
    with stream(door.url, door.cookie(other)) as page:
        assert "À nous" not in page.open("/calendar", aside=1)
    with lumiere.scope() as scope:
        assert planning.post(scope, posts(lumiere)[0].id).body == "À nous"
