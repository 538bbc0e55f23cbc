"""The demo: a second seeding changes nothing, its figures match the ledger, other agencies do not
see it, and its removal is complete."""

import base64
import contextlib
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from channels.accounts import queries as channel_reads
from channels.manual_tasks import assignees
from dashboard.pages.start import agency_setup
from dashboard.pages.start.agency_setup import AgencySetup
from dashboard.shell.session import Viewer
from demo.agency import (
    accounting,
    backfill,
    channel_accounts,
    daily_totals,
    history,
    lifecycle,
    teardown,
)
from demo.agency.cast import (
    BOREAL,
    CONSENTING_PARTNER_PICTURE,
    DEMO_AGENCIES,
    LUMIERE,
    MIA,
    NOVA,
    SACHA,
    SECOND_PERSON_PICTURE,
    CreatorProfile,
)
from foundation.db.database import OpenScope, Scope
from foundation.errors import NotFound, Refused
from foundation.ops.clock import monotonic
from foundation.ops.settings import DatabaseSettings, Settings, TenantsSettings
from foundation.ops.wall_time import local_day
from foundation.storage.object_store import FileStore
from gate.contract.units import Rating
from gate.log import queries as gate_reads
from gate.ratings import ratings
from insights.analysis import ab_test_verdicts, timing
from insights.analysis.ab_test_verdicts import VerdictKind
from insights.metrics import followers
from insights.reports import daily_report
from insights.rollups import daily_rollups
from insights.rollups import queries as insight_reads
from sandbox import store as sandbox_forgetting
from sandbox import store as sandbox_store
from sandbox.store import SandboxStore
from schedules.approvals import review_queue
from schedules.posts import deliveries
from schedules.posts import queries as schedule_reads
from schedules.posts.queries import DeliveryEntry
from schedules.posts.states import DeliveryState
from schedules.recurrence import ab_tests
from studio.library import assets
from studio.packs import packs
from subscribers.conversations import queries as subscriber_reads
from subscribers.fans import directory
from subscribers.ledger import entries as ledger
from subscribers.ledger import month_close
from subscribers.ledger.entries import SplitShares
from subscribers.replies import persona
from subscribers.statements import file_reader, sample_file
from subscribers.subscriptions import renewals
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.notices.queries import list_open_notices
from tests.conftest import Cluster

pytestmark = pytest.mark.heavy

SAMPLED = (1, 2, 17, 60, 119)
"""Days before today."""

SHARES = SplitShares(agency=4000, creator=6000, chatter=1000)


def settings_of(cluster: Cluster, home: Path) -> Settings:
    return Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(
            owner_url=cluster.url("greenroom_owner", "house"),
            work_url=cluster.url("greenroom_work", "house"),
            pages_url=cluster.url("greenroom_pages", "house"),
        ),
        tenants=TenantsSettings(master_key=base64.b64encode(secrets.token_bytes(32)).decode()),
    )


