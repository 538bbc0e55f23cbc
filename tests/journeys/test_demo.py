"""The demo: seeded twice it is the same, its figures agree with the ledger, nobody else sees it, and it goes whole."""

import base64
import contextlib
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text

from channels import phones
from channels import reads as channel_reads
from dashboard import founding
from dashboard.founding import Answers
from dashboard.session import Viewer
from foundation.clock import monotonic
from foundation.database import OpenScope, Scope
from foundation.errors import NotFound, Refused
from foundation.settings import DatabaseSettings, Settings, TenantsSettings
from foundation.storage import FileStore
from foundation.words import LANGUAGES, Message, say
from gate import ratings
from gate import reads as gate_reads
from gate.units import Rating
from insights import following, reports, rollups
from insights import reads as insight_reads
from schedules import planning, reviewing
from schedules import reads as schedule_reads
from schedules.calendar import local_day
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio import library, packs
from subscribers import closing, directory, ledger, persona
from subscribers import reads as subscriber_reads
from subscribers.ledger import SplitShares
from subscribers.rails import sample, statement
from tenants import login
from tenants import reads as tenant_reads
from tenants.roles import Role
from tests.conftest import Cluster
from workers import (
    demo,
    demo_books,
    demo_days,
    demo_history,
    demo_past,
    demo_removal,
    sandbox_forgetting,
    sandbox_store,
)
from workers.demo_cast import BOREAL, COMPANIES, LUMIERE, MIA, NOVA, PARTNER, SACHA, SECOND_PERSON
from workers.demo_parts import Part
from workers.sandbox_store import Store

pytestmark = pytest.mark.heavy

SAMPLED = (1, 2, 17, 60, 119)
"""Days back from today."""

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
    """A house with the demo in it."""
    found = settings_of(cluster, tmp_path_factory.mktemp("demo"))
    started = monotonic()
    demo.seed(found)
    print(f"\nthe demo was seeded in {monotonic() - started:.1f} s")  # noqa: T201  a figure to read, not to judge
    yield found
    demo.remove(found)


@pytest.fixture
def lumiere(settings: Settings, tenant: OpenScope) -> Iterator[Scope]:
    """The first agency's scope."""
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        yield scope


def creator_of(scope: Scope, part: Part) -> UUID:
    return tenant_reads.creator(scope, part.slug).id


def days_back(scope: Scope, back: int) -> date:
    return local_day(scope.now, LUMIERE.zone) - timedelta(days=back)


