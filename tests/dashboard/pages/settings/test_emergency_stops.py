"""Emergency stops by members of some creators: they may set any stop, but never lift one that
affects other creators."""

from dataclasses import replace
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from dashboard.auth import passkey_confirmations
from dashboard.pages.settings.queries import load_stops
from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import members
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

ACCOUNT = "Le secret de Zoé"
SENDING = "sending"


@pytest.fixture
def two(lumiere: Agency) -> tuple[Agency, UUID, UUID]:
    """Return the agency, Zoé and her account: the manager has only Mia, and Zoé's account is on
    another platform."""
    lumiere.post("demain")
    with lumiere.scope() as scope:
        zoe = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=ZONE, languages=["fr"]
        )
        account = lifecycle.connect_account(
            scope,
            creator_id=zoe,
            platform="mastodon",
            surface="mastodon.post",
            account=f"zoe-{str(lumiere.tenant_id)[-6:]}",
            name=ACCOUNT,
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
        )
        hers = agencies.add_member(
            scope,
            name="Celui de Mia",
            email="mias@example.test",
            role=Role.MANAGER,
            language="fr",
            zone=ZONE,
            creators=["mia"],
        )
    return replace(lumiere, members={**lumiere.members, Role.MANAGER: hers}), zoe, account


def stops(who: Agency, where: str, target: str = "") -> None:
    with who.scope(who.act_as(Role.OWNER)) as scope:
        emergency_stops.close_switch(scope, where, target, SENDING, reason="dispute")


def wanted(who: Agency) -> list[EmergencyStopRequested]:
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'switch.set' "
            "ORDER BY id",
            t=scope.tenant_id,
        ).all()
        return [
            outbox.rebuild_event(EmergencyStopRequested, scope.tenant_id, row.subject_id, row.args)
            for row in rows
        ]


def limited(who: Agency, *creators: str) -> None:
    with who.scope() as scope:
        members.change_member(
            scope, who.members[Role.MANAGER], role=Role.MANAGER, creators=creators
        )


def test_stops_of_other_creators_are_hidden(door: Door, two: tuple[Agency, UUID, UUID]) -> None:
    who, zoe, account = two
    stops(who, "creator", str(zoe))
    stops(who, "channel", str(account))
    stops(who, "platform", "mastodon")
    stops(who, "chat", f"{account}:fan")
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/settings", section="stop")
        assert "Zoé" in text
        assert page.labels().count("Lever l’arrêt") == 4
        assert "Journal" in page.open("/system")
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        text = page.open("/settings", section="stop")
        for hers in ("Zoé", ACCOUNT, str(account), "Mastodon", "dispute"):
            assert hers not in text, hers
        assert "Lever l’arrêt" not in page.labels()
        choices = page.find("Arrêter", "selectbox").options
        assert choices[0] == "Mia"
        assert "Toute l’agence" in choices
        assert [one for one in choices if "Zoé" in one or "Mastodon" in one] == []
    with who.scope() as scope:
        manager = tenant_reads.get_member(scope, who.members[Role.MANAGER])
        assert load_stops(scope, manager).stops == []


@pytest.mark.parametrize("where", ["creator", "channel"])
def test_member_who_lost_a_creator_cannot_lift_her_stop(
    door: Door, two: tuple[Agency, UUID, UUID], where: str
) -> None:
    who, zoe, account = two
    stops(who, where, str(zoe if where == "creator" else account))
    limited(who)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        page.open("/settings", section="stop")
        page.type("Motif de la levée", "fini")
        limited(who, "mia")
        assert "Cet arrêt a déjà été levé" in page.press("Lever l’arrêt")
    assert wanted(who) == []


def test_member_who_lost_a_creator_cannot_stop_her(
    door: Door, two: tuple[Agency, UUID, UUID]
) -> None:
    who, _, _ = two
    limited(who)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        page.open("/settings", section="stop")
        page.choose("Arrêter", "Zoé")
        limited(who, "mia")
        assert "Rien n’a été arrêté" in page.press("Arrêter : Zoé")
    assert wanted(who) == []


def test_member_of_one_creator_lifts_her_stop(
    door: Door, two: tuple[Agency, UUID, UUID], tenant: OpenScope
) -> None:
    who, _, _ = two
    stops(who, "creator", str(who.creator_id))
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        page.open("/settings", section="stop")
        page.type("Motif de la levée", "fini")
        assert "Levée de l’arrêt demandée" in page.press("Lever l’arrêt")
    handle_stop_request(wanted(who)[-1], tenant=tenant)
    with who.scope() as scope:
        assert emergency_stops.list_stops(scope) == []


