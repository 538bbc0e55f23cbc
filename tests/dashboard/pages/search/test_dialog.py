"""The search of every page: each role finds what it may open, and nothing else."""

import pytest

from foundation.db.database import OpenScope
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

HOSTILE = "<img src=x onerror=alert(1)>"


def searched(door: Door, who: Agency, role: Role, words: str) -> str:
    """Return what the dialog shows for these words on the page Home."""
    labels = ("Search",) * 2 if role is Role.CHATTER else ("Rechercher",) * 2
    with stream(door.url, door.cookie(who, role)) as page:
        page.open()
        page.press(labels[0])
        return page.type(labels[1], words)


@pytest.mark.parametrize("role", list(Role))
def test_each_role_finds_what_it_may_open(door: Door, lumiere: Agency, role: Role) -> None:
    lumiere.post("Miaou, canary-post")
    text = searched(door, lumiere, role, "mia")
    plans = role in (Role.OWNER, Role.MANAGER, Role.CREATOR)
    assert ("canary-post" in text) == plans
    assert ('href="/creators"' in text) == plans


def test_settings_are_found_by_title_within_the_rights(door: Door, lumiere: Agency) -> None:
    assert 'href="/settings?section=stop"' in searched(door, lumiere, Role.OWNER, "urgence")
    assert "/settings" not in searched(door, lumiere, Role.CREATOR, "urgence")
    assert 'href="/settings?section=webhooks"' not in searched(
        door, lumiere, Role.MANAGER, "webhooks"
    )


def test_member_of_one_creator_finds_nothing_of_others(door: Door, tenant: OpenScope) -> None:
    lumiere = create_agency(tenant)
    with lumiere.scope() as scope:
        agencies.add_creator(
            scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
        )
        scope.run(
            """UPDATE members SET creators = '["nova"]' WHERE id = :m""",
            m=lumiere.members[Role.MANAGER],
        )
    lumiere.post("canary of Mia")
    text = searched(door, lumiere, Role.MANAGER, "canary")
    assert "Aucun résultat pour « canary »" in text
    assert "Aucun résultat" in searched(door, lumiere, Role.MANAGER, "mia")
    assert "<b>Nova</b>" in searched(door, lumiere, Role.MANAGER, "nova")


def test_hostile_search_is_shown_as_text(door: Door, lumiere: Agency) -> None:
    text = searched(door, lumiere, Role.OWNER, f"{HOSTILE}\x00 %_'\\")
    assert "Aucun résultat" in text
    assert "<img" not in text


def test_short_search_explains_itself(door: Door, lumiere: Agency) -> None:
    assert "au moins 2 caractères" in searched(door, lumiere, Role.OWNER, "m")


def test_help_states_the_tasks_of_the_page(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        assert "Invitez un membre avec un rôle" in page.press("Aide")