def counted(settings: Settings) -> dict[str, int]:
    """Rows by table of both agencies."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    found: dict[str, int] = {}
    with engine.begin() as connection:
        tables = demo_removal._children_first(connection)
        for company in COMPANIES:
            connection.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": str(company.tenant_id)})
            for table in tables:
                rows = connection.execute(
                    text(f"SELECT count(*) FROM {table} WHERE tenant_id = :t"), {"t": company.tenant_id}
                )
                found[table] = found.get(table, 0) + int(rows.scalar_one())
    engine.dispose()
    return {table: count for table, count in found.items() if count}


def test_cast_is_complete(lumiere: Scope) -> None:
    assert tenant_reads.agency(lumiere).demo
    roles = sorted(member.role for member in tenant_reads.members(lumiere))
    assert roles == sorted([Role.OWNER, Role.MANAGER, *[Role.CHATTER] * 3, Role.ACCOUNTANT, Role.GUEST])
    assert [creator.name for creator in tenant_reads.creators(lumiere)] == ["Mia Laurent", "Nova", "Sacha"]
    names = {channel.name for channel in channel_reads.channels_of(lumiere, creator_of(lumiere, NOVA))}
    assert names >= {"Ma page", "Sandbox", "Instagram (sandbox)", "X (sandbox)", "Telegram (sandbox)"}
    assert "OnlyFans (à la main)" in names
    for part in (MIA, NOVA):
        speaking = persona.active(lumiere, creator_of(lumiere, part))
        assert speaking is not None
        assert speaking.level == "autopilot"
    assert sum(len(packs.packs_of(lumiere, creator_of(lumiere, part))) for part in LUMIERE.parts) == 14


def test_pictures_are_rated_and_say_how_they_were_made(lumiere: Scope, settings: Settings) -> None:
    for part in LUMIERE.parts:
        items = library.items(lumiere, creator_of(lumiere, part))
        assert len(items) == len(part.shots)
        for item in items:
            assert item.label in {"drawn", "placeholder", "stand_in"}
            assert item.rating is not None
            assert item.rating.rank <= Rating.S.rank or item.label == "stand_in"
            assert FileStore(settings.objects).exists(LUMIERE.tenant_id, item.sha256)


def test_files_of_sacha_wait_to_be_put_in_order(lumiere: Scope) -> None:
    items = library.items(lumiere, creator_of(lumiere, SACHA))
    assert len(items) == 40
    assert sum(item.taken_at is None for item in items) == 12
    made = library.made(lumiere, creator_of(lumiere, SACHA), [PARTNER, SECOND_PERSON])
    by_picture = {one.asset_id: one for one in gate_reads.unagreed(lumiere, [item.asset_id for item in items])}
    assert set(by_picture) == set(made.values())
    taken_back, unknown = by_picture[made[PARTNER]], by_picture[made[SECOND_PERSON]]
    assert taken_back.revoked_at is not None
    assert timedelta(hours=23) < lumiere.now - taken_back.revoked_at < timedelta(hours=25)
    assert (unknown.named, unknown.revoked_at, unknown.shown) == (False, None, 2)


def test_last_month_is_closed_and_a_statement_waits(lumiere: Scope, settings: Settings) -> None:
    month = demo_books.last_month(lumiere, LUMIERE)
    for part in LUMIERE.parts:
        found = closing.month(lumiere, creator_of(lumiere, part), month).close
        assert found is not None
        assert found.unchanged
    sheet = statement.read(demo_books.statement_file(settings, month).read_bytes(), sample.SOURCE)
    assert not sheet.unread
    assert sheet.nets()["EUR"].minor == sample.net(month, NOVA.slug)
    waiting = [notice for notice in tenant_reads.open_notices(lumiere) if notice.message.code == "statement.awaited"]
    assert [notice.creator_id for notice in waiting] == [creator_of(lumiere, NOVA)]


def test_people_post_by_hand_and_somebody_is_on_duty(lumiere: Scope) -> None:
    accounts = [one for one in channel_reads.every_channel(lumiere) if one.hand_over]
    assert {(one.name, one.surface) for one in accounts} == {
        ("Instagram (à la main)", "instagram"),
        ("OnlyFans (à la main)", "onlyfans"),
    }
    for one in accounts:
        assert [member.role for member in phones.crew(lumiere, one).on_duty] == [Role.MANAGER]


def test_a_yes_is_asked_of_the_owner(lumiere: Scope) -> None:
    asked = reviewing.asked(lumiere, [creator_of(lumiere, NOVA)])
    manager = next(one for one in tenant_reads.members(lumiere) if one.role is Role.MANAGER)
    assert [one.author_principal for one in asked] == [manager.principal_id]


def test_second_seeding_changes_nothing(settings: Settings) -> None:
    before = counted(settings)
    started = monotonic()
    demo.seed(settings)
    print(f"\nthe demo was looked at again in {monotonic() - started:.1f} s")  # noqa: T201  a figure to read, not to judge
    assert counted(settings) == before


def test_a_history_is_the_same_on_every_machine(lumiere: Scope) -> None:
    stage = demo_past.stage_of(lumiere, LUMIERE, NOVA)
    assert demo_history.history(stage) == demo_history.history(stage)
    assert sum(part.trade.fans for part in LUMIERE.parts) == 1200
    stage = demo_past.stage_of(lumiere, LUMIERE, SACHA)
    made = demo_days.days(stage, demo_history.history(stage), SHARES)
    assert len(made) == SACHA.trade.days
    assert any(not day.sales for day in made), "days without sales are days"


@pytest.mark.parametrize("part", LUMIERE.parts, ids=lambda part: part.slug)
def test_followers_of_the_past_lead_up_to_those_of_today(lumiere: Scope, settings: Settings, part: Part) -> None:
    span = days_back(lumiere, 400), days_back(lumiere, 0)
    (told,) = following.by_day(lumiere, creator_of(lumiere, part), *span).values()
    assert len(told) == part.trade.days
    with contextlib.closing(Store(settings.home / "sandbox.sqlite")) as store:
        today = sandbox_store.followers(store, part.accounts[0].account)
    assert told[min(told)] < 0.97 * today < told[days_back(lumiere, 1)] < today


@pytest.mark.parametrize("back", SAMPLED)
@pytest.mark.parametrize("part", LUMIERE.parts, ids=lambda part: part.slug)
def test_a_past_day_agrees_with_the_rows_behind_it(lumiere: Scope, part: Part, back: int) -> None:
    creator_id, day = creator_of(lumiere, part), days_back(lumiere, back)
    loaded = reports.daily(lumiere, creator_id, day)
    rollups.refresh(lumiere, creator_id, day)
    rebuilt = reports.daily(lumiere, creator_id, day)
    assert loaded.balanced
    assert len(loaded.posts) == len(part.trade.slots)
    assert (loaded.work, loaded.sales) == (rebuilt.work, rebuilt.sales)


def test_money_is_divided_and_some_of_it_went_back(lumiere: Scope) -> None:
    creator_id = creator_of(lumiere, NOVA)
    rail = ledger.balance(lumiere, ledger.rail_account("sandbox", "nova+key"), creator_id=creator_id)["XTS"]
    refunds = ledger.balance(lumiere, ledger.REFUNDS, creator_id=creator_id)["XTS"]
    creators = -ledger.balance(lumiere, ledger.CREATOR_DUE, creator_id=creator_id)["XTS"]
    assert rail > 0
    assert 0 < refunds < rail // 10
    assert creators * 10 == rail * 6
    entries = [ledger.balance(lumiere, account).get("XTS", 0) for account in (ledger.SALES, ledger.SUSPENSE)]
    assert entries[0] < 0
    assert entries[1] == 0


def test_business_grows_by_the_month(lumiere: Scope) -> None:
    creator_id = creator_of(lumiere, NOVA)
    months = []
    for first in (120, 90, 60, 30):
        days = insight_reads.sales(lumiere, creator_id, days_back(lumiere, first), days_back(lumiere, first - 29))
        months.append(sum(row.net.minor for rows in days.values() for row in rows))
    assert months == sorted(months)
    assert months[-1] > 2 * months[0]


def test_read_models_of_fans_are_what_a_recount_finds(lumiere: Scope) -> None:
    known = subscriber_reads.fan_facts(lumiere, creator_of(lumiere, SACHA))
    buyer = next(fan for fan in known if fan.buys)
    directory.rebuild_facts(lumiere, buyer.fan_id)
    again = subscriber_reads.fan_facts(lumiere, creator_of(lumiere, SACHA))
    assert next(fan for fan in again if fan.fan_id == buyer.fan_id) == buyer


def test_posts_wait_to_leave_and_weeks_are_planned(lumiere: Scope) -> None:
    creator_id, now = creator_of(lumiere, MIA), lumiere.now
    ahead = schedule_reads.between(lumiere, creator_id, now - timedelta(hours=1), now + timedelta(days=30))
    waiting = [entry for entry in ahead if entry.state is DeliveryState.SCHEDULED]
    every = 1 + len(MIA.accounts) + len(MIA.by_hand)
    assert len(waiting) == every + 2 * (MIA.trade.opening - 1) + MIA.trade.ahead_days


def test_agencies_do_not_see_each_other(settings: Settings, tenant: OpenScope) -> None:
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        nova = creator_of(scope, NOVA)
        sha256 = library.items(scope, nova)[0].sha256
    with tenant(BOREAL.tenant_id, "system:test") as scope:
        assert [creator.slug for creator in tenant_reads.creators(scope)] == ["aurore"]
        assert channel_reads.channels_of(scope, nova) == []
        assert library.items(scope, nova) == []
        assert subscriber_reads.fan_facts(scope, nova) == []
        assert ledger.totals(scope, nova, scope.now - timedelta(days=200), scope.now) == []
        assert ratings.effective(scope, sha256) is None
        assert not FileStore(settings.objects).exists(BOREAL.tenant_id, sha256)


def test_owner_link_opens_one_session(settings: Settings, tenant: OpenScope) -> None:
    link = demo.owner_link(settings)
    assert link.startswith(f"{settings.dashboard.public_url}/auth/link/")
    secret = link.rpartition("/")[2]
    who = login.current(tenant, login.redeem(tenant, secret))
    assert who is not None
    assert who[0] == LUMIERE.tenant_id
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        assert tenant_reads.member(scope, who[1]).role is Role.OWNER
    with pytest.raises(Refused):
        login.redeem(tenant, secret)


def test_a_lost_sandbox_is_opened_again(settings: Settings, lumiere: Scope) -> None:
    """Its file went, the house's database stayed: the accounts come back with new tokens, revoked ones stay revoked."""
    store = Store(settings.home / "sandbox.sqlite")
    sandbox_store.rotate_token(store, "mia+key", revoke=True)
    before = channel_reads.by_name(lumiere, creator_of(lumiere, MIA), "Sandbox").token
    demo.seed(settings)
    assert sandbox_store.account(store, "mia+key").token == ""
    store.close()
    (settings.home / "sandbox.sqlite").unlink()
    demo.seed(settings)
    after = channel_reads.by_name(lumiere, creator_of(lumiere, MIA), "Sandbox").token
    assert before is not None
    assert after is not None
    assert after.box != before.box


