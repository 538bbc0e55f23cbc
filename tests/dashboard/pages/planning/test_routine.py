"""The routine on its page: created, refused with one sentence, paused, its steps with reasons, and
hidden from other members."""

from datetime import time

from foundation.ops.wall_time import local_day
from schedules.routines import routines, steps
from schedules.routines.plans import RoutinePlan, RoutineSlot, SlotMedia
from schedules.routines.routines import RoutineView
from studio.recipes import specs
from tenants import audit
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.compose.test_page import connected
from tests.dashboard.streamlit_client import Stream, stream

HOSTILE = "<script>alert(1)</script> **gras**"


def with_template(who: Agency, name: str = "plage") -> None:
    with who.scope() as scope:
        specs.save_recipe(
            scope, who.creator_id, specs.RecipeSpec(name=name, prompt="une plage en été")
        )


def found(who: Agency) -> RoutineView | None:
    with who.scope() as scope:
        return routines.find_routine(scope, who.creator_id)


def saved(who: Agency, *hours: int) -> None:
    """Save a routine with photos of the library at these hours."""
    channel = connected(who)
    slots = tuple(RoutineSlot(time(hour), (channel,), SlotMedia.LIBRARY) for hour in hours)
    with who.scope(who.act_as(Role.MANAGER)) as scope:
        routines.save_routine(scope, who.creator_id, RoutinePlan(slots))


def fill_form(page: Stream) -> None:
    page.type("Images par jour : plage", "3")
    for number in (1, 2, 3):
        page.choose(f"Créneau {number} : comptes", "Sandbox")


def test_routine_is_created_from_the_form(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with_template(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Aucune routine" not in page.open("/calendar")
        page.open("/calendar", routine=1)
        fill_form(page)
        page.type("Créneau 4 : heure", "18h30")
        page.choose("Créneau 4 : comptes", "Sandbox")
        page.type("Créneau 4 : thème de la légende", HOSTILE)
        page.type("Préparer la semaine le lundi à", "9:00")
        page.type("Sujets de la semaine, un par ligne", "La série du port")
        text = page.press("Enregistrer la routine")
    assert "Routine enregistrée" in text
    assert "Générer les images" in text
    assert "Europe/Paris" not in text
    assert "<script>" not in text
    routine = found(lumiere)
    assert routine is not None
    assert [slot.key for slot in routine.plan.slots] == ["10:00", "15:00", "20:00", "18:30"]
    assert routine.plan.slots[3].days == (5, 6)
    assert routine.plan.weekly.plan_at == time(9)
    with lumiere.scope() as scope:
        day = local_day(scope.now, ZONE)
        assert steps.list_steps(scope, lumiere.creator_id, day)
        assert audit.list_recent_acts(scope)[0].act == "routine.created"


def test_refused_form_keeps_what_was_typed(door: Door, lumiere: Agency) -> None:
    connected(lumiere)
    with_template(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", routine=1)
        fill_form(page)
        page.type("Ton des légendes", "tendre et bref")
        page.type("Valider avant", "7:00")
        assert "Les heures doivent se suivre" in page.press("Enregistrer la routine")
        assert found(lumiere) is None
        page.type("Valider avant", "pas une heure")
        assert "pas une heure" in page.press("Enregistrer la routine")
        page.type("Valider avant", "9:30")
        assert "Routine enregistrée" in page.press("Enregistrer la routine")
    routine = found(lumiere)
    assert routine is not None
    assert routine.plan.tone == "tendre et bref"
    assert len(routine.plan.slots) == 3


def test_slot_with_empty_time_is_removed_and_the_change_is_audited(
    door: Door, lumiere: Agency
) -> None:
    saved(lumiere, 10, 15)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", routine=1)
        page.type("Créneau 1 : heure", "")
        assert "Routine enregistrée" in page.press("Enregistrer la routine")
    routine = found(lumiere)
    assert routine is not None
    assert [slot.key for slot in routine.plan.slots] == ["15:00"]
    with lumiere.scope() as scope:
        act = audit.list_recent_acts(scope)[0]
    assert act.act == "routine.changed"
    assert act.details["fields"] == "slots"
    assert "10:00" in str(act.details["slots_before"])
    assert "10:00" not in str(act.details["slots_after"])


def test_pause_shows_its_reason_and_resume_continues(door: Door, lumiere: Agency) -> None:
    saved(lumiere, 20)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/calendar", routine=1)
        text = page.press("Mettre la routine en pause")
        assert "Routine en pause" in text
        assert "En pause" in text
        assert "Reprendre la routine" in page.labels()
        assert "Routine reprise" in page.press("Reprendre la routine")
        assert "Mettre la routine en pause" in page.labels()
    routine = found(lumiere)
    assert routine is not None
    assert (routine.active, routine.version) == (True, 3)


def test_other_members_neither_see_nor_change_a_routine(door: Door, lumiere: Agency) -> None:
    saved(lumiere, 12)
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        text = page.open("/calendar", routine=1)
        assert "Enregistrer la routine" not in page.labels()
        assert "Générer les images" not in text
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"nova\"]' WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Générer les images" not in page.open("/calendar", routine="mia")