@pytest.fixture(scope="module")
def settings(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Return the settings of an installation with the demo."""
    found = settings_of(cluster, tmp_path_factory.mktemp("demo"))
    started = monotonic()
    lifecycle.seed_demo(found)
    # informative, not asserted
    print(f"\nthe demo was seeded in {monotonic() - started:.1f} s")  # noqa: T201  see above
    yield found
    lifecycle.remove_demo(found)


@pytest.fixture
def lumiere(settings: Settings, tenant: OpenScope) -> Iterator[Scope]:
    """Open a scope of the first agency."""
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        yield scope


def creator_of(scope: Scope, part: CreatorProfile) -> UUID:
    return tenant_reads.get_creator(scope, part.slug).id


def days_back(scope: Scope, back: int) -> date:
    return local_day(scope.now, LUMIERE.zone) - timedelta(days=back)


def counted(settings: Settings) -> dict[str, int]:
    """Return the rows of both agencies by table."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    found: dict[str, int] = {}
    with engine.begin() as connection:
        tables = teardown._children_first(connection)
        for company in DEMO_AGENCIES:
            connection.execute(
                text("SELECT set_config('app.tenant', :t, true)"), {"t": str(company.tenant_id)}
            )
            for table in tables:
                rows = connection.execute(
                    text(f"SELECT count(*) FROM {table} WHERE tenant_id = :t"),
                    {"t": company.tenant_id},
                )
                found[table] = found.get(table, 0) + int(rows.scalar_one())
    engine.dispose()
    return {table: count for table, count in found.items() if count}


def test_demo_has_open_alerts(lumiere: Scope) -> None:
    found = lumiere.run(
        "SELECT kind, metric, count(*) AS many FROM alerts WHERE tenant_id = :t"
        " AND resolved_at IS NULL GROUP BY kind, metric",
        t=lumiere.tenant_id,
    ).all()
    assert {("threshold", "net"), ("threshold", "views")} <= {
        (one.kind, one.metric) for one in found
    }


def test_demo_has_comments_with_sentiments(lumiere: Scope) -> None:
    found = {
        (row.is_comment, row.sentiment): row.many
        for row in lumiere.run(
            "SELECT is_comment, sentiment, count(*) AS many FROM message_sentiments"
            " WHERE tenant_id = :t AND (delivery_id IS NOT NULL) = is_comment GROUP BY 1, 2",
            t=lumiere.tenant_id,
        )
    }
    assert {sentiment for is_comment, sentiment in found if is_comment} == {
        "positive",
        "neutral",
        "negative",
        "unclear",
        "unknown",
    }
    assert found[True, "positive"] > 4 * found[True, "negative"] > 100
    assert found[False, "positive"] > 100
    burst = lumiere.run(
        "SELECT f.day, c.slug FROM creator_facts f JOIN creators c ON c.tenant_id = f.tenant_id"
        " AND c.id = f.creator_id WHERE f.tenant_id = :t AND f.metric = 'negative_comments'"
        " AND f.value >= 9",
        t=lumiere.tenant_id,
    ).all()
    yesterday = local_day(lumiere.now, LUMIERE.zone) - timedelta(days=1)
    assert burst == [(yesterday, NOVA.slug)]


def test_experiments_best_times_and_churn_have_results(lumiere: Scope) -> None:
    creators = tenant_reads.list_creators(lumiere)
    (tested,) = ab_tests.tests_of_creators(lumiere, [one.id for one in creators])
    found = ab_test_verdicts.judge_test(lumiere, tested)
    assert (found.kind, found.better, tested.kept) == (VerdictKind.BETTER, "b", "b")
    assert tested.differ == {"words"}
    today = days_back(lumiere, 0)
    for part in (MIA, NOVA):
        creator = tenant_reads.get_creator(lumiere, part.slug)
        channel = channel_accounts.find_chat_channel(lumiere, part)
        uplift = timing.load_uplift(lumiere, channel.id)
        assert uplift.lacking == 0
        assert (uplift.share or 0) > 0, "chosen hours beat random ones"
        months = renewals.load_renewals(lumiere, [creator], today - timedelta(days=120), today)
        assert any(one.churn for one in months)
        assert months[-1].running > 0


def test_cast_is_complete(lumiere: Scope) -> None:
    assert tenant_reads.get_agency(lumiere).demo
    roles = sorted(member.role for member in tenant_reads.list_members(lumiere))
    assert roles == sorted(
        [Role.OWNER, Role.MANAGER, *[Role.CHATTER] * 3, Role.ACCOUNTANT, Role.GUEST]
    )
    assert [creator.name for creator in tenant_reads.list_creators(lumiere)] == [
        "Mia Laurent",
        "Nova",
        "Sacha",
    ]
    names = {
        channel.name
        for channel in channel_reads.list_creator_channels(lumiere, creator_of(lumiere, NOVA))
    }
    assert names >= {
        "Ma page",
        "Sandbox",
        "Instagram (sandbox)",
        "X (sandbox)",
        "Telegram (sandbox)",
    }
    assert "OnlyFans (manuel)" in names
    for part in (MIA, NOVA):
        speaking = persona.active_persona(lumiere, creator_of(lumiere, part))
        assert speaking is not None
        assert speaking.level == "autopilot"
    assert (
        sum(
            len(packs.list_active_packs(lumiere, creator_of(lumiere, part)))
            for part in LUMIERE.creators
        )
        == 14
    )


def test_pictures_have_a_rating_and_an_origin_label(lumiere: Scope, settings: Settings) -> None:
    for part in LUMIERE.creators:
        items = assets.list_assets(lumiere, creator_of(lumiere, part))
        assert len(items) == len(part.pictures)
        for item in items:
            assert item.label in {"drawn", "placeholder", "stand_in"}
            assert item.rating is not None
            assert item.rating.rank <= Rating.S.rank or item.label == "stand_in"
            assert FileStore(settings.objects_folder).exists(LUMIERE.tenant_id, item.sha256)


def test_files_of_sacha_lack_dates_and_consents(lumiere: Scope) -> None:
    items = assets.list_assets(lumiere, creator_of(lumiere, SACHA))
    assert len(items) == 40
    assert sum(item.taken_at is None for item in items) == 12
    made = assets.assets_by_source(
        lumiere, creator_of(lumiere, SACHA), [CONSENTING_PARTNER_PICTURE, SECOND_PERSON_PICTURE]
    )
    by_picture = {
        one.asset_id: one
        for one in gate_reads.list_missing_consents(lumiere, [item.asset_id for item in items])
    }
    assert set(by_picture) == set(made.values())
    taken_back, unknown = (
        by_picture[made[CONSENTING_PARTNER_PICTURE]],
        by_picture[made[SECOND_PERSON_PICTURE]],
    )
    assert taken_back.revoked_at is not None
    assert timedelta(hours=23) < lumiere.now - taken_back.revoked_at < timedelta(hours=25)
    assert (unknown.named, unknown.revoked_at, unknown.shown) == (False, None, 2)


def test_last_month_is_closed_and_a_statement_is_pending(
    lumiere: Scope, settings: Settings
) -> None:
    month = accounting.first_of_last_month(lumiere, LUMIERE)
    for part in LUMIERE.creators:
        found = month_close.load_ledger_month(lumiere, creator_of(lumiere, part), month).close
        assert found is not None
        assert found.unchanged
    sheet = file_reader.read_statement(
        accounting.statement_path(settings, month).read_bytes(), sample_file.SAMPLE_SOURCE
    )
    assert not sheet.unread
    assert sheet.net_by_currency()["EUR"].minor == sample_file.sample_net(month, NOVA.slug)
    waiting = [
        notice
        for notice in list_open_notices(lumiere)
        if notice.message.code == "statement.awaited"
    ]
    assert [notice.creator_id for notice in waiting] == [creator_of(lumiere, NOVA)]


def test_manual_accounts_have_a_manager_on_duty(lumiere: Scope) -> None:
    accounts = [one for one in channel_reads.list_channels(lumiere) if one.is_manual]
    assert {(one.name, one.surface) for one in accounts} == {
        ("Instagram (manuel)", "instagram"),
        ("OnlyFans (manuel)", "onlyfans"),
    }
    for one in accounts:
        assert [member.role for member in assignees.assignees_of(lumiere, one).on_duty] == [
            Role.MANAGER
        ]


def test_post_of_the_manager_is_pending_approval(lumiere: Scope) -> None:
    asked = review_queue.list_review_queue(lumiere, [creator_of(lumiere, NOVA)])
    manager = next(one for one in tenant_reads.list_members(lumiere) if one.role is Role.MANAGER)
    assert [one.author_principal for one in asked] == [manager.principal_id]


def test_second_seeding_changes_nothing(settings: Settings) -> None:
    before = counted(settings)
    started = monotonic()
    lifecycle.seed_demo(settings)
    # informative, not asserted
    print(f"\nthe demo was looked at again in {monotonic() - started:.1f} s")  # noqa: T201  see above
    assert counted(settings) == before


def test_history_is_deterministic(lumiere: Scope) -> None:
    stage = backfill.read_history_input(lumiere, LUMIERE, NOVA)
    assert history.generate_history(stage) == history.generate_history(stage)
    assert sum(part.sales.fans for part in LUMIERE.creators) == 1200
    stage = backfill.read_history_input(lumiere, LUMIERE, SACHA)
    made = daily_totals.daily_rollups(stage, history.generate_history(stage), SHARES)
    assert len(made) == SACHA.sales.days
    assert any(not day.sales for day in made), "days without sales are included"


@pytest.mark.parametrize("part", LUMIERE.creators, ids=lambda part: part.slug)
def test_past_followers_grow_to_the_current_count(
    lumiere: Scope, settings: Settings, part: CreatorProfile
) -> None:
    span = days_back(lumiere, 400), days_back(lumiere, 0)
    (told,) = followers.followers_by_day(lumiere, creator_of(lumiere, part), *span).values()
    assert len(told) == part.sales.days
    with contextlib.closing(SandboxStore(settings.home / "sandbox.sqlite")) as store:
        today = sandbox_store.count_followers(store, part.accounts[0].account)
    assert told[min(told)] < 0.97 * today < told[days_back(lumiere, 1)] < today


@pytest.mark.parametrize("back", SAMPLED)
@pytest.mark.parametrize("part", LUMIERE.creators, ids=lambda part: part.slug)
def test_report_of_a_past_day_matches_its_rows(
    lumiere: Scope, part: CreatorProfile, back: int
) -> None:
    creator_id, day = creator_of(lumiere, part), days_back(lumiere, back)
    loaded = daily_report.load_daily_report(lumiere, creator_id, day)
    daily_rollups.rebuild_day(lumiere, creator_id, day)
    rebuilt = daily_report.load_daily_report(lumiere, creator_id, day)
    assert loaded.balanced
    assert len(loaded.posts) == len(part.sales.slots)
    assert (loaded.work, loaded.sales) == (rebuilt.work, rebuilt.sales)


def test_sales_are_split_and_partly_refunded(lumiere: Scope) -> None:
    creator_id = creator_of(lumiere, NOVA)
    rail = ledger.account_balance(
        lumiere, ledger.rail_ledger_account("sandbox", "nova+key"), creator_id=creator_id
    )["XTS"]
    refunds = ledger.account_balance(lumiere, ledger.REFUNDS_ACCOUNT, creator_id=creator_id)["XTS"]
    creators = -ledger.account_balance(lumiere, ledger.CREATOR_DUE_ACCOUNT, creator_id=creator_id)[
        "XTS"
    ]
    assert rail > 0
    assert 0 < refunds < rail // 10
    assert creators * 10 == rail * 6
    entries = [
        ledger.account_balance(lumiere, account).get("XTS", 0)
        for account in (ledger.SALES_ACCOUNT, ledger.SUSPENSE_ACCOUNT)
    ]
    assert entries[0] < 0
    assert entries[1] == 0


def test_sales_grow_every_month(lumiere: Scope) -> None:
    creator_id = creator_of(lumiere, NOVA)
    months = []
    for first in (120, 90, 60, 30):
        days = insight_reads.daily_sales(
            lumiere, creator_id, days_back(lumiere, first), days_back(lumiere, first - 29)
        )
        months.append(sum(row.net.minor for rows in days.values() for row in rows))
    assert months == sorted(months)
    assert months[-1] > 2 * months[0]


def test_fan_facts_match_a_recount(lumiere: Scope) -> None:
    known = subscriber_reads.fan_facts(lumiere, creator_of(lumiere, SACHA))
    buyer = next(fan for fan in known if fan.buys)
    directory.rebuild_facts(lumiere, buyer.fan_id)
    again = subscriber_reads.fan_facts(lumiere, creator_of(lumiere, SACHA))
    assert next(fan for fan in again if fan.fan_id == buyer.fan_id) == buyer


def test_posts_are_scheduled_for_weeks_ahead(lumiere: Scope) -> None:
    creator_id, now = creator_of(lumiere, MIA), lumiere.now
    ahead = schedule_reads.entries_between(
        lumiere, creator_id, now - timedelta(hours=1), now + timedelta(days=30)
    )
    waiting = [entry for entry in ahead if entry.state is DeliveryState.SCHEDULED]
    every = 1 + len(MIA.accounts) + len(MIA.manual_accounts)
    assert len(waiting) == every + 2 * (MIA.sales.opening - 1) + MIA.sales.ahead_days


def test_agencies_do_not_see_each_other(settings: Settings, tenant: OpenScope) -> None:
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        nova = creator_of(scope, NOVA)
        sha256 = assets.list_assets(scope, nova)[0].sha256
    with tenant(BOREAL.tenant_id, "system:test") as scope:
        assert [creator.slug for creator in tenant_reads.list_creators(scope)] == ["aurore"]
        assert channel_reads.list_creator_channels(scope, nova) == []
        assert assets.list_assets(scope, nova) == []
        assert subscriber_reads.fan_facts(scope, nova) == []
        assert ledger.creator_totals(scope, nova, scope.now - timedelta(days=200), scope.now) == []
        assert ratings.effective_rating(scope, sha256) is None
        assert not FileStore(settings.objects_folder).exists(BOREAL.tenant_id, sha256)


def test_owner_link_opens_one_session(settings: Settings, tenant: OpenScope) -> None:
    link = lifecycle.owner_link(settings)
    assert link.startswith(f"{settings.dashboard.public_url}/auth/link/")
    secret = link.rpartition("/")[2]
    who = sessions.find_session(tenant, sessions.redeem_sign_in_link(tenant, secret))
    assert who is not None
    assert who[0] == LUMIERE.tenant_id
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        assert tenant_reads.get_member(scope, who[1]).role is Role.OWNER
    with pytest.raises(Refused):
        sessions.redeem_sign_in_link(tenant, secret)


def test_deleted_sandbox_is_recreated_with_new_tokens(settings: Settings, lumiere: Scope) -> None:
    """The sandbox's file is deleted and the database remains: accounts get new tokens, and revoked
    ones stay revoked."""
    store = SandboxStore(settings.home / "sandbox.sqlite")
    sandbox_store.rotate_token(store, "mia+key", revoke=True)
    before = channel_reads.get_channel_by_name(lumiere, creator_of(lumiere, MIA), "Sandbox").token
    lifecycle.seed_demo(settings)
    assert sandbox_store.get_account(store, "mia+key").token == ""
    store.close()
    (settings.home / "sandbox.sqlite").unlink()
    lifecycle.seed_demo(settings)
    after = channel_reads.get_channel_by_name(lumiere, creator_of(lumiere, MIA), "Sandbox").token
    assert before is not None
    assert after is not None
    assert after.box != before.box


def shift_the_clock(settings: Settings, days: int) -> None:
    """Advance the clock of the database."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE house_clock SET shift = shift + make_interval(days => :days)"),
            {"days": days},
        )
    engine.dispose()


def test_later_start_schedules_the_new_days(settings: Settings, tenant: OpenScope) -> None:
    """A start two days later schedules two more days; a cancelled post stays cancelled."""

    def ahead() -> list[DeliveryEntry]:
        with tenant(LUMIERE.tenant_id, "system:test") as scope:
            mia, now = creator_of(scope, MIA), scope.now
            found = schedule_reads.entries_between(
                scope, mia, now + timedelta(days=1), now + timedelta(days=40)
            )
        return [entry for entry in found if entry.state is DeliveryState.SCHEDULED]

    before = ahead()
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        deliveries.cancel_delivery(scope, before[9].delivery_id)
    shift_the_clock(settings, 2)
    lifecycle.seed_demo(settings)
    days = [entry.wall_time[:10] for entry in ahead()]
    assert len(days) == len(set(days))
    assert len(set(days) - {entry.wall_time[:10] for entry in before}) == 2
    assert before[9].wall_time[:10] not in days


def mine(language: str) -> AgencySetup:
    """Return the form of a member who creates an agency from the demo."""
    return AgencySetup(
        owner="Ada",
        email="ada@mine.example",
        creator="Mine",
        kind="human",
        language=language,
        zone="Europe/Paris",
        ceiling=Rating.G,
        alone=True,
        answers="copilot",
    )


def rows_of(settings: Settings, tenant_id: UUID) -> dict[str, int]:
    """Return the rows of one agency by table."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": str(tenant_id)})
        tables = teardown._children_first(connection)
        asked = {
            table: text(f"SELECT count(*) FROM {table} WHERE tenant_id = :t") for table in tables
        }
        found = {
            table: connection.execute(query, {"t": tenant_id}).scalar_one()
            for table, query in asked.items()
        }
    engine.dispose()
    return {table: int(count) for table, count in found.items() if count}


