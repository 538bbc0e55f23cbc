"""Team: the owner brings people in, changes and closes accesses; nobody else sees the page; the
last owner stays."""

import re
from pathlib import Path

import pytest

from dashboard.pages.team.queries import load_team
from dashboard.shell import session
from foundation.db.database import OpenScope
from foundation.errors import Conflict
from schedules.posts.transitions import get_delivery
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import members, sessions
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def test_owner_brings_somebody_in_whose_link_opens_their_home(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/team")
        for said in (
            "Renvoyer l’invitation",
            "Propriétaire",
            "Non connecté",
            "Connecté depuis",
        ):
            assert said in text, said
        page.type("Nom", "Zoé")
        page.type("E-mail", "zoe@lumiere.example")
        page.choose("Rôle", "Comptable", nth=-1)
        told = page.press("Inviter")
        link = re.search(r"/auth/link/([\w-]+)", told)
        assert link, told
        again = page.press("Inviter")
        assert "utilise déjà l’adresse" in again
    with lumiere.scope() as scope:
        zoe = [one.member for one in load_team(scope).colleagues if one.member.name == "Zoé"]
    assert [(one.role, one.email) for one in zoe] == [(Role.ACCOUNTANT, "zoe@lumiere.example")]
    opened = sessions.redeem_sign_in_link(door.tenant, link[1])
    assert sessions.find_session(door.tenant, opened) == (lumiere.tenant_id, zoe[0].id)


def test_an_address_that_ends_with_a_slash_makes_no_other_link(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GREENROOM_HOME", str(tmp_path))
    monkeypatch.setenv("GREENROOM_DASHBOARD__PUBLIC_URL", "https://house.example/")
    session.dashboard_settings.cache_clear()
    try:
        assert (
            session.sign_in_page_url("s")
            == "https://house.example/auth/link/s"
            == sessions.sign_in_url("https://house.example", "s")
        )
    finally:
        session.dashboard_settings.cache_clear()


def test_a_name_is_no_markup_in_what_is_said(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        page.type("Nom", "**Zoé** [ici](http://evil.example) _x_ a_b")
        page.type("E-mail", "zoe@lumiere.example")
        told = page.press("Inviter")
        assert r"\*\*Zoé\*\* \[ici\](http://evil.example) \_x\_ a_b" in told
        assert re.search(r"http://\S+/auth/link/[\w-]+", told), (
            "the link that is handed over stays one"
        )


def test_a_guest_without_creators_is_said_to_see_nothing(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        assert page.find("Créateurs attribués", nth=-1).drawn.placeholder == "Tous les créateurs"
        page.choose("Rôle", "Relecteur invité", nth=-1)
        assert "rien à relire" in page.find("Créateurs attribués", nth=-1).drawn.placeholder


@pytest.mark.parametrize(
    "typed", [("", "zoe@lumiere.example"), ("Zoé", "no address"), ("Zoé", "@"), ("Zoé", "")]
)
def test_what_is_no_person_is_told(door: Door, lumiere: Agency, typed: tuple[str, str]) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        page.type("Nom", typed[0])
        page.type("E-mail", typed[1])
        assert "Saisissez un nom et une adresse e-mail." in page.press("Inviter")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_nobody_but_the_owner_sees_the_team(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Inviter un membre" not in page.open("/team")
        assert "lumiere.example" not in page.open("/team")


def test_a_closed_access_closes_open_pages(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        page.open()
        with lumiere.scope() as scope:
            members.remove_member(scope, lumiere.members[Role.CHATTER])
        assert "greenroom invite" in page.tick()


def elsewhere(who: Agency, role: Role) -> None:
    """From now on somebody of this role works for another creator alone."""
    with who.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )
        members.change_member(scope, who.members[role], role=role, creators=("zoe",))


def test_who_works_for_others_by_now_does_nothing_from_an_open_page(
    door: Door, lumiere: Agency
) -> None:
    failed = lumiere.post("refusée", minutes=-5, state="failed")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "refusée" in page.open("/calendar")
        elsewhere(lumiere, Role.MANAGER)
        assert "refusée" not in page.press("Réessayer")
    with lumiere.scope() as scope:
        assert str(get_delivery(scope, failed).state) == "failed"


def test_an_open_page_shows_no_longer_whom_one_does_not_work_for(
    door: Door, lumiere: Agency
) -> None:
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        assert "Mia" in page.open("/insights")
        elsewhere(lumiere, Role.ACCOUNTANT)
        drawn = page.tick()
        assert "Zoé" in drawn
        assert "Mia" not in drawn


def test_the_last_owner_stays(lumiere: Agency) -> None:
    owner = lumiere.members[Role.OWNER]
    with lumiere.scope() as scope, pytest.raises(Conflict, match=r"member\.last_owner"):
        members.remove_member(scope, owner)
    with lumiere.scope() as scope, pytest.raises(Conflict, match=r"member\.last_owner"):
        members.change_member(scope, owner, role=Role.MANAGER, creators=())
    with lumiere.scope() as scope:
        members.change_member(scope, lumiere.members[Role.MANAGER], role=Role.OWNER, creators=())
        members.remove_member(scope, owner)


def test_another_agency_s_member_is_nobody(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_agency(tenant)
    with lumiere.scope() as scope, pytest.raises(Exception, match=r"member\.unknown"):
        members.remove_member(scope, other.members[Role.CHATTER])


def test_whose_work_somebody_sees_is_said_by_name(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        mia = tenant_reads.list_creators(scope)[0]
        agencies.add_member(
            scope,
            name="Zoé",
            email="zoe@lumiere.example",
            role=Role.CHATTER,
            language="fr",
            zone=mia.zone,
            creators=[mia.slug],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/team")
    assert f"zoe@lumiere.example · {mia.name}" in text
    assert "Tous les créateurs" in text
    assert text.count("Aucun créateur attribué") == 1  # the guest


def test_the_owner_reads_what_needs_whom_in_one_place(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/team")
    for said in (
        "Validations requises",
        "Tout public et Suggestif",
        "Nudité et Explicite",
        "jusqu’à l’accord d’un conseil",
    ):
        assert said in text, said
    assert "Relecteurs : Manager, Owner." in text  # the guest was given no creator


def test_who_does_not_run_the_agency_is_led_to_no_first_steps(door: Door, lumiere: Agency) -> None:
    for role, led in ((Role.OWNER, True), (Role.CREATOR, False), (Role.CHATTER, False)):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert ('href="/channels"' in page.open("/")) is led, role
