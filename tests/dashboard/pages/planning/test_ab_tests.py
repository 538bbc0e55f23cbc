"""A/B tests on their page: started, followed and ended, only for permitted creators."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.i18n.translation import LANGUAGES, render_message
from insights.analysis import ab_test_verdicts
from insights.analysis.ab_test_verdicts import (
    AbTestEffect,
    AbTestVerdict,
    VerdictKind,
    verdict_message,
)
from schedules.recurrence import ab_tests, series
from schedules.recurrence.ab_tests import VariantTest
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.pages.posts.test_recurrence import begun, rows
from tests.dashboard.streamlit_client import Stream, stream

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def tried(who: Agency) -> list[VariantTest]:
    with who.scope() as scope:
        return ab_tests.tests_of_creators(scope, [who.creator_id])


def launched(page: Stream, who: Agency) -> VariantTest:
    """Start a test of the only series on its page and return it."""
    page.open("/calendar", compare="mia")
    page.type("Texte de la version B", "chaque semaine, autrement")
    page.press("Démarrer le test")
    (test,) = tried(who)
    return test


def test_ab_test_is_started_followed_and_ended(door: Door, lumiere: Agency) -> None:
    post_id = begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        assert "Tests A/B" in page.press("Test A/B")
        assert "Changez soit le texte, soit l’image" in page.press("Démarrer le test")
        assert tried(lumiere) == []
        page.type("Texte de la version B", "chaque semaine, autrement")
        assert "La version B ne demande pas de validation" in page.press("Démarrer le test")
        (test,) = tried(lumiere)
        assert (test.a_id, test.metric, test.age_hours, test.planned) == (post_id, "views", 24, 60)
        text = page.again()
        assert "chaque semaine, autrement" in text
        assert "Publications encore nécessaires : 60" in text
        assert "Un test nécessite une publication répétée" in text, (
            "the only series already has a test"
        )
        assert "La série continue avec la version B" in page.press("Continuer avec B")
    (test,) = tried(lumiere)
    assert test.kept == "b"
    all_coming(lumiere, test.b_id)
    ahead = [row for row in rows(lumiere, test.b_id) if row.state != "cancelled"]
    assert len(ahead) >= 12
    assert not [
        row
        for row in rows(lumiere, post_id)
        if row.state != "cancelled" and row.due_at > ahead[0].due_at
    ]


def test_finished_test_names_the_version_that_continues(door: Door, lumiere: Agency) -> None:
    begun(lumiere, weeks=120)
    goes_on = "La série continue avec A jusqu’à ce que vous terminiez"
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", compare="1")
        page.type("Texte de la version B", "chaque semaine, autrement")
        assert goes_on not in page.press("Démarrer le test")
        (test,) = tried(lumiere)
        with lumiere.scope() as scope:
            series.extend_series(scope, test.series_id)
            scope.run("UPDATE post_tests SET planned = 5 WHERE id = :id", id=test.id)
            scope.run(
                "UPDATE deliveries SET state = 'published', due_at = due_at - interval '400 "
                "days', late_until = NULL,"
                " settled_at = due_at - interval '400 days' WHERE tenant_id = :t AND variant IS "
                "NOT NULL",
                t=lumiere.tenant_id,
            )
        assert goes_on in page.again()
        with lumiere.scope() as scope:
            ab_test_verdicts.notify_finished_tests(scope, lumiere.creator_id)
        text = page.open("/")
        assert "Le test A/B sur" in text
        assert 'href="/calendar?compare=mia"' in text
        page.open("/calendar", compare="mia")
        assert goes_on not in page.press("Continuer avec A")
        assert "Le test A/B sur" not in page.open("/")


def test_version_b_needs_separate_approval(door: Door, lumiere: Agency) -> None:
    begun(lumiere, weeks=120, approved=False)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar")
        page.press("Test A/B")
        page.type("Texte de la version B", "chaque semaine, autrement")
        assert "La version B est en attente de validation" in page.press("Démarrer le test")
    (test,) = tried(lumiere)
    assert {row.state for row in rows(lumiere, test.b_id)} <= {"draft"}


def test_approver_sees_the_version_of_an_ab_test(door: Door, lumiere: Agency) -> None:
    """Regression: of two nearly identical pending posts, one looked like a mistake."""
    begun(lumiere, weeks=120, approved=False)
    with stream(door.url, door.cookie(lumiere)) as page:
        test = launched(page, lumiere)
        with lumiere.scope() as scope:
            series.extend_series(scope, test.series_id)
        seen = (page.open("/approvals"), page.press(word("approvals.after")))
    assert sum(word("variants.of_test", version="B") in text for text in seen) == 1


def test_winning_version_without_approval_is_pending(door: Door, lumiere: Agency) -> None:
    """Regression: the page said that the series continues with it, but nothing was published."""
    begun(lumiere, weeks=120, approved=False)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", compare="mia")
        page.type("Texte de la version B", "chaque semaine, autrement")
        page.press("Démarrer le test")
        assert "en attente de validation" in page.press("Continuer avec B")


def test_end_of_a_stopped_series_promises_no_more_posts(door: Door, lumiere: Agency) -> None:
    begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere)) as page:
        test = launched(page, lumiere)
        with lumiere.scope() as scope:
            series.stop_series(scope, test.series_id)
        assert "La série a été arrêtée" in page.again()
        text = page.press("Continuer avec B")
        assert "La série est arrêtée" in text
        assert "continue avec la version" not in text + page.again()


def test_each_version_shows_that_its_dates_are_drawn(door: Door, lumiere: Agency) -> None:
    """Regression: the page said that the other version is published on every date of the series."""
    post_id = begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "tirée au sort" not in page.open("/calendar", post=str(post_id))
        test = launched(page, lumiere)
        for version, post in (("A", test.a_id), ("B", test.b_id)):
            assert f"Version {version} d’un test A/B : chaque date" in page.open(
                "/calendar", post=str(post)
            ), version
        page.open("/calendar", compare="mia")
        page.press("Continuer avec B")
        assert "tirée au sort" not in page.open("/calendar", post=str(test.b_id))


def all_coming(who: Agency, post_id: UUID) -> None:
    """Create the next deliveries of the continued series, as the worker does."""
    from_here = [row.series_id for row in rows(who, post_id) if row.state != "cancelled"]
    with who.scope() as scope:
        series.extend_series(scope, from_here[-1])


def test_missing_picture_is_no_difference(door: Door, lumiere: Agency) -> None:
    begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", compare="mia")
        page.choose("Image de la version B", "sans image")
        assert "Changez soit le texte, soit l’image" in page.press("Démarrer le test"), (
            "version A has no picture either"
        )
    assert tried(lumiere) == []


def test_page_is_in_english_and_explains_the_empty_state(door: Door, tenant: OpenScope) -> None:
    english = create_agency(tenant, language="en")
    english.post("one", minutes=60)
    with stream(door.url, door.cookie(english)) as page:
        text = page.open("/calendar", compare="1")
        assert "A/B tests" in text
        assert "A test needs a repeating post that" in text


@pytest.mark.parametrize("asked", ["x", "../..", "mia-2"])
def test_tests_of_unknown_creators_are_hidden(door: Door, lumiere: Agency, asked: str) -> None:
    begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.may_fail = True
        assert "Nouveau test A/B" not in page.open("/calendar", compare=asked)


def test_roles_without_planning_rights_see_no_tests(door: Door, lumiere: Agency) -> None:
    begun(lumiere, weeks=120)
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        page.may_fail = True
        assert "A/B tests" not in page.open("/calendar", compare="1")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", VerdictKind)
def test_each_verdict_has_a_sentence(kind: VerdictKind, language: str) -> None:
    test = VariantTest(
        *[UUID(int=1)] * 6, "views", 24, 40, NOW, None, "", frozenset({"words"}), stopped=False
    )
    effect = (
        AbTestEffect(0.12, -0.031, 0.29) if kind in (VerdictKind.OPEN, VerdictKind.BETTER) else None
    )
    better = "b" if kind is VerdictKind.BETTER else ""
    said = render_message(
        verdict_message(test, AbTestVerdict(kind, 7, 21, 19, 0, 5, effect, better)), language
    )
    wanted = {
        VerdictKind.WAITING: "7",
        VerdictKind.UNEVEN: "21",
        VerdictKind.SHORT: "5",
        VerdictKind.OPEN: "-3 %" if language == "fr" else "-3%",
        VerdictKind.BETTER: "+12 %" if language == "fr" else "+12%",
    }
    assert wanted.get(kind, "") in said
    assert "{" not in said
