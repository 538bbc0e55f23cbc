"""Emergency stops on the Settings page: set by one member, lifted by two."""

from datetime import timedelta

from channels.accounts import queries as channel_reads
from foundation.db.database import OpenScope
from foundation.i18n.translation import load_catalogue
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream
from workers.cli.gate import emergency_stop

HOURS = timedelta(hours=2, minutes=5)


def test_requested_lift_is_confirmed(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Levée de l’arrêt demandée" in page.open("/settings", section="stop", asked="1")
        assert "Levée de l’arrêt demandée" not in page.open("/settings", section="stop")


def wanted(who: Agency) -> list[EmergencyStopRequested]:
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'switch.set'",
            t=scope.tenant_id,
        ).all()
        return [
            outbox.rebuild_event(EmergencyStopRequested, scope.tenant_id, row.subject_id, row.args)
            for row in rows
        ]


def test_one_member_sets_a_stop_and_its_reason_is_shown(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="stop")
        page.type("Motif", "compte volé")
        assert "deux secondes" in page.press("Arrêter : Toute l’agence")
        [asked] = wanted(lumiere)
        handle_stop_request(asked, tenant=tenant)
        text = page.open("/settings", section="stop")
        assert "À l’arrêt depuis" in text
        assert "compte volé" in text
        for path in ("/", "/calendar"):
            assert "sont suspendus jusqu’à sa levée" in page.open(path)
    with lumiere.scope() as scope:
        assert emergency_stops.is_stopped(scope, "sending")


def test_one_account_or_a_whole_platform_is_stopped(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("demain")
    with lumiere.scope() as scope:
        own = channel_reads.list_channels(scope)[0]
    spoken = load_catalogue("fr")[f"platform.{own.platform}"]
    for choice, where, target in (
        ("Mia", "creator", str(lumiere.creator_id)),
        (f"Mia : {own.name} sur {spoken}", "channel", str(own.id)),
        (f"Tout {spoken}", "platform", own.platform),
    ):
        with stream(door.url, door.cookie(lumiere)) as page:
            page.open("/settings", section="stop")
            page.choose("Arrêter", choice)
            assert "deux secondes" in page.press(f"Arrêter : {choice}")
            asked = wanted(lumiere)[-1]
            assert (asked.scope, asked.target, asked.open) == (where, target, False)
            handle_stop_request(asked, tenant=tenant)
            assert choice in page.open("/settings", section="stop")
            told = page.open(
                "/calendar"
            )  # every page shows what is stopped, and that the rest continues
            assert ("Mia" if where == "creator" else spoken) in told
            assert "packs concernés sont suspendus" in told
            assert "Publications, messages et packs sont suspendus" not in told


def test_stop_of_the_installation_cannot_be_lifted_by_an_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    emergency_stop.close_sending_switch(tenant, "clé volée")
    try:
        with stream(door.url, door.cookie(lumiere)) as page:
            text = page.open("/settings", section="stop")
            assert "Toute l’installation" in text
            assert "clé volée" in text
            assert "Lever l’arrêt" not in page.labels()
            assert "sont suspendus jusqu’à sa levée" in page.open("/calendar")
        with lumiere.scope() as scope:
            assert emergency_stops.is_stopped(scope, "sending")
    finally:
        emergency_stop.reopen_sending_switch(tenant, "changée")
    with lumiere.scope() as scope:
        assert not emergency_stops.is_stopped(scope, "sending")


def test_refused_lift_is_reported_on_home(lumiere: Agency, tenant: OpenScope) -> None:
    owner = lumiere.act_as(Role.OWNER)
    for opened in (False, True):
        ask = EmergencyStopRequested(
            lumiere.tenant_id,
            uuid7(),
            "tenant",
            "",
            "sending",
            open=opened,
            by=owner,
            reason="fini",
        )
        handle_stop_request(ask, tenant=tenant)
    with lumiere.scope() as scope:
        assert emergency_stops.is_stopped(scope, "sending")
        assert [one.message.code for one in list_open_notices(scope)] == ["switch.alone_too_early"]


def test_two_members_lift_a_stop_of_the_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    def ask(role: Role, *, opened: bool) -> bool:
        by = lumiere.act_as(role)
        wish = EmergencyStopRequested(
            lumiere.tenant_id, uuid7(), "tenant", "", "sending", open=opened, by=by, reason="fini"
        )
        handle_stop_request(wish, tenant=tenant)
        with lumiere.scope() as scope:
            return not emergency_stops.is_stopped(scope, "sending")

    assert not ask(Role.OWNER, opened=False)
    assert not ask(Role.OWNER, opened=True)
    assert not ask(Role.OWNER, opened=True)  # the same member twice counts once
    assert ask(Role.MANAGER, opened=True)
    with lumiere.scope() as scope:
        assert list_open_notices(scope) == []
    assert not ask(Role.OWNER, opened=False)
    assert not ask(Role.MANAGER, opened=True)  # requests from before this stop do not count
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "a demandé la levée d’un arrêt d’urgence" in page.open("/system")
        page.open("/settings", section="stop")
        assert "Indiquez pourquoi" in page.press("Lever l’arrêt")
