"""Webhooks on the Settings page: added, secret shown once, tested, paused, deleted."""

import re

import pytest

from tenants.agencies.rights import Role
from tenants.webhooks import endpoints
from tenants.webhooks.outgoing_calls import list_calls
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream

SECRET = re.compile(r"whs_[\w-]{43}")


def added(page: Stream) -> str:
    """Add a webhook and return the text of the page."""
    page.open("/settings", section="webhooks")
    page.type("Nom du webhook", "CRM <b>")
    page.type("URL", "https://crm.example/hook")
    return page.press("Ajouter un webhook")


def test_owner_adds_tests_pauses_and_deletes_a_webhook(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = added(page)
        assert len(set(SECRET.findall(text))) == 1
        assert "CRM &lt;b&gt;" in text
        text = page.press("Ajouter un webhook")
        assert "un nom" not in text, "a double click is not refused, and adds no second webhook"
        assert not SECRET.search(page.press("Je l’ai copié"))
        assert "test · nouvelle tentative prévue" in page.press("Envoyer un test")
        with lumiere.scope() as scope:
            (hook,) = endpoints.list_webhooks(scope)
            (call,) = list_calls(scope, hook.id)
            scope.run(
                "UPDATE hook_calls SET state = 'dead', tries = 9, status = 500 WHERE id = :id",
                id=call.id,
            )
        assert "en échec · tentatives : 9 · HTTP 500" in page.open("/settings", section="webhooks")
        assert "nouvelle tentative prévue" in page.press("Renvoyer les appels en échec")
        first = set(SECRET.findall(page.press("Renouveler le secret")))
        assert len(first) == 1
        assert "Signé avec les deux secrets" in page.open("/settings", section="webhooks")
        assert "en pause" in page.press("Mettre en pause")
        assert page.find("Envoyer un test").drawn.disabled
        page.press("Supprimer le webhook")
    with lumiere.scope() as scope:
        assert endpoints.list_webhooks(scope) == []


def test_failed_call_is_resent_despite_many_later_calls(door: Door, lumiere: Agency) -> None:
    """A call fails for good after a day, when a busy agency has sent hundreds of others."""
    with stream(door.url, door.cookie(lumiere)) as page:
        added(page)
        with lumiere.scope() as scope:
            (hook,) = endpoints.list_webhooks(scope)
        for number in range(12):
            page.press("Envoyer un test")
            with lumiere.scope() as scope:
                state, tries = ("dead", 9) if number == 0 else ("taken", 1)
                told = (
                    "UPDATE hook_calls SET state = :state, tries = :tries WHERE state = 'waiting'"
                )
                scope.run(told, state=state, tries=tries)
        with lumiere.scope() as scope:
            shown = list_calls(scope, hook.id, limit=5)
        assert [call.state for call in shown] == ["taken"] * 5 + ["dead"]
        assert "en échec · tentatives : 9" in page.open("/settings", section="webhooks")
        page.press("Renvoyer les appels en échec")
    with lumiere.scope() as scope:
        assert "dead" not in {call.state for call in list_calls(scope, hook.id, limit=20)}


def test_double_click_adds_one_webhook(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="webhooks")
        page.type("Nom du webhook", "CRM")
        page.type("URL", "https://crm.example/hook")
        page.press_twice("Ajouter un webhook")
    with lumiere.scope() as scope:
        assert len(endpoints.list_webhooks(scope)) == 1


def test_invalid_url_is_refused(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="webhooks")
        page.type("Nom du webhook", "CRM")
        page.type("URL", "http://10.0.0.1/")
        text = page.press("Ajouter un webhook")
        assert "https://" in text
        assert not SECRET.search(text)


@pytest.mark.parametrize("role", [Role.MANAGER])
def test_manager_sees_no_webhooks(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        added(page)
    with stream(door.url, door.cookie(lumiere, role)) as page:
        text = page.open("/settings", section="webhooks")
    assert "crm.example" not in text
    assert "Ajouter un webhook" not in text
