"""The side panel of a post: what it shows, its actions and the members who may use them."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np
import pytest

from foundation.ops.wall_time import local_day
from insights.predictions import storage
from insights.predictions.draft_ranks import RankedText, RankModel
from insights.predictions.states import PredictionState, PredictionTask
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.analytics.test_content import read_metric
from tests.dashboard.pages.approvals.test_page import asked
from tests.dashboard.pages.calendar.test_page import refused, state
from tests.dashboard.streamlit_client import stream


def test_pending_post_is_approved_in_the_panel(door: Door, lumiere: Agency) -> None:
    post_id, delivery_id = asked(lumiere, "à valider")
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = page.open("/calendar", panel=post_id)
        assert shown.count("à valider") >= 2, "on its card and in the panel"
        assert "Sandbox" in shown
        assert "Validé" in page.press("Valider")
        assert "Valider" not in page.labels()
    assert state(lumiere, delivery_id) is DeliveryState.SCHEDULED


def test_panel_shows_the_range_of_a_running_post_and_the_rank_of_a_coming_one(
    door: Door, lumiere: Agency
) -> None:
    running = lumiere.post("en ligne", state="published", minutes=-5 * 60)
    lumiere.post("à venir", minutes=60)
    read_metric(lumiere, running, 3, views=420)
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = page.open("/calendar", panel=lumiere.posts[0])
        assert "Vues : 420 après 3 h. Prévision à 7 jours : Données insuffisantes" in plain(shown)
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = plain(page.open("/calendar", panel=lumiere.posts[1]))
        assert (
            "Rang parmi les publications passées : Données insuffisantes : 0 publications" in shown
        )


def test_rank_comes_from_the_model_of_the_night(door: Door, lumiere: Agency) -> None:
    coming = lumiere.post("la plage", minutes=60)
    texts = [RankedText("plage", ()) if one % 2 else RankedText("ville", ()) for one in range(240)]
    model = RankModel(texts, np.array([1.0 if one % 2 else 0.0 for one in range(240)]))
    with lumiere.scope() as scope:
        entry = get_delivery(scope, coming)
        waiting = storage.waiting_prediction(
            entry.creator_id, PredictionTask.RANKS, str(entry.channel_id), None, scope.now
        )
        made = replace(waiting, state=PredictionState.SERVED, result=model.store())
        storage.store_predictions(scope, [entry.creator_id], [PredictionTask.RANKS], [made])
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = plain(page.open("/calendar", panel=lumiere.posts[0]))
    assert "Rang parmi les publications passées : " in shown
    assert "mieux que" in shown
    assert "Atouts : plage" in shown


def plain(text: str) -> str:
    """Return the text with plain spaces."""
    return text.replace("\xa0", " ").replace("\u202f", " ")


def test_author_does_not_approve_in_the_panel(door: Door, lumiere: Agency) -> None:
    post_id, delivery_id = asked(lumiere, "la mienne")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        page.open("/calendar", panel=post_id)
        assert "Valider" not in page.labels()
    assert state(lumiere, delivery_id) is DeliveryState.DRAFT


def test_post_is_moved_with_the_pickers(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("à déplacer", minutes=60)
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE) + timedelta(days=5)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", panel=lumiere.posts[0])
        page.pick("Date", day)
        page.type("Heure", "16:35")
        assert f"Reprogrammé au {day:%d/%m/%Y} à 16:35" in page.press("Reprogrammer")
    with lumiere.scope() as scope:
        assert get_delivery(scope, delivery_id).wall_time == f"{day}T16:35"


def test_post_is_skipped_after_a_confirmation(door: Door, lumiere: Agency) -> None:
    delivery_id = lumiere.post("à ignorer", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "ne paraîtra pas sur Sandbox" in page.open("/calendar", panel=lumiere.posts[0])
        assert "Ignorée" in page.press("Oui, ignorer")
        assert "Oui, ignorer" not in page.labels()
    assert state(lumiere, delivery_id) is DeliveryState.CANCELLED


def test_failure_is_retried_in_the_panel(door: Door, lumiere: Agency) -> None:
    failed = refused(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        shown = page.open("/calendar", panel=lumiere.posts[0])
        assert shown.count("n’a pas donné de raison") >= 2
        assert "Nouvel essai" in page.press("Réessayer maintenant")
    assert state(lumiere, failed) is DeliveryState.SCHEDULED


@pytest.mark.parametrize(("button", "text"), [("Modifier", "à revoir"), ("Dupliquer", "à revoir")])
def test_composer_opens_from_the_panel(door: Door, lumiere: Agency, button: str, text: str) -> None:
    lumiere.post("à revoir", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", panel=lumiere.posts[0])
        page.press(button)
        assert "new=1" in page.query
        assert page.find("Texte").drawn.value == text


def test_panel_is_closed(door: Door, lumiere: Agency) -> None:
    lumiere.post("ouverte", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", panel=lumiere.posts[0], view="month")
        assert "Fermer" in page.labels()
        page.press("Fermer")
        assert "panel" not in page.query
        assert "view=month" in page.query
        assert "Fermer" not in page.labels()


@pytest.mark.parametrize("asked_for", ["x", UUID(int=7)])
def test_unknown_post_leaves_the_calendar_usable(
    door: Door, lumiere: Agency, asked_for: object
) -> None:
    lumiere.post("toujours là", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/calendar", panel=asked_for)
        assert "n’existe pas" in text
        assert "toujours là" in text


def test_role_without_planning_sees_no_actions(door: Door, lumiere: Agency) -> None:
    lumiere.post("vue seulement", minutes=60)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        assert "vue seulement" in page.open("/calendar", panel=lumiere.posts[0])
        assert not {"Modifier", "Dupliquer", "Reprogrammer", "Oui, ignorer"} & set(page.labels())
