"""The weekly plan on its page: requested, reviewed line by line, accepted, changed, dropped; hidden
from others."""

from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from schedules.suggestions.states import WeekLineState
from schedules.suggestions.weekly_plans import proposals
from schedules.suggestions.weekly_plans.proposals import WeekProposal
from studio.recipes import specs
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import Stream, stream

HOSTILE = "<script>alert(1)</script> **gras** [x](javascript:alert(1))"


def asked(
    page: Stream, *, goal: str = "Faire connaître la boutique", topics: str = "Le port\nLa série"
) -> str:
    page.open("/calendar", week=1)
    page.type("Objectif de la semaine", goal)
    page.type("Sujets", topics)
    page.type("Publications", "3")
    return page.press("Générer la semaine")


def proposed(who: Agency) -> WeekProposal:
    with who.scope() as scope:
        return proposals.list_week_proposals(scope, who.creator_id)[0]


def posts(who: Agency) -> list[tuple[str, str]]:
    with who.scope() as scope:
        rows = scope.run(
            "SELECT p.body, d.state FROM posts p JOIN deliveries d ON d.tenant_id = p.tenant_id "
            "AND d.post_id = p.id"
            " WHERE p.tenant_id = :t AND p.origin = 'week' ORDER BY d.due_at",
            t=who.tenant_id,
        )
        return [tuple(row) for row in rows]


def test_line_of_a_disconnected_account_is_marked(door: Door, lumiere: Agency) -> None:
    """Regression: the account was shown as a question mark."""
    channel_id = connected(lumiere, name="Perdu")
    connected(lumiere, name="Reste")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Perdu · " in asked(page)
        with lumiere.scope() as scope:
            scope.run("UPDATE channels SET state = 'disconnected' WHERE id = :id", id=channel_id)
        assert "Perdu (déconnecté) · " in page.open("/calendar", week=1)


def test_weekly_plan_is_requested_and_accepted_line_by_line(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = asked(page)
        for said in (
            "Relisez chaque publication",
            "Semaine : Faire connaître",
            "sujet de votre brief, à rédiger",
        ):
            assert said in text, said
        assert posts(lumiere) == []
        assert "Brouillon créé" in page.press("Accepter")
        assert posts(lumiere) == [("Le port", "draft")]
        assert "Ignorée" in page.press("Ignorer")
        page.type("Texte", "Mes mots à moi")
        page.type("Heure", "21:05")
        assert "Modifications enregistrées" in page.press("Enregistrer les modifications")
        page.press("Accepter")
    found = proposed(lumiere)
    assert sorted(one.state for one in found.lines) == [
        WeekLineState.ACCEPTED,
        WeekLineState.ACCEPTED,
        WeekLineState.DROPPED,
    ]
    assert posts(lumiere)[1] == ("Mes mots à moi", "draft")


def test_accepted_line_includes_changes_and_is_accepted_once(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page)
        page.type("Texte", "Changé d’un coup")
        page.press_twice("Accepter")
    assert [body for body, _ in posts(lumiere)] == ["Changé d’un coup"]


def test_markup_is_shown_as_text(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = asked(page, goal=HOSTILE, topics=HOSTILE)
    assert "<script>" not in text.replace(proposed(lumiere).lines[0].body, "")
    assert proposed(lumiere).lines[0].body == " ".join(HOSTILE.split())


def test_persona_sets_tone_and_forbidden_terms(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        words = PersonaVersion(
            "Mia", True, "card", "espiègle et tendre", ("fr",), forbidden=("gratuit",)
        )
        persona.activate_persona(
            scope, persona.create_persona_version(scope, lumiere.creator_id, words)
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "figure dans les mots interdits" in asked(page, topics="Tout est gratuit")
        asked(page)
        assert proposed(lumiere).brief.tone == "espiègle et tendre"
        page.type("Texte", "GRATUIT ce soir")
        assert "figure dans les mots interdits" in page.press("Accepter")
    assert posts(lumiere) == []


def test_chosen_recipe_generates_a_picture(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with lumiere.scope() as scope:
        spec = specs.parse_recipe({"name": "Quai", "prompt": "a quay", "width": 64, "height": 64})
        specs.save_recipe(scope, lumiere.creator_id, spec)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page)
        page.choose("Modèle de prompt", "Quai")
        page.press("Accepter")
    with lumiere.scope() as scope:
        (job,) = scope.run("SELECT total FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id).all()
    assert job.total == 1


def test_line_decided_by_another_member_is_reported(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page)
        first = proposed(lumiere).lines[0]
        with lumiere.scope() as scope:
            proposals.drop_week_line(scope, first.id, version=first.version)
        assert "Un autre membre a déjà modifié" in page.press("Accepter")
    assert posts(lumiere) == []


def test_text_for_a_line_accepted_elsewhere_is_not_reported_as_saved(
    door: Door, lumiere: Agency
) -> None:
    """Regression: the second tab reported a draft, but the text typed there was lost."""
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page)
        first = proposed(lumiere).lines[0]
        page.type("Texte", "Dit dans l’autre onglet")
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            proposals.accept_week_line(scope, first.id, version=first.version)
        assert "Un autre membre a déjà modifié" in page.press("Accepter")
    assert posts(lumiere) == [("Le port", "draft")]


def test_open_lines_remain_after_another_plan_was_requested(door: Door, lumiere: Agency) -> None:
    """Regression: the page showed only the newest plan, without open lines of older ones."""
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page)
        before = proposed(lumiere)
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            proposals.drop_week_line(scope, before.lines[0].id, version=1)
        assert asked(page, goal="Une autre semaine").count("Ignorer") == 3 + 2
        assert proposed(lumiere).id != before.id
        with lumiere.scope(lumiere.act_as(Role.MANAGER)) as scope:
            proposals.accept_week_line(scope, before.lines[1].id, version=1)
            proposals.drop_week_line(scope, before.lines[2].id, version=1)
        assert page.again().count("Ignorer") == 3


def test_weekly_plan_is_in_english(door: Door, tenant: OpenScope) -> None:
    other = create_agency(tenant, language="en")
    connected(other)
    with stream(door.url, door.cookie(other)) as page:
        page.open("/calendar", week=1)
        page.type("Goal of the week", "The shop")
        text = page.press("Generate plan")
    for said in (
        "Review each post",
        "Plan: The shop",
        "topic from your brief",
        "Decide by",
    ):
        assert said in text, said


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER])
def test_roles_without_planning_rights_see_no_plan(door: Door, lumiere: Agency, role: Role) -> None:
    connected(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page, goal="Secret de la semaine")
    with stream(door.url, door.cookie(lumiere, role)) as page:
        page.may_fail = True
        assert "Secret de la semaine" not in page.open("/calendar", week=1)


def test_plan_of_another_agency_is_hidden(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant, mark="Autre")
    for one in (lumiere, other):
        connected(one)
    with stream(door.url, door.cookie(lumiere)) as page:
        asked(page, goal="Secret de la semaine")
    with stream(door.url, door.cookie(other)) as page:
        assert "Secret de la semaine" not in page.open("/calendar", week=1)
    line: UUID = proposed(lumiere).lines[0].id
    with other.scope() as scope:
        assert proposals.list_week_proposals(scope, lumiere.creator_id) == []
        assert line
