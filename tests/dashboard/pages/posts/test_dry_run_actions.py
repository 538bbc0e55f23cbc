"""Dry runs from the pages: of a post, an account and the agency, and their results."""

from foundation.i18n.translation import Message
from schedules.posts import dry_run_state
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.calendar.test_page import post_of
from tests.dashboard.pages.compose.test_page import connected, posts, written
from tests.dashboard.streamlit_client import stream


def running(who: Agency) -> set[str]:
    with who.scope() as scope:
        return set(dry_run_state.list_dry_runs(scope).values())


def test_dry_run_of_account_and_agency_is_started_and_ended(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert "Simulation lancée" in page.press("Lancer la simulation")
        assert running(lumiere) == {"channel"}
        page.press("Lancer la simulation", nth=0)
        assert running(lumiere) == {"channel", "tenant"}
        assert "Une simulation est active pour toute l’agence" in page.open("/channels")
        page.press("Terminer la simulation de l’agence")
        page.press("Terminer la simulation")
    assert running(lumiere) == set()


def test_post_shows_its_dry_run_and_result(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.press("Soumettre pour validation")
        (post,) = posts(lumiere)
        page.open("/calendar", post=str(post.id))
        text = page.open("/calendar", post=str(post.id))
        assert "Pour la publier plus tard, dupliquez-la" in text
        page.press("Lancer la simulation")
        assert running(lumiere) == {"post"}
        assert "tout est exécuté à l’heure prévue, sauf l’envoi" in page.open(
            "/calendar", post=str(post.id)
        )
        with lumiere.scope() as scope:
            (row,) = deliveries_of_post(scope, post.id)
            transition_delivery(scope, row, DeliveryState.APPROVED)
            transition_delivery(scope, row, DeliveryState.SCHEDULED)
            told = Message("delivery.would_leave", {"length": 7, "pictures": 0, "parts": 1})
            transition_delivery(scope, row, DeliveryState.REHEARSED, reason=told, dry_run=True)
        text = page.open("/calendar", post=str(post.id))
        assert "Simulation terminée (caractères : 7" in text
        assert "Simulation : rien n’a été envoyé" in text
        assert "Dupliquer" in text
        page.press("Terminer la simulation")
    assert running(lumiere) == set()


def test_partly_published_thread_cannot_be_dry_run(door: Door, lumiere: Agency) -> None:
    """Its first parts are live: the rest is published as written, or everything is removed."""
    delivery_id = lumiere.post("un fil", minutes=-2, state="publishing")
    with lumiere.scope() as scope:
        why = Message("youtube.refused", {"code": "x"})
        transition_delivery(
            scope,
            get_delivery(scope, delivery_id),
            DeliveryState.BROKEN_OFF,
            reason=why,
            parts=2,
            part_ids=["1"],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", post=post_of(lumiere, delivery_id))
        assert "Lancer la simulation" not in page.labels()
        assert "Les parties publiées ne sont plus modifiables" in text


def test_upcoming_days_are_previewed(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonjour à tous")
        page.press("Soumettre pour validation")
        text = page.open("/calendar", ahead=1)
    assert "Publications prêtes à publier : 0 sur 1" in text
    assert "Bonjour à tous" in text
    assert "✗" in text
    assert "Aucune expiration." in text


def test_preview_of_another_agency_is_hidden(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonjour à tous")
        page.press("Soumettre pour validation")
    other = create_agency(lumiere.open, mark="Autre")
    with stream(door.url, door.cookie(other)) as page:
        assert "Bonjour à tous" not in page.open("/calendar", ahead=1)