def test_removal_deletes_only_demo_agencies(
    settings: Settings, tenant: OpenScope, tenant_id: UUID
) -> None:
    """An agency that was created from the demo remains; only its link to the demo is deleted."""
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        owner = next(one for one in tenant_reads.list_members(scope) if one.role is Role.OWNER)
    agency_setup.set_up_agency(
        tenant_id, Viewer(LUMIERE.tenant_id, owner), mine("fr"), tenant=tenant
    )
    own, before = rows_of(settings, tenant_id), counted(settings)
    assert own["login_ties"] == 1
    gone = lifecycle.remove_demo(settings)
    assert {table: count for table, count in gone.items() if table in before} == before
    assert gone["login_ties.elsewhere"] == 1
    assert counted(settings) == {}
    own.pop("login_ties")
    assert rows_of(settings, tenant_id) == own
    assert not any(
        (settings.objects_folder / str(company.tenant_id)).exists() for company in DEMO_AGENCIES
    )
    assert not accounting.demo_files_folder(settings).exists()
    assert sandbox_holds(settings) == {}


def sandbox_holds(settings: Settings) -> dict[str, int]:
    """Return the deleted rows of the demo's accounts in the sandbox by table."""
    names = [
        account.account
        for company in DEMO_AGENCIES
        for part in company.creators
        for account in part.accounts
    ]
    with contextlib.closing(SandboxStore(settings.home / "sandbox.sqlite")) as store:
        return sandbox_forgetting.delete_accounts(store, names)


def test_removed_demo_is_not_seeded_again(settings: Settings) -> None:
    assert lifecycle.remove_demo(settings) == {}
    lifecycle.seed_demo(settings)  # a start does not restore a removed demo
    assert counted(settings) == {}
    with pytest.raises(NotFound):
        lifecycle.owner_link(settings)
