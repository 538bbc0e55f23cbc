"""Retention: expired rows are deleted in batches with an audit entry; requests, seals and blocks
keep rows."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.exc import SQLAlchemyError

from foundation.db import retention
from foundation.db.database import Database, OpenScope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.settings import Settings
from foundation.outbox import inbox, outbox
from gate.contract.units import Medium
from gate.log.models import DecisionInput
from gate.people.models import Person
from gate.permits import issuance
from gate.ratings import seals
from gate.removal import installation_reports, recall, receipts, removal_requests
from gate.removal.receipts import SubmittedForm
from gate.viewers import age_assurance
from subscribers import retention as chat_keeping
from tenants import audit
from tenants.notices import notices
from tenants.retention import RetentionDue
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, picture, unit, world
from workers.doctor.retention_backlog import check_retention_backlog
from workers.event_handlers import retention as house_keeping

DAY, YEAR = timedelta(days=1), timedelta(days=366)


@pytest.fixture
def house(tenant: OpenScope) -> Iterator[World]:
    found = world(tenant, uuid7())
    yield found
    move(found, -moved.pop(found.tenant_id, timedelta()))


moved: dict[Any, timedelta] = {}


def move(house: World, by: timedelta) -> None:
    moved[house.tenant_id] = moved.get(house.tenant_id, timedelta()) + by
    with house.open(INSTALLATION_ID, "system:test", role="relay") as scope:
        scope.run("SELECT house_shift(:by)", by=by)


def run(house: World, **sizes: int) -> None:
    house_keeping.delete_expired_rows(
        RetentionDue(house.tenant_id, house.tenant_id), tenant=house.open, **sizes
    )


def count(house: World, table: str, where: str = "true") -> int:
    """Count the rows of this tenant only, because rows of the installation are visible to every
    tenant."""
    with house.scope() as scope:
        query = f"SELECT count(*) FROM {table} WHERE tenant_id = :tenant AND {where}"
        return int(scope.run(query, tenant=house.tenant_id).scalar_one())


def sent(house: World, medium: Medium | None = None) -> Any:
    with house.scope() as scope:
        whole = unit(house, media=(medium,) if medium else ())
        permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{house.ann}")
    with house.scope() as scope:
        issuance.record_copy(scope, permit.jti, str(permit.jti), scope.now)
    return permit


def test_decision_inputs_expire_after_thirty_days_and_the_log_stays(house: World) -> None:
    sent(house)
    move(house, 29 * DAY)
    run(house)
    assert count(house, "decision_inputs") == 1
    move(house, 2 * DAY)
    with house.scope() as scope:
        assert house_keeping.count_expired_rows(scope)["decision_inputs"] == 1, (
            "the doctor reports what would be deleted"
        )
    assert count(house, "decision_inputs") == 1, "and deletes nothing"
    run(house)
    assert (count(house, "decision_inputs"), count(house, "decisions")) == (0, 1)
    with house.scope() as scope:
        (line,) = [act for act in audit.list_recent_acts(scope) if act.act == "rows.purged"]
        assert (line.about, line.details["count"], line.actor) == (
            "table:decision_inputs",
            1,
            "system:keeping",
        )
        assert isinstance(
            issuance.decision_log.verify_chain(scope), issuance.decision_log.ChainIntact
        )


def test_retention_starts_with_the_last_use(house: World) -> None:
    with house.scope() as scope:
        whole = unit(house)
        issuance.judge_unit(scope, whole, author=f"member:{house.ann}")
    move(house, 20 * DAY)
    with house.scope() as scope:
        issuance.judge_unit(scope, whole, author=f"member:{house.ann}")
    move(house, 20 * DAY)
    run(house)
    assert count(house, "decision_inputs") == 2
    move(house, 11 * DAY)
    run(house)
    assert count(house, "decision_inputs") == 0


@pytest.mark.parametrize("held", ["seal", "request"])
def test_sealed_or_requested_rows_are_kept(house: World, held: str) -> None:
    with house.scope() as scope:
        medium, other = picture(scope, house), picture(scope, house)
    held_copy = sent(house, medium)
    free = sent(house, other)
    with house.scope() as scope:
        if held == "seal":
            seals.seal_bytes(scope, medium.sha256, by="system:test")
        else:
            removal_requests.receive_removal_request(
                scope,
                creator_id=house.creator_id,
                category="other",
                named="p",
                digests=[medium.sha256],
                source="s",
            )
    for each in (held_copy, free):
        with house.scope() as scope:
            issuance.record_removed(scope, each.jti, proof="test")
    move(house, 6 * YEAR)
    run(house)
    assert count(house, "decision_inputs") == 1
    assert count(house, "permits") == 1
    assert count(house, "permits", f"media ? '{medium.sha256}'") == 1


def test_possibly_visible_copy_is_kept_forever(house: World) -> None:
    sent(house)
    move(house, 20 * YEAR)
    run(house)
    assert count(house, "permits") == 1


def test_decided_request_expires_after_five_years_but_its_block_stays(house: World) -> None:
    with house.scope() as scope:
        plain, blocked = picture(scope, house), picture(scope, house)
        for medium in (plain, blocked):
            removal_requests.receive_removal_request(
                scope,
                creator_id=house.creator_id,
                category="other",
                named="p",
                digests=[medium.sha256],
                source="s",
            )
    with house.scope(f"member:{house.rob}") as scope:
        found = {row.digests[0]: row.id for row in scope.run("SELECT id, digests FROM complaints")}
        removal_requests.reject_removal_request(scope, found[plain.sha256], because="unfounded")
        removal_requests.uphold_removal_request(scope, found[blocked.sha256])
    move(house, 4 * YEAR)
    run(house)
    assert (count(house, "complaints"), count(house, "rulings")) == (2, 2)
    move(house, 2 * YEAR)
    run(house)
    assert (count(house, "complaints"), count(house, "rulings"), count(house, "blocklist")) == (
        1,
        1,
        1,
    )
    with house.scope() as scope:
        assert not recall.unblock_bytes(scope, plain.sha256)


def test_installation_reports_and_contacts_expire_after_five_years(
    house: World,
) -> None:
    forms = ["looked-for", "not-yet"]
    with house.open(INSTALLATION_ID, "system:test", role="door") as scope:
        for form in forms:
            given = SubmittedForm("", "on some page", False, form=form)
            installation_reports.receive_report(
                scope,
                receipt=form,
                pin_hash="-",
                category="other",
                given=given,
                looks=[],
                source=str(house.tenant_id),
            )
            installation_reports.store_contact(scope, form, b"sealed")
    with house.open(INSTALLATION_ID, "system:test") as scope:
        installation_reports.record_found_requests(
            scope, installation_reports.find_report_by_receipt(scope, forms[0]).id, []
        )

    def left() -> tuple[list[str], int]:
        with house.open(INSTALLATION_ID, "system:test") as scope:
            stand = [
                form
                for form in forms
                if installation_reports.report_form_digest(scope, form) is not None
            ]
            return stand, sum(
                installation_reports.sealed_contact(scope, receipts.form_digest(form)) is not None
                for form in forms
            )

    for by, stand in (
        (4 * YEAR, (forms, 2)),
        (2 * YEAR, (forms[1:], 0)),
    ):  # an unprocessed report is kept
        move(house, by)
        house_keeping.delete_expired_rows(
            RetentionDue(INSTALLATION_ID, INSTALLATION_ID), tenant=house.open
        )
        assert left() == stand


def test_blocked_viewer_is_kept_forever(house: World) -> None:
    with house.scope() as scope:
        age_assurance.block_viewer(scope, "sandbox", "vun")
        age_assurance.mark_suspected_minor(scope, "sandbox", "vmaybe")
    move(house, 20 * YEAR)
    run(house)
    with house.scope() as scope:
        assert not age_assurance.get_assurance(scope, "sandbox", "vun").can_be_messaged
        assert not age_assurance.get_assurance(scope, "sandbox", "vmaybe").can_be_messaged


def test_inbox_notices_and_audit_expire_separately(house: World) -> None:
    with house.scope() as scope:
        inbox.receive(scope, "sandbox:1", "a", {"x": 1})
        notices.put(scope, Message("asset.suspected"), cause="open")
        notices.put(scope, Message("asset.suspected"), cause="settled")
        notices.close(scope, "settled")
        audit.record(scope, "test.done", "test:1")
    for after, left in ((80, (1, 2, 1)), (20, (0, 2, 1)), (300, (0, 1, 1)), (366 * 5, (0, 1, 0))):
        move(house, after * DAY)
        run(house)
        done = count(house, "audit_entries", "act = 'test.done'")
        assert (count(house, "inbox"), count(house, "notices"), done) == left, after


def test_database_refuses_deletion_before_expiry(house: World) -> None:
    with house.scope() as scope:
        audit.record(scope, "test.done", "test:1")
    with house.open(house.tenant_id, "system:test", role="gate") as scope:
        assert scope.run("DELETE FROM audit_entries").rowcount == 0
    with pytest.raises(SQLAlchemyError), house.scope() as scope:
        scope.run("DELETE FROM audit_entries")
    move(house, 6 * YEAR)
    with house.open(house.tenant_id, "system:test", role="gate") as scope:
        assert scope.run("DELETE FROM audit_entries").rowcount == 1


def test_many_rows_are_deleted_in_independent_batches(house: World) -> None:
    with house.scope() as scope:
        for number in range(25):
            inbox.receive(scope, "sandbox:1", str(number), {})
    move(house, 100 * DAY)
    with pytest.raises(outbox.RetryLater):
        run(house, batch=5, batches=3)
    assert count(house, "inbox") == 10
    run(house, batch=5, batches=3)
    assert count(house, "inbox") == 0
    with house.scope() as scope:
        lines = [
            act.details["count"]
            for act in audit.list_recent_acts(scope)
            if act.about == "table:inbox"
        ]
    assert lines == [5] * 5


def test_rows_of_another_tenant_stay(house: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    for each in (house, other):
        with each.scope() as scope:
            inbox.receive(scope, "sandbox:1", "a", {})
    move(house, 100 * DAY)
    run(house)
    assert (count(house, "inbox"), count(other, "inbox")) == (0, 1)


def test_every_table_with_a_period_has_a_rule_or_a_reason() -> None:
    from tests.architecture.test_tables import MODELS  # it imports every model

    ruled = {rule.table for rule in house_keeping.ALL_RETENTION_RULES}
    money = {
        "orders",
        "payments",
        "fulfilments",
        "entitlements",
        "refunds",
        "split_rules",
        "revenue_parties",
        "payouts",
        "cost_entries",
        "ledger_transactions",
    }
    money |= {
        "ledger_entries",
        "month_closes",
        "statements",
        "statement_lines",
        "rail_lines",
        "rail_readings",
    }
    money |= {"subscriptions", "subscription_months", "acquisition_touches"}
    elsewhere = {"age_assurances", "age_checks", "app_days", "login_failures", "passkey_asks"}
    elsewhere |= {"setup_links"}  # of the installation, deleted when a new link or owner exists
    of_fans = {
        "fans",
        "fan_identities",
        "fan_facts",
        "conversations",
        "conversation_moves",
        "drafts",
        "messages",
    }
    of_fans |= {"offers", "fan_notes", "remarks"}  # erased with the fan
    of_fans |= {"fan_memories", "conversation_summaries", "fan_scores", "message_sentiments"}
    of_fans |= {"pack_recommendations"}
    published = {
        "assets",
        "asset_parts",
        "renditions",
        "content_ratings",
        "depiction_answers",
        "shoot_cards",
        "shoot_card_assets",
        "inspections",
    }
    published |= {
        "link_targets",
        "likenesses",
        "face_searches",
    }  # no end of publication is recorded for them
    found = set()
    for model in MODELS:
        table = model.values[0]
        if (
            retention._PERIOD.search(table.info["keep"])
            and table.info["keep"].split(":")[0] != "forever"
        ):
            found.add(table.name)
    assert found == ruled | money | elsewhere | of_fans | published


def test_retention_periods_come_from_the_tables() -> None:
    periods = {rule.table: rule.period for rule in house_keeping.ALL_RETENTION_RULES}
    assert periods["decision_inputs"] == "30 days"
    assert periods["permits"] == "5 years"
    assert periods["attempts"] == "18 months"
    endless = retention.RetentionRule(Person, "o.created_at")
    with pytest.raises(ValueError, match="no period"):
        _ = endless.period
    assert retention.RetentionRule(DecisionInput, "o.created_at").table == "decision_inputs"


def test_doctor_reports_expired_rows_and_deletes_nothing(
    cluster: Cluster, database: Database, house: World
) -> None:
    with house.scope() as scope:
        inbox.receive(scope, "sandbox:1", "a", {})
    move(house, 100 * DAY)
    settings = Settings.model_validate(
        {"database": {"work_url": cluster.url("greenroom_work", "house")}}
    )
    (said,) = [
        one
        for one in check_retention_backlog(settings)
        if one.part == f"keeping Agency {house.tenant_id}"
    ]
    assert (said.message.code, said.message.params["tables"]) == ("keeping.due", "inbox 1")
    assert count(house, "inbox") == 1
    assert not list(
        check_retention_backlog(Settings.model_validate({"database": {"work_url": ""}}))
    )


def test_erasure_of_inactive_fans_accepts_an_empty_agency(house: World) -> None:
    with house.scope() as scope:
        assert chat_keeping.erase_inactive_fans(scope, most=10) == 0
