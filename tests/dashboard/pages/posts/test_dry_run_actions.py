"""Rehearsing from the pages: a post, an account, the whole agency; and what is told of it."""

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


def test_an_account_and_the_agency_are_switched_there_and_back(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert "rien n’en est envoyé maintenant" in page.press("Oui, essayer sans rien envoyer")
        assert running(lumiere) == {"channel"}
        page.press("Oui, essayer sans rien envoyer", nth=0)
        assert running(lumiere) == {"channel", "tenant"}
        assert "Toute l’agence est en essai à blanc" in page.open("/channels")
        page.press("Terminer l’essai à blanc de toute l’agence")
        page.press("Terminer l’essai à blanc")
    assert running(lumiere) == set()


def test_a_post_says_that_it_is_only_rehearsed_and_what_would_have_left(
    door: Door, lumiere: Agency
) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox")
        page.press("Programmer")
        (post,) = posts(lumiere)
        page.open("/calendar", post=str(post.id))
        text = page.open("/calendar", post=str(post.id))
        assert "il faut en faire une nouvelle pour l’envoyer" in text
        page.press("Oui, essayer sans rien envoyer")
        assert running(lumiere) == {"post"}
        assert "tout est fait sauf l’envoi" in page.open("/calendar", post=str(post.id))
        with lumiere.scope() as scope:
            (row,) = deliveries_of_post(scope, post.id)
            transition_delivery(scope, row, DeliveryState.APPROVED)
            transition_delivery(scope, row, DeliveryState.SCHEDULED)
            told = Message("delivery.would_leave", {"length": 7, "pictures": 0, "parts": 1})
            transition_delivery(scope, row, DeliveryState.REHEARSED, reason=told, dry_run=True)
        text = page.open("/calendar", post=str(post.id))
        assert "Cela serait parti : 7 caractères" in text
        assert "Essai à blanc : rien n’a été envoyé" in text
        assert "Dupliquer" in text
        page.press("Terminer son essai à blanc")
    assert running(lumiere) == set()


def test_what_broke_off_is_not_rehearsed_and_says_that_it_stays_as_it_is(
    door: Door, lumiere: Agency
) -> None:
    """Its beginning stands outside: the rest follows as it was written, or all of it goes."""
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
        assert "Oui, essayer sans rien envoyer" not in page.labels()
        assert "Les parties publiées ne sont plus modifiables" in text


def test_the_days_ahead_are_shown_as_they_would_go(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonjour à tous")
        page.press("Programmer")
        text = page.open("/calendar", ahead=1)
    assert "Publications qui partiraient : 0 sur 1" in text
    assert "Bonjour à tous" in text
    assert "✗" in text
    assert "Rien ne prend fin." in text


def test_another_agency_sees_none_of_it(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        written(page, "Sandbox", words="Bonjour à tous")
        page.press("Programmer")
    other = create_agency(lumiere.open, mark="Autre")
    with stream(door.url, door.cookie(other)) as page:
        assert "Bonjour à tous" not in page.open("/calendar", ahead=1)
