"""Alerts: each member sees those of their role and creators, acknowledges and snoozes them, and a
member who runs the agency edits rules and sees how often they would have alarmed."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from foundation.ids import uuid7
from insights.alerts import rules
from insights.alerts.models import AlertRow
from insights.alerts.rules import RuleSettings
from insights.alerts.states import AlertKind, AlertRoute
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream


def open_alert(who: Agency, kind: AlertKind = AlertKind.ANOMALY, metric: str = "views") -> UUID:
    """Open an alert as a check does, and return its ID."""
    alert_id = uuid7()
    with who.scope() as scope:
        scope.add(
            AlertRow(
                tenant_id=scope.tenant_id,
                id=alert_id,
                rule_id=uuid7(),
                kind=str(kind),
                metric=metric if kind is AlertKind.ANOMALY else "",
                currency="EUR" if metric == "net" else "",
                creator_id=who.creator_id,
                series=f"{who.creator_id}:{alert_id}",
                day=scope.now.date(),
                since=scope.now - timedelta(days=5),
                expected=123_456 if kind is AlertKind.ANOMALY else None,
                seen=61_728,
                data_at=scope.now - timedelta(hours=2),
            )
        )
    return alert_id


@pytest.fixture
def page(door: Door, lumiere: Agency) -> Iterator[Stream]:
    with stream(door.url, door.cookie(lumiere)) as opened:
        yield opened


def test_alert_says_what_is_expected_and_measured_and_links_to_its_remedy(
    page: Stream, lumiere: Agency
) -> None:
    open_alert(lumiere, metric="net")
    open_alert(lumiere, AlertKind.WAITING_CHATS)
    text = page.open("/notifications", section="alerts")
    assert "Alertes ouvertes : 2" in text
    assert "50 % sous le niveau attendu" in text
    assert "1 234,56" in text.replace("\u202f", " ").replace("\xa0", " ")
    assert 'href="/insights"' in text
    assert 'href="/inbox"' in text


def test_acknowledged_and_snoozed_alerts_stay_in_the_list(page: Stream, lumiere: Agency) -> None:
    open_alert(lumiere)
    page.open("/notifications", section="alerts")
    assert "Alerte prise en charge" in page.press("Prendre en charge")
    assert "prise en charge par" in page.again()
    page.press("Notifier à nouveau")
    page.again()
    page.menu("Mettre en veille", "3 jours")
    assert "en veille jusqu’au" in page.again()
    assert "Alertes ouvertes : 1" in page.again()


def test_each_role_sees_the_alerts_of_its_pages(door: Door, lumiere: Agency) -> None:
    open_alert(lumiere, metric="net")
    open_alert(lumiere, AlertKind.WAITING_CHATS)
    seen = {}
    for role in (Role.CHATTER, Role.ACCOUNTANT, Role.CREATOR):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/notifications", section="alerts")
            seen[role] = ('href="/inbox"' in text, 'href="/insights"' in text)
            assert page.labels("button").count("Acknowledge") == 0
            assert page.labels("button").count("Prendre en charge") == 0
    assert seen == {
        Role.CHATTER: (True, False),
        Role.ACCOUNTANT: (False, True),
        Role.CREATOR: (False, True),
    }


def test_rule_is_tested_added_changed_and_reset(page: Stream, lumiere: Agency) -> None:
    page.open("/notifications", section="alerts")
    assert "63 jours" in page.again()
    page.choose("Modifier une règle", "Ajouter une règle")
    page.choose("Que vérifier", "Limite d’une statistique")
    page.choose("Statistique", "Ventes nettes")
    page.type("Limite", "abc")
    assert "sous forme de nombre" in page.press("Ajouter la règle")
    page.type("Limite", "250")
    assert "Pas assez de données" in page.press("Tester sur le passé")
    assert "Règle d’alerte ajoutée" in page.press("Ajouter la règle")
    with lumiere.scope() as scope:
        added = rules.list_rules(scope)[-1]
    assert (added.settings.threshold, added.settings.currency) == (25_000, "EUR")
    page.choose("Modifier une règle", "Remboursements en 24 heures")
    page.type("Remboursements en 24 heures, au moins", "7")
    page.choose("Notification", "Dans cette liste")
    assert "Règle d’alerte enregistrée" in page.press("Enregistrer la règle")
    assert changed(lumiere) == (7, AlertRoute.LIST)
    page.choose("Modifier une règle", "Remboursements en 24 heures")
    page.type("Pas de notification à partir de", "22:00")
    assert "Indiquez le début et la fin" in page.press("Enregistrer la règle")
    page.press("Rétablir les valeurs fournies")
    assert changed(lumiere) == (3, AlertRoute.NOW)


def test_limited_member_changes_only_rules_of_their_creators(page: Stream, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        other = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="virtual", zone=ZONE, languages=["fr"]
        )
        views = RuleSettings(AlertKind.ANOMALY, "views", lumiere.creator_id)
        mine = rules.add_rule(scope, uuid7(), views)
        rules.add_rule(scope, uuid7(), RuleSettings(AlertKind.ANOMALY, "likes", other))
        before = rules.list_rules(scope)
    page.open("/notifications", section="alerts")
    page.choose("Modifier une règle", "Remboursements en 24 heures")
    limit_members(lumiere, "zoe")
    assert "Cette règle concerne toute l’agence" in page.press("Enregistrer la règle")
    limit_members(lumiere, "mia")
    page.open("/notifications", section="alerts")
    page.choose("Modifier une règle", "Remboursements en 24 heures")
    assert "Cette règle concerne toute l’agence" in page.again()
    assert "Enregistrer la règle" not in page.labels("button")
    assert "J’aime" not in page.again()
    with lumiere.scope() as scope:
        assert rules.list_rules(scope) == before
        assert mine in before


def limit_members(who: Agency, slug: str) -> None:
    with who.scope() as scope:
        scope.run(
            "UPDATE members SET creators = CAST(:creators AS jsonb) WHERE tenant_id = :t",
            creators=f'["{slug}"]',
            t=scope.tenant_id,
        )


def changed(who: Agency) -> tuple[int | None, AlertRoute]:
    with who.scope() as scope:
        rule = next(one for one in rules.list_rules(scope) if one.code == "refund_burst")
    return rule.settings.threshold, rule.settings.route