@pytest.mark.parametrize(("where", "target"), [("tenant", ""), ("platform", "sandbox")])
def test_member_of_one_creator_sets_but_cannot_lift_a_wide_stop(
    door: Door, two: tuple[Agency, UUID, UUID], tenant: OpenScope, where: str, target: str
) -> None:
    who, _, _ = two
    choice = "Toute l’agence" if where == "tenant" else "Tout Sandbox"
    limited(who)
    with stream(door.url, door.cookie(who, Role.MANAGER)) as late:
        with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
            limited(who, "mia")
            page.open("/settings", section="stop")
            page.choose("Arrêter", choice)
            page.press(f"Arrêter : {choice}")
            handle_stop_request(wanted(who)[-1], tenant=tenant)
            text = page.open("/settings", section="stop")
            assert "Lever l’arrêt" not in page.labels()
            assert "un responsable de toute l’agence peut le lever" in text
        limited(who)
        late.open("/settings", section="stop")
        late.type("Motif de la levée", "fini")
        limited(who, "mia")
        assert "un responsable de toute l’agence peut le lever" in late.press("Lever l’arrêt")
    assert len(wanted(who)) == 1


def test_workers_lift_no_wide_stop_for_a_member_of_some_creators(
    two: tuple[Agency, UUID, UUID], tenant: OpenScope
) -> None:
    who, zoe, _ = two
    with who.scope() as scope:
        second = agencies.add_member(
            scope,
            name="Toutes",
            email="all@example.test",
            role=Role.MANAGER,
            language="fr",
            zone=ZONE,
        )

    def ends(member: UUID) -> bool:
        wish = EmergencyStopRequested(
            who.tenant_id,
            uuid7(),
            "tenant",
            "",
            SENDING,
            open=True,
            by=f"member:{member}",
            reason="fini",
        )
        handle_stop_request(wish, tenant=tenant)
        with who.scope() as scope:
            return not emergency_stops.is_stopped(scope, SENDING)

    stops(who, "tenant")
    mias, owner = who.members[Role.MANAGER], who.members[Role.OWNER]
    assert not ends(owner)
    assert not ends(mias)  # does not count as the second member
    assert ends(second)
    stops(who, "tenant")
    limited(who)
    assert not ends(mias)
    limited(who, "mia")
    assert not ends(owner)  # nor once a requester has fewer creators than at the request
    stops(who, "creator", str(zoe))
    wish = EmergencyStopRequested(
        who.tenant_id,
        uuid7(),
        "creator",
        str(zoe),
        SENDING,
        open=True,
        by=f"member:{mias}",
        reason="x",
    )
    handle_stop_request(wish, tenant=tenant)
    with who.scope() as scope:
        assert emergency_stops.is_stopped(scope, SENDING, creator=zoe)


@pytest.mark.parametrize("since", ["", "never", "2026-13-01T00:00:00+00:00"])
def test_signed_lift_needs_the_time_of_its_stop(lumiere: Agency, since: str) -> None:
    """The field comes from a browser: the workers only get values they can parse."""
    fields = {"where": "tenant", "target": "", "feature": SENDING, "reason": "over", "since": since}
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope, pytest.raises(BadInput):
        passkey_confirmations.execute_act(scope, emergency_stops.REOPEN_ACT, fields, uuid7())
    assert wanted(lumiere) == []


def test_signature_is_requested_only_from_permitted_members(
    door: Door, two: tuple[Agency, UUID, UUID]
) -> None:
    who, zoe, account = two
    stops(who, "tenant")
    stops(who, "creator", str(zoe))
    stops(who, "channel", str(account))
    with door.client() as visitor:
        cookie = {"cookie": door.cookie(who, Role.MANAGER)}
        for where, target, said in (
            ("tenant", "", "un responsable de toute l’agence peut le lever"),
            ("creator", str(zoe), "a déjà été levé"),
            ("channel", str(account), "a déjà été levé"),
            ("channel", "nobody", "a déjà été levé"),
        ):
            asked = {"where": where, "target": target, "feature": SENDING}
            answer = visitor.get("/auth/confirm/reopen", params=asked, headers=cookie)
            assert (answer.status_code, said in answer.text) == (409, True), where


