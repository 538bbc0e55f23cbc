"""Webhooks of platforms on the Settings page: their address, signing secret and last event."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle, oauth_clients
from channels.listening import app_webhooks
from connectors.contract.connector import OAuthClient
from foundation.ids import derived_uuid, uuid7
from tenants.agencies.rights import Role
from tenants.vault import sealed_intake
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import MASTER, PUBLIC, Door
from tests.dashboard.streamlit_client import stream

SECRET = "whsec_" + "c0ffee" * 8
TITLE, BOX, TAKE = "Webhooks des plateformes", "Secret de signature", "Activer le webhook"


def application(lumiere: Agency, platform: str = "fanvue") -> UUID:
    with lumiere.scope() as scope:
        oauth_clients.store_oauth_client(scope, platform, OAuthClient("client-1"))
    return derived_uuid(platform, "client-1")


def known(lumiere: Agency) -> app_webhooks.CalledApp:
    with lumiere.scope() as scope:
        (found,) = app_webhooks.list_applications(scope)
    return found


def test_webhook_secret_is_added_replaced_and_removed(door: Door, lumiere: Agency) -> None:
    made = application(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/settings", section="applications")
        assert f"{PUBLIC}/hooks/fanvue/{lumiere.tenant_id}/{made}" in text
        assert "client-1" in text
        page.type(BOX, f" {SECRET} ")
        assert "Aucun évènement reçu" in page.press(TAKE)
        first = known(lumiere).letter
        assert first is not None
        assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, first.box) == {
            app_webhooks.CALL_SECRET_FIELD: SECRET
        }
        with lumiere.scope() as scope:
            app_webhooks.record_call(scope, made)
        assert "Dernier évènement reçu" in page.open("/settings", section="applications")
        page.type(BOX, SECRET[::-1])
        page.press("Remplacer le secret")
        second = known(lumiere).letter
        assert second is not None
        assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, second.box) == {
            app_webhooks.CALL_SECRET_FIELD: SECRET[::-1]
        }
        page.press("Désactiver le webhook")
        assert SECRET not in page.open("/settings", section="applications")
    assert known(lumiere).letter is None
    assert SECRET not in door.log.read_text("utf-8")


def test_registered_and_missing_applications_are_listed(door: Door, lumiere: Agency) -> None:
    application(lumiere, "youtube")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/settings", section="applications")
    assert "L’application client-1 est enregistrée." in text
    assert "Aucune application." in text


@pytest.mark.parametrize("typed", ["", "short", "with blanks in its middle", "é" * 40])
def test_invalid_secret_is_reported(door: Door, lumiere: Agency, typed: str) -> None:
    application(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="applications")
        page.type(BOX, typed)
        assert "Secret de signature invalide" in page.press(TAKE)
    assert known(lumiere).letter is None


def test_agency_without_such_application_sees_no_webhooks(door: Door, lumiere: Agency) -> None:
    application(lumiere, "reddit")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert TITLE not in page.open("/settings", section="applications")


def test_meta_accounts_show_their_subscription_state(door: Door, lumiere: Agency) -> None:
    names = {"on": "Nova", "refused": "Luna", "off": "Lyra"}
    with lumiere.scope() as scope:
        for state, name in names.items():
            channel_id = lifecycle.connect_account(
                scope,
                creator_id=lumiere.creator_id,
                platform="facebook",
                surface="facebook.page",
                account=str(uuid7().int),
                name=name,
                base_url="https://facebook.test",
                token=None,
                zone="UTC",
            )
            scope.run(
                "INSERT INTO call_subscriptions (tenant_id, id, channel_id, state, reason, "
                "generation, due_at,"
                " called_at) VALUES (:t, :id, :c, :state, CAST(:why AS jsonb), 0, house_now(), "
                ":called)",
                t=lumiere.tenant_id,
                id=uuid7(),
                c=channel_id,
                state=state,
                why='{"code": "calls.right_missing", "params": {}}' if state == "refused" else None,
                called=scope.now if state == "on" else None,
            )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/settings", section="applications")
    assert f"{PUBLIC}/hooks/meta" in text
    for said in (
        "Dernier évènement reçu",
        "pages_manage_metadata",
        "interroge le compte régulièrement",
        *names.values(),
    ):
        assert said in text


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER])
def test_other_roles_do_not_see_webhooks(door: Door, lumiere: Agency, role: Role) -> None:
    application(lumiere)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert TITLE not in page.open("/settings", section="applications")
