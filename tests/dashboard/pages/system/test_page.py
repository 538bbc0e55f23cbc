"""The System page: only failed jobs of the agency, retry and discard, emergency stops set and
lifted."""

import ast
from datetime import timedelta

import pytest

from dashboard.pages.system import audit_log
from foundation.db.database import OpenScope
from foundation.i18n.translation import load_catalogue
from foundation.ids import uuid7
from foundation.outbox import outbox
from gate.policy.events import EmergencyStopRequested
from tenants import audit
from tenants.agencies.rights import Role
from tests.architecture.tree import product
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream

HOURS = timedelta(hours=2, minutes=5)


def given_up(who: Agency) -> str:
    """Create a failed job of this agency and return its short ID."""
    with who.scope() as scope:
        subject = uuid7()
        outbox.put(
            scope,
            EmergencyStopRequested(
                scope.tenant_id, subject, "tenant", "", "sending", open=False, by="x", reason="x"
            ),
        )
        row = scope.run(
            "UPDATE outbox SET state = 'dead', tries = 5, last_error = 'Canary' WHERE subject_id "
            "= :s RETURNING id",
            s=subject,
        ).scalar_one()
    return str(row.hex[-8:])


def test_repeated_acts_are_one_line(door: Door, lumiere: Agency) -> None:
    for role, times in ((Role.MANAGER, 1), (Role.OWNER, 120), (Role.MANAGER, 2)):
        with lumiere.scope(lumiere.act_as(role)) as scope:
            for _ in range(times):
                audit.record(scope, "asset.cleared", "asset:1")
    with lumiere.scope() as scope:
        recent = audit.list_audit_records(scope, audit.AuditFilter(), limit=200)
    found = [(one.record.actor, one.times) for one in audit_log.group_repeated_acts(recent)][:3]
    hands = [lumiere.act_as(role) for role in (Role.MANAGER, Role.OWNER, Role.MANAGER)]
    assert found == list(zip(hands, (2, 120, 1), strict=True))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "120 fois" in page.open("/system")


def test_failed_job_is_retried_or_discarded(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant)
    mine, theirs = given_up(lumiere), given_up(other)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/system")
        assert mine in text
        assert theirs not in text
        assert "Tâche relancée" in page.press("Réessayer")
    with lumiere.scope() as scope:
        assert outbox.list_dead(scope) == []
    given_up(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/system")
        assert "Tâche abandonnée" in page.press("Abandonner")
    with lumiere.scope() as scope, other.scope() as elsewhere:
        assert (outbox.list_dead(scope), len(outbox.list_dead(elsewhere))) == ([], 1)


def test_late_jobs_are_reported(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        wish = EmergencyStopRequested(
            scope.tenant_id, uuid7(), "tenant", "", "sending", open=False, by="x", reason="x"
        )
        outbox.put(scope, wish)
        scope.run(
            "UPDATE outbox SET available_at = :at WHERE tenant_id = :t",
            at=scope.now - HOURS,
            t=scope.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Des tâches attendent depuis 2\xa0heures" in page.open("/system")


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_other_roles_do_not_see_the_page(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Files d’attente" not in page.open("/system")


def test_every_recorded_act_has_a_sentence() -> None:
    acts = {
        call.args[1].value
        for source in product()
        for call, name in source.calls()
        if name.endswith("audit.record") and isinstance(call.args[1], ast.Constant)
    }
    assert acts
    assert {f"audit.{act}" for act in acts} <= set(load_catalogue("fr"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_sentence_of_an_act_has_no_parameters(language: str) -> None:
    """Repeated acts of a member share one line whatever they concern, so the page has no values to
    fill in. Regression: the page failed after an account was disconnected, because its sentence
    named the account."""
    said = {
        code: sentence
        for code, sentence in load_catalogue(language).items()
        if code.startswith("audit.")
    }
    assert said
    assert [code for code, sentence in said.items() if "{" in sentence] == []