def test_creator_stops_her_posts_from_home(
    door: Door, two: tuple[Agency, UUID, UUID], tenant: OpenScope
) -> None:
    who, zoe, _ = two
    with who.scope() as scope:
        members.change_member(scope, who.members[Role.CREATOR], role=Role.CREATOR, creators=["mia"])
    with stream(door.url, door.cookie(who, Role.CREATOR)) as page:
        text = page.open("/")
        assert "peuvent lever l’arrêt" in text
        page.type("Motif", "on m’a volé mon téléphone")
        assert "Arrêt d’urgence demandé : Mia" in page.press("Arrêter : Mia")
        [asked] = wanted(who)
        assert (asked.scope, asked.target, asked.open) == ("creator", str(who.creator_id), False)
        handle_stop_request(asked, tenant=tenant)
        with who.scope() as scope:
            assert emergency_stops.is_stopped(scope, SENDING, creator=who.creator_id)
            assert not emergency_stops.is_stopped(scope, SENDING, creator=zoe)
        text = page.open("/")
        assert "Arrêt d’urgence depuis" in text
        assert "a déclenché l’arrêt d’urgence" not in text
    with stream(door.url, door.cookie(who, Role.MANAGER)) as page:
        text = page.open("/")
        assert "Creator a déclenché l’arrêt d’urgence et ne peut pas le lever" in text
        assert "Arrêter : Mia" not in page.labels()  # managers find it on Settings
        assert "on m’a volé mon téléphone" in page.open("/settings", section="stop").replace(
            "&#39;", "’"
        )
        page.type("Motif de la levée", "retrouvé")
        page.press("Lever l’arrêt")
        handle_stop_request(wanted(who)[-1], tenant=tenant)
        assert "a déclenché l’arrêt d’urgence et" not in page.open("/")


def test_notices_name_the_scope_of_each_stop(
    door: Door, two: tuple[Agency, UUID, UUID], tenant: OpenScope
) -> None:
    """With two stops at once, members must see which one a notice concerns."""
    who, zoe, account = two
    wishes = [("tenant", "", False, Role.OWNER), ("tenant", "", True, Role.OWNER)]
    wishes += [
        (where, str(of), False, Role.CHATTER)
        for where, of in (("creator", zoe), ("channel", account))
    ]
    for where, target, opened, role in [*wishes, ("platform", "mastodon", False, Role.CHATTER)]:
        ask = EmergencyStopRequested(
            who.tenant_id,
            uuid7(),
            where,
            target,
            SENDING,
            open=opened,
            by=who.act_as(role),
            reason="essai",
        )
        handle_stop_request(ask, tenant=tenant)
    with stream(door.url, door.cookie(who)) as page:
        text = page.open("/")
    for whom in ("Toute l’agence", "Zoé", f"Zoé, {ACCOUNT} · Mastodon", "Mastodon"):
        assert f'<span class="gr-soft">{whom} · <a href="/settings?section=stop"' in text, whom


def test_chatter_chooses_a_creator_and_other_roles_have_no_button(
    door: Door, two: tuple[Agency, UUID, UUID]
) -> None:
    who, zoe, _ = two
    with stream(door.url, door.cookie(who, Role.CHATTER)) as page:  # reads English
        page.open("/")
        page.choose("Stop", "Zoé")
        assert "Emergency stop requested: Zoé" in page.press("Stop: Zoé")
        assert [(one.scope, one.target) for one in wanted(who)] == [("creator", str(zoe))]
        with who.scope() as scope:
            members.change_member(
                scope, who.members[Role.CHATTER], role=Role.CHATTER, creators=["mia"]
            )
        assert "asked for" not in page.press("Stop: Zoé")
    assert len(wanted(who)) == 1
    for role in (Role.OWNER, Role.ACCOUNTANT, Role.GUEST):
        with stream(door.url, door.cookie(who, role)) as page:
            page.open("/")
            assert [one for one in page.labels() if one.startswith("Arrêter")] == [], role


def test_stopped_post_is_not_shown_as_scheduled(door: Door, lumiere: Agency) -> None:
    """Regression: the calendar showed the stop, but Home still showed "Scheduled"."""
    lumiere.post("Le soir", minutes=1)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert ">Programmé</span>" in page.open()
        with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
            emergency_stops.close_switch(
                scope, "creator", str(lumiere.creator_id), SENDING, reason="essai"
            )
        text = page.open()
    assert ">arrêt d’urgence</span>" in text
    assert ">Programmé</span>" not in text
