"""Views about posting: evidence of best times, tests with their results, forecasts of posts."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import numpy as np

from insights.rollups.history_import import PastReading, import_past_readings
from schedules.imports.history_import import import_past_posts
from subscribers.replies import persona, script_tests
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.pages.queue.test_best_times import past, past_post, peak
from tests.dashboard.streamlit_client import stream


def test_best_time_shows_evidence_and_what_is_missing(door: Door, lumiere: Agency) -> None:
    past(lumiere, connected(lumiere), *peak(150, effect=1.2))
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="best_time")
        assert "D’après 150 publications" in text
        assert "n’a pas de créneau automatique" in text
        assert "150 publications à" in text
        assert "Résultats par heure de publication" in text


def running(who: Agency, channel_id: UUID, posts: int) -> None:
    """Create measured posts, the last of which has been live for a day."""
    random = np.random.default_rng(1)
    made, readings = [], []
    with who.scope() as scope:
        now = scope.now
    for nth in range(posts):
        at = now - timedelta(days=posts - nth, hours=1)
        one = past_post(who, channel_id, f"post {nth}", at)
        made.append(one)
        early = int(np.exp(random.normal(5, 1)))
        late = int(early * 3 * np.exp(random.normal(0, 0.2)))
        for age, value in ((24, early), (168, late)):
            if at + timedelta(hours=age) <= now:
                readings.append(
                    PastReading(
                        who.creator_id,
                        one.delivery_id,
                        channel_id,
                        "views",
                        age,
                        value,
                        at + timedelta(hours=age),
                    )
                )
    with who.scope() as scope:
        import_past_posts(scope, made)
        import_past_readings(scope, readings)


def test_running_posts_have_a_range_and_its_evidence(door: Door, lumiere: Agency) -> None:
    channel_id = connected(lumiere)
    running(lumiere, channel_id, 230)
    lumiere.post("Demain à la plage", minutes=60)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="post_forecasts")
    assert "post 229" in text
    assert "publications ; erreur" in text
    assert "Demain à la plage" in text


def test_few_posts_have_no_range(door: Door, lumiere: Agency) -> None:
    running(lumiere, connected(lumiere), 30)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Données insuffisantes : 24 publications sur 200" in page.open(
            "/insights", view="post_forecasts"
        )


def test_test_of_scripts_is_started_and_ended(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        first = replace(persona.default_persona("Mia", "virtual", ["fr"]), voice="Calme")
        persona.activate_persona(
            scope, persona.create_persona_version(scope, lumiere.creator_id, first)
        )
        persona.create_persona_version(
            scope, lumiere.creator_id, replace(first, greeting="Bonjour !")
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/insights", view="experiments")
        assert "Aucun test de scripts du bot" in text
        assert "Choisissez une à trois versions" in page.press("Lancer le test de scripts")
        page.choose("Versions à comparer à la persona active", "Version 2 (brouillon)")
        assert "Le test a commencé" in page.press("Lancer le test de scripts")
        text = page.again()
        assert "version 2 : fans 0, acheteurs 0" in text
        assert "Fans encore nécessaires : 2" in text
        assert "La version A est la persona active" in page.press("Garder la version A")
    with lumiere.scope() as scope:
        (test,) = script_tests.list_script_tests(scope, [lumiere.creator_id])
    assert (test.kept, list(test.personas)) == ("a", ["a", "b"])


def test_members_without_rights_to_money_see_no_experiments(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        page.may_fail = True
        assert "Tests de scripts" not in page.open("/insights", view="experiments")
