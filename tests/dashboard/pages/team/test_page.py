"""Team: the owner invites, changes and removes members; other roles do not see the page; the last
owner remains."""

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
from tests.dashboard.pages.calendar.components import choose_item
from tests.dashboard.streamlit_client import stream


def test_invited_member_signs_in_with_the_link(door: Door, lumiere: Agency) -> None:
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


def test_trailing_slash_of_the_address_does_not_change_links(
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


def test_markup_in_a_name_is_escaped(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        page.type("Nom", "**Zoé** [ici](http://evil.example) _x_ a_b")
        page.type("E-mail", "zoe@lumiere.example")
        told = page.press("Inviter")
        assert r"\*\*Zoé\*\* \[ici\](http://evil.example) \_x\_ a_b" in told
        assert re.search(r"http://\S+/auth/link/[\w-]+", told), "the sign-in link is not escaped"


def test_guest_without_creators_is_warned_about(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        assert page.find("Créateurs attribués", nth=-1).drawn.placeholder == "Tous les créateurs"
        page.choose("Rôle", "Relecteur invité", nth=-1)
        assert "rien à relire" in page.find("Créateurs attribués", nth=-1).drawn.placeholder


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        (("", "zoe@lumiere.example"), "Saisissez un nom et une adresse e-mail."),
        (("Zoé", "no address"), "Saisissez une adresse e-mail complète"),
        (("Zoé", "@"), "Saisissez une adresse e-mail complète"),
        (("Zoé", ""), "Saisissez une adresse e-mail complète"),
    ],
)
def test_invalid_invitation_is_refused(
    door: Door, lumiere: Agency, typed: tuple[str, str], reason: str
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/team")
        page.type("Nom", typed[0])
        page.type("E-mail", typed[1])
        assert reason in page.press("Inviter")


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OWNER])
def test_only_the_owner_sees_the_team(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Inviter un membre" not in page.open("/team")
        assert "lumiere.example" not in page.open("/team")


def test_removed_member_is_signed_out_of_open_pages(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        page.open()
        with lumiere.scope() as scope:
            members.remove_member(scope, lumiere.members[Role.CHATTER])
        assert "owner of your agency" in page.tick()


def elsewhere(who: Agency, role: Role) -> None:
    """Assign this member to another creator only."""
    with who.scope() as scope:
        agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=("fr",)
        )
        members.change_member(scope, who.members[role], role=role, creators=("zoe",))


def test_open_page_of_a_reassigned_member_changes_nothing(door: Door, lumiere: Agency) -> None:
    failed = lumiere.post("refusée", minutes=-5, state="failed")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "refusée" in page.open("/calendar")
        elsewhere(lumiere, Role.MANAGER)
        assert "refusée" not in choose_item(page, kind="retry", delivery=failed, version=2)
    with lumiere.scope() as scope:
        assert str(get_delivery(scope, failed).state) == "failed"


def test_open_page_hides_unassigned_creators(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.ACCOUNTANT)) as page:
        assert "Mia" in page.open("/insights")
        elsewhere(lumiere, Role.ACCOUNTANT)
        drawn = page.tick()
        assert "Zoé" in drawn
        assert "Mia" not in drawn


def test_last_owner_cannot_be_removed(lumiere: Agency) -> None:
    owner = lumiere.members[Role.OWNER]
    with lumiere.scope() as scope, pytest.raises(Conflict, match=r"member\.last_owner"):
        members.remove_member(scope, owner)
    with lumiere.scope() as scope, pytest.raises(Conflict, match=r"member\.last_owner"):
        members.change_member(scope, owner, role=Role.MANAGER, creators=())
    with lumiere.scope() as scope:
        members.change_member(scope, lumiere.members[Role.MANAGER], role=Role.OWNER, creators=())
        members.remove_member(scope, owner)


def test_member_of_another_agency_is_unknown(tenant: OpenScope, lumiere: Agency) -> None:
    other = create_agency(tenant)
    with lumiere.scope() as scope, pytest.raises(Exception, match=r"member\.unknown"):
        members.remove_member(scope, other.members[Role.CHATTER])


def test_assigned_creators_are_named(door: Door, lumiere: Agency) -> None:
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


def test_owner_sees_which_content_needs_which_approvals(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/team")
    for said in (
        "Validations requises",
        "Tout public et Suggestif",
        "Nudité et Explicite",
        "jusqu’à l’accord d’un conseil",
    ):
        assert said in text, said
    assert "Relecteurs : Manager, Owner." in text  # no creator is assigned to the guest


def test_first_steps_are_hidden_from_creator_and_chatter(door: Door, lumiere: Agency) -> None:
    for role, led in ((Role.OWNER, True), (Role.CREATOR, False), (Role.CHATTER, False)):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            assert ('href="/channels"' in page.open("/")) is led, role