def shift_the_clock(settings: Settings, days: int) -> None:
    """The house's clock, moved on."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(text("UPDATE house_clock SET shift = shift + make_interval(days => :days)"), {"days": days})
    engine.dispose()


def test_weeks_ahead_are_planned_when_they_come(settings: Settings, tenant: OpenScope) -> None:
    """A start two days later plans two days more; one that people took off stays off."""

    def ahead() -> list[Entry]:
        with tenant(LUMIERE.tenant_id, "system:test") as scope:
            mia, now = creator_of(scope, MIA), scope.now
            found = schedule_reads.between(scope, mia, now + timedelta(days=1), now + timedelta(days=40))
        return [entry for entry in found if entry.state is DeliveryState.SCHEDULED]

    before = ahead()
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        planning.cancel(scope, before[9].delivery_id)
    shift_the_clock(settings, 2)
    demo.seed(settings)
    days = [entry.wall_time[:10] for entry in ahead()]
    assert len(days) == len(set(days))
    assert len(set(days) - {entry.wall_time[:10] for entry in before}) == 2
    assert before[9].wall_time[:10] not in days


def mine(language: str) -> Answers:
    """What a person answers who starts an agency of their own out of the demo."""
    return Answers(
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
    """Rows by table of one agency."""
    engine = create_engine(settings.database.owner_url.get_secret_value())
    with engine.begin() as connection:
        connection.execute(text("SELECT set_config('app.tenant', :t, true)"), {"t": str(tenant_id)})
        tables = demo_removal._children_first(connection)
        asked = {table: text(f"SELECT count(*) FROM {table} WHERE tenant_id = :t") for table in tables}
        found = {table: connection.execute(query, {"t": tenant_id}).scalar_one() for table, query in asked.items()}
    engine.dispose()
    return {table: int(count) for table, count in found.items() if count}


def test_removal_is_whole_and_leaves_others_alone(settings: Settings, tenant: OpenScope, tenant_id: UUID) -> None:
    """Also what was started out of the demo: it stays, and only that it was is forgotten."""
    with tenant(LUMIERE.tenant_id, "system:test") as scope:
        owner = next(one for one in tenant_reads.members(scope) if one.role is Role.OWNER)
    founding.found(tenant_id, Viewer(LUMIERE.tenant_id, owner), mine("fr"), tenant=tenant)
    own, before = rows_of(settings, tenant_id), counted(settings)
    assert own["login_ties"] == 1
    gone = demo.remove(settings)
    assert {table: count for table, count in gone.items() if table in before} == before
    assert gone["login_ties.elsewhere"] == 1
    assert counted(settings) == {}
    own.pop("login_ties")
    assert rows_of(settings, tenant_id) == own
    assert not any((settings.objects / str(company.tenant_id)).exists() for company in COMPANIES)
    assert not demo_books.folder(settings).exists()
    assert sandbox_holds(settings) == {}


def sandbox_holds(settings: Settings) -> dict[str, int]:
    """Rows by table of the sandbox that belong to an account."""
    names = [account.account for company in COMPANIES for part in company.parts for account in part.accounts]
    with contextlib.closing(Store(settings.home / "sandbox.sqlite")) as store:
        return sandbox_forgetting.forget(store, names)


@pytest.mark.parametrize("language", LANGUAGES)
def test_removed_demo_stays_away(settings: Settings, language: str) -> None:
    assert demo.remove(settings) == {}
    demo.seed(settings)  # a start does not bring back what was removed
    assert counted(settings) == {}
    with pytest.raises(NotFound):
        demo.owner_link(settings)
    assert say(Message("demo.removed_from", {"place": "fans", "count": 3}), language).strip().startswith("3")
