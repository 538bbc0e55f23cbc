"""Agency setup: from the demo to a new agency, its page and its first post, each created once."""

import re
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from channels.accounts import queries as channel_reads
from channels.connections.events import OwnPageRequested
from dashboard.pages.start import agency_setup
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.ops.settings import Settings
from foundation.outbox import outbox
from foundation.sealed import Sealed
from schedules.posts import queries as schedule_reads
from subscribers.replies import persona
from tenants.agencies import names
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from workers.event_handlers import own_pages


def answer(page: Stream, name: str) -> str:
    """Fill in the form, submit it, and return the text of the page."""
    page.open("/start")
    page.type("Prénom", "Zoé")
    page.type("Adresse e-mail", f"zoe-{uuid7().hex[-8:]}@example.test")
    page.type("Nom du créateur", name)
    return page.press("Créer mon agence")


def open_page(tenant: OpenScope, tenant_id: UUID) -> None:
    """Open the requested page as the workers do."""
    with tenant(tenant_id, "system:test") as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
            "'channel.own_page'",
            t=tenant_id,
        ).all()
    for row in rows:
        event = outbox.rebuild_event(OwnPageRequested, tenant_id, row.subject_id, row.args)
        own_pages.open_own_page(
            event,
            tenant=tenant,
            seal=lambda _, secret: Sealed(secret.encode()),
            settings=Settings(),
        )


def test_new_agency_from_the_demo_publishes_its_first_post(door: Door, tenant: OpenScope) -> None:
    demo = create_agency(tenant, demo=True)
    name = f"Iris {demo.tenant_id.hex[-6:]}"
    with stream(door.url, door.cookie(demo)) as page:
        text = answer(page, name)
        assert "Agence créée." in text
        assert f"Passer à {name}" in page.open("/")
        link = re.search(r"/auth/link/([\w-]+)", text)
        assert link
    session = sessions.redeem_sign_in_link(tenant, link[1])
    found = sessions.find_session(tenant, session)
    assert found is not None
    mine = found[0]
    assert mine != demo.tenant_id
    with tenant(mine, "system:test") as scope:
        assert not tenant_reads.get_agency(scope).demo
        assert [one.role for one in tenant_reads.list_members(scope)] == [Role.OWNER]
        [creator] = tenant_reads.list_creators(scope)
        assert (creator.name, creator.approval_tiers) == (name, 0)
        spoken = persona.active_persona(scope, creator.id)
        assert spoken is not None
    back = sessions.switch_agency(tenant, session, demo.tenant_id)
    assert sessions.find_session(tenant, back) == (demo.tenant_id, demo.members[Role.OWNER])
    cookie = f"greenroom={session}"
    with stream(door.url, cookie) as page:
        assert "Création de la page" in page.open("/start")
        open_page(tenant, mine)
        assert "Création de la page" not in page.open("/start")
        page.type("Texte", "Bonjour, me voici.")
        assert "15 secondes" in page.press("Publier maintenant")
    with tenant(mine, "system:test") as scope:
        [channel] = channel_reads.list_channels(scope)
        posts = schedule_reads.entries_between(
            scope, creator.id, scope.now.replace(year=2000), scope.now.replace(year=2100)
        )
    assert [(post.body, post.state) for post in posts] == [("Bonjour, me voici.", "scheduled")]
    assert channel.account == names.make_handle(name, mine)


def test_missing_answers_are_reported_and_create_nothing(door: Door, tenant: OpenScope) -> None:
    demo = create_agency(tenant, demo=True)
    with stream(door.url, door.cookie(demo)) as page:
        page.open("/start")
        assert "Saisissez votre prénom" in page.press("Créer mon agence")
        assert "Agence créée" not in page.open("/start")


def test_forbidden_name_is_refused_and_creates_nothing(door: Door, tenant: OpenScope) -> None:
    demo = create_agency(tenant, demo=True)
    with stream(door.url, door.cookie(demo)) as page:
        assert "ne peut pas figurer sur une page" in answer(page, "EXPLICIT-MARKER-A")
        assert "Agence créée" not in page.open("/start")


def test_characters_the_database_cannot_store_are_removed(door: Door, tenant: OpenScope) -> None:
    demo = create_agency(tenant, demo=True)
    name = f"Iris {demo.tenant_id.hex[-6:]}"
    with stream(door.url, door.cookie(demo)) as page:
        assert "Agence créée." in answer(page, f"{name}\0")
        assert f"Passer à {name}" in page.open("/")


@pytest.mark.parametrize("beside", [1, 4], ids=["after each other", "at once"])
def test_repeated_submit_creates_one_agency(door: Door, tenant: OpenScope, beside: int) -> None:
    """Streamlit runs a second click in another thread."""
    demo, key = create_agency(tenant, demo=True), uuid7()
    who = viewer(demo, tenant)
    answers = agency_setup.AgencySetup(
        "Zoé",
        "zoe@example.test",
        "Iris Une",
        "virtual",
        "fr",
        "Europe/Paris",
        agency_setup.RATING_CEILINGS[1],
        True,
        "copilot",
    )
    with ThreadPoolExecutor(beside) as pressing:
        presses = [
            pressing.submit(agency_setup.set_up_agency, key, who, answers, tenant=tenant)
            for _ in range(4)
        ]
    assert len({press.result() for press in presses}) == 4
    with tenant(key, "system:test") as scope:
        assert len(tenant_reads.list_creators(scope)) == 1
        assert len(tenant_reads.list_members(scope)) == 1


def viewer(who: Agency, tenant: OpenScope) -> agency_setup.Viewer:
    with tenant(who.tenant_id, "system:test") as scope:
        return agency_setup.Viewer(
            who.tenant_id, tenant_reads.get_member(scope, who.members[Role.OWNER])
        )


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_owners_create_an_agency(door: Door, tenant: OpenScope, role: Role) -> None:
    demo = create_agency(tenant, demo=True)
    with stream(door.url, door.cookie(demo, role)) as page:
        assert "Créer mon agence" not in page.open("/start")


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Mia Laurent", "mia-laurent"),
        ("  Éloïse d’Arc!", "eloise-darc"),
        ("李", "a0b0c0"),
        ("x" * 90, "x" * 40),
    ],
)
def test_page_slug_is_made_from_the_name(name: str, slug: str) -> None:
    assert names.make_handle(name, UUID("00000000-0000-0000-0000-000000a0b0c0")) == slug
