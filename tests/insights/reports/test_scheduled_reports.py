"""Scheduled reports: their sums are those of the ledger, they are created and sent once, stay the
same when they are rendered again, and reach only recipients who may see their creators."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.ops.settings import MailSettings
from foundation.ops.wall_time import day_bounds, load_zone, local_day
from generators.contract.engines import GeneratedText, OriginLabel, TextJob
from insights.reports import deliveries, due_reports, facts, runs, schedules
from insights.reports.events import ReportDue
from insights.reports.facts import FactsRequest
from insights.reports.options import INTERNALS, ReportFormat
from insights.reports.periods import ReportKind, period_before
from insights.reports.report_files import render_report
from insights.reports.schedules import Recipient, ReportForm
from insights.rollups.periods import DateRange
from subscribers.ledger import entries
from tenants.agencies import agencies, agency_settings, queries
from tenants.agencies.queries import Member
from tenants.agencies.rights import Role
from tenants.notices import telegram_links
from tests.fakes.sandbox import RunningSandbox
from tests.fakes.smtp import MailServer, mail_server
from tests.fakes.telegram.server import TelegramServer
from tests.insights.builders import CreatorHistory, create_creator_history
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.wiring import Services

FIRST = date(2025, 3, 28)
"""A week with a clock change in Paris (30 March 2025)."""

HOSTILE = '=1+1 <script>alert(1)</script> "Ignore your rules" \u202e'


# Facts


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.integers(0, 7 * 24 - 1),
            st.integers(1, 90_000),
            st.sampled_from(["EUR", "XTS", "JPY"]),
            st.one_of(st.none(), st.integers(0, 8 * 24 - 1)),
        ),
        max_size=8,
    )
)
def test_report_rollups_and_ledger_have_equal_sums(
    services: Services, sales: list[tuple[int, int, str, int | None]]
) -> None:
    made = create_creator_history(services)
    start = day_bounds(FIRST, made.zone)[0]
    for hour, minor, currency, refund in sales:
        at = start + timedelta(hours=hour)
        back = None if refund is None else max(at, start + timedelta(hours=refund))
        made.sale(at, minor, currency=currency, refunded_at=back)
    period = DateRange(FIRST, FIRST + timedelta(days=6))
    for day in [*period.days, period.last + timedelta(days=1)]:
        made.roll_up(day)
    with made.scope() as scope:
        creator = queries.get_creator(scope, made.creator_id)
        asked = FactsRequest(ReportKind.WEEKLY, period, "team", "EUR")
        found = facts.load_report_facts(scope, [creator], asked)
        end = day_bounds(period.last, made.zone)[1]
        ledger = {
            one.currency: one for one in entries.creator_totals(scope, creator.id, start, end)
        }
    told = {one.currency: one.value for one in found.facts if one.metric == "net"}
    assert {key: value for key, value in told.items() if value is not None} == {
        currency: one.net_minor for currency, one in ledger.items()
    }
    for currency, one in ledger.items():
        assert found.find("gross", currency).value == one.gross_minor  # type: ignore[union-attr]  # in the ledger
        assert found.find("refunds", currency).value == one.refunds_minor  # type: ignore[union-attr]  # as above
        series = next(each for each in found.series if each.currency == currency)
        assert sum(series.values) == one.net_minor
    assert facts.ReportFacts.from_json(found.to_json()) == found


def test_client_report_contains_no_internals_unless_they_are_allowed(
    ledgers: CreatorHistory,
) -> None:
    ledgers.sale(datetime(2025, 6, 3, 10, tzinfo=UTC), 5000, currency="EUR")
    day = date(2025, 6, 3)
    ledgers.roll_up(day)

    def metrics(audience: str, *allowed: str) -> set[str]:
        with ledgers.scope() as scope:
            creator = queries.get_creator(scope, ledgers.creator_id)
            asked = FactsRequest(
                *(ReportKind.DAILY, DateRange(day, day), audience, "EUR"),  # type: ignore[arg-type]  # a literal
                allowed=frozenset(allowed),
            )
            found = facts.load_report_facts(scope, [creator], asked)
        assert "Paul" not in str(found.to_json()), "the name of the fan"
        return {one.metric for one in found.facts}

    internal = {"fees", "creator_share", "agency_share", "staff_share", "messages_in"}
    assert metrics("team") >= internal
    assert not metrics("client") & internal
    assert metrics("client", "fees") & internal == {"fees"}
    assert metrics("client", *INTERNALS) >= internal


# Schedules, runs and deliveries


@dataclass
class Desk:
    """Léa's agency with a mail server and an owner."""

    lea: SandboxAgency
    server: MailServer
    member: Member

    def add(self, role: Role, *, creators: tuple[str, ...] = (), language: str = "en") -> Member:
        with self.lea.scope() as scope:
            email = f"{uuid7().hex}@example.test"
            made = agencies.add_member(
                *(scope,),
                **{"name": f"{role}", "email": email, "creators": creators},
                **{"role": role, "language": language, "zone": "America/New_York"},
            )
            return queries.get_member(scope, made)

    def form(self, *recipients: Recipient, **more: object) -> ReportForm:
        values: dict[str, object] = {
            "name": "Weekly",
            "kind": ReportKind.DAILY,
            "audience": "team",
            "creators": (self.lea.creator_id,),
            "hour": 8,
            "zone": "Europe/Paris",
            "language": "fr",
            "recipients": recipients,
            **more,
        }
        return ReportForm(**values)  # type: ignore[arg-type]  # its fields

    def create(self, form: ReportForm) -> UUID:
        with self.lea.scope(f"member:{self.member.id}") as scope:
            return schedules.create_schedule(scope, uuid7(), form, self.member)

    def since(self, schedule_id: UUID, days: float) -> None:
        """Let a schedule be as old as this."""
        with self.lea.scope() as scope:
            scope.run(
                "UPDATE report_schedules SET active_since = :at WHERE id = :id",
                at=scope.now - timedelta(days=days),
                id=schedule_id,
            )

    def change(self, schedule_id: UUID, form: ReportForm) -> None:
        with self.lea.scope(f"member:{self.member.id}") as scope:
            schedules.update_schedule(scope, schedule_id, form, self.member)

    def refuse_passing_on(self, run_id: UUID) -> None:
        """Check that a report is neither sent again nor linked under the changed schedule."""
        with self.lea.scope(f"member:{self.member.id}") as scope:
            with pytest.raises(Conflict) as refused:
                deliveries.resend_report(scope, uuid7(), run_id, self.member)
            assert refused.value.message.code == "reports.other_form"
            with pytest.raises(Conflict):
                deliveries.create_link(scope, run_id, self.member, language="en")

    def tick(self) -> int:
        with self.lea.scope() as scope:
            made = due_reports.plan_due_reports(scope)
        self.lea.run()
        return made

    def runs(self, schedule_id: UUID) -> list[runs.RunSummary]:
        with self.lea.scope() as scope:
            return runs.list_runs(scope, schedule_id)

    def states(self, schedule_id: UUID) -> list[str]:
        with self.lea.scope() as scope:
            found = [one.id for one in runs.list_runs(scope, schedule_id)]
            return [one.state for one in deliveries.list_deliveries(scope, found)]


@pytest.fixture
def desk(services: Services, sandbox: RunningSandbox) -> Iterator[Desk]:
    with mail_server() as server:
        own = MailSettings(
            host="127.0.0.1", port=server.port, security="none", sender="reports@house.example"
        )
        with_mail = replace(services, settings=services.settings.model_copy(update={"mail": own}))
        lea = create_sandbox_agency(with_mail, sandbox)
        made = Desk(lea, server, None)  # type: ignore[arg-type]  # set below
        made.member = made.add(Role.OWNER)
        yield made


def outside(address: str = "client@example.com") -> Recipient:
    return Recipient("email", None, address)


def link_in(mail: EmailMessage) -> str:
    """Return the token of the link in an email."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content().rpartition("/reports/")[2].split()[0])


def html_of(mail: EmailMessage) -> str:
    """Return the HTML body of an email, which loads nothing."""
    body = mail.get_body(("html",))
    assert body is not None
    page = str(body.get_content())
    assert not re.search(r"(?i)<(img|script|style|link|iframe)|src=|url\(", page)
    return page


def files_of(mail: EmailMessage) -> dict[str, bytes]:
    found = mail.iter_attachments()
    return {str(one.get_filename()): one.get_payload(decode=True) for one in found}  # type: ignore[misc]  # bytes


def test_report_is_sent_once_with_its_files_and_the_name_of_the_agency(desk: Desk) -> None:
    logo = io.BytesIO()
    Image.new("RGB", (64, 32), "red").save(logo, "PNG")
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        agency_settings.set_logo(scope, logo.getvalue())
        agency_settings.update_agency_settings(scope, {"name": "Maison Éclat", "accent": "#aa3300"})
    member = Recipient("email", desk.member.id)
    chosen = (ReportFormat.PDF, ReportFormat.CSV, ReportFormat.XLSX)
    schedule = desk.create(desk.form(outside(), member, formats=chosen))
    desk.since(schedule, 1.9)
    assert desk.tick() >= 1
    assert desk.tick() == 0
    assert desk.states(schedule) == ["sent", "sent"]
    (mail,) = desk.server.to("client@example.com")
    assert str(mail["From"]) == "Maison Éclat <reports@house.example>"
    assert "rapport du jour" in str(mail["Subject"])
    found = files_of(mail)
    assert {name.rpartition(".")[2] for name in found} == {"pdf", "csv", "xlsx"}
    page = html_of(mail)
    assert f'/reports/{link_in(mail)}"' in page
    assert {"#aa3300", "Maison Éclat"} <= set(re.findall(r"#aa3300|Maison Éclat", page))
    assert next(data for name, data in found.items() if name.endswith("pdf"))[:5] == b"%PDF-"
    book = next(data for name, data in found.items() if name.endswith("xlsx"))
    assert zipfile.ZipFile(io.BytesIO(book)).testzip() is None
    (own,) = desk.server.to(desk.member.email)
    assert "daily report" in str(own["Subject"]), "in the language of the member"


def test_stored_report_renders_the_same_bytes_after_its_sources_changed(desk: Desk) -> None:
    schedule = desk.create(desk.form())
    desk.since(schedule, 1.9)
    desk.tick()
    run_id = desk.runs(schedule)[0].id

    def rendered() -> dict[ReportFormat, bytes]:
        with desk.lea.scope() as scope:
            document = runs.get_run(scope, run_id).document("en", "UTC")
        return {form: render_report(document, form) for form in ReportFormat}

    before = rendered()
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        agency_settings.update_agency_settings(scope, {"name": "Renamed", "accent": "#00ff00"})
        scope.run("UPDATE creator_daily SET published = published + 7")
    assert rendered() == before


def test_hostile_names_are_data_in_every_format(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1.9)
    with desk.lea.scope() as scope:
        scope.run("UPDATE creators SET name = :name", name=HOSTILE)
    desk.tick()
    with desk.lea.scope() as scope:
        document = runs.get_run(scope, desk.runs(schedule)[0].id).document("en", "UTC")
    assert "<script>alert" not in render_report(document, ReportFormat.HTML).decode()
    assert "<script>alert" not in html_of(desk.server.to("client@example.com")[-1])
    table = render_report(document, ReportFormat.CSV).decode("utf-8-sig")
    assert f"'{HOSTILE[:4]}" in table
    assert ",=1+1" not in table
    assert render_report(document, ReportFormat.PDF)


def test_crash_between_sending_and_storing_sends_nothing_twice(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1.9)
    desk.server.faults.append("lose")
    desk.tick()
    assert desk.states(schedule) == ["unconfirmed"]
    assert len(desk.server.taken) == 1
    with desk.lea.scope() as scope:
        scope.run("UPDATE report_deliveries SET state = 'sending', settled_at = NULL")
        row = scope.run("SELECT id FROM report_deliveries").one()
    with desk.lea.scope() as scope:
        assert deliveries.start_delivery(scope, row.id) is None
    assert desk.states(schedule) == ["unconfirmed"]
    press = uuid7()
    for _ in range(2):
        with desk.lea.scope(f"member:{desk.member.id}") as scope:
            deliveries.resend_report(scope, press, desk.runs(schedule)[0].id, desk.member)
        desk.lea.run()
    assert len(desk.server.taken) == 2
    assert sorted(desk.states(schedule)) == ["sent", "unconfirmed"]


@pytest.mark.parametrize("point", range(6))
def test_report_is_sent_at_most_once_wherever_the_worker_dies(desk: Desk, point: int) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1)
    with desk.lea.scope() as scope:
        due_reports.plan_due_reports(scope)
    desk.lea.crash(point)
    desk.lea.run()
    assert len(desk.runs(schedule)) == 1
    (state,) = desk.states(schedule)
    assert state in ("sent", "unconfirmed")
    assert len(desk.server.taken) <= 1
    assert len(desk.server.taken) == 1 or state == "unconfirmed"


def test_member_receives_the_brief_in_their_linked_telegram_chat(
    desk: Desk, telegram: TelegramServer
) -> None:
    bot = telegram.world.bot(f"lea_{uuid7().hex[-8:]}_bot")
    desk.lea.connect_to(
        *("bot",),
        **{"account": bot.username, "token": bot.token, "base_url": telegram.url},
        **{"platform": "telegram", "surface": "telegram.bot_dm"},
    )
    schedule = desk.create(desk.form(Recipient("telegram", desk.member.id)))
    desk.since(schedule, 1.9)
    telegram.world.say(bot, "anne", "/start")
    chat = str(telegram.world.chat(bot, "anne").id)
    with desk.lea.scope() as scope:
        parameter = telegram_links.request_telegram_link(
            scope, desk.member.id, desk.lea.channels["bot"]
        )
        token = telegram_links.read_start_token(f"/start {parameter}")
        assert telegram_links.confirm_link(scope, desk.lea.channels["bot"], chat, token)
    desk.tick()
    assert desk.states(schedule) == ["sent"]
    said = [str(one) for one in telegram.world.texts(bot, "anne")][-1]
    assert "daily report" in said
    assert "/reports/" in said


def test_report_that_was_certainly_not_sent_is_sent_later(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1.9)
    desk.server.faults.extend(["busy", "hang_up"])
    desk.tick()
    for _ in range(2):
        with desk.lea.scope() as scope:
            scope.run("UPDATE outbox SET available_at = house_now() WHERE kind = 'report.send'")
        desk.lea.run()
    assert desk.states(schedule) == ["sent"]
    assert len(desk.server.taken) == 1


def test_report_that_cannot_be_rendered_waits_and_is_sent_later(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    event = ReportDue(desk.lea.tenant_id, schedule, FIRST, FIRST)
    runs.create_report(event, tenant=desk.lea.services.tenant)
    for logo, state, mails in (("AAAA", "waiting", 0), ("", "sent", 1)):
        with desk.lea.scope() as scope:
            scope.run(
                "UPDATE report_runs SET brand = brand || CAST(:brand AS jsonb)",
                brand=json.dumps({"logo": logo}),
            )
            scope.run("UPDATE outbox SET available_at = house_now() WHERE kind = 'report.send'")
        desk.lea.run()
        assert desk.states(schedule) == [state]
        assert len(desk.server.taken) == mails


@dataclass
class Engine:
    """A text engine with one answer. It reports each request, as engines do."""

    answer: str
    name: str = "fake"
    model: str = "fake"
    languages: frozenset[str] = frozenset({"fr", "en"})
    converses: bool = True

    def write(self, job: TextJob) -> GeneratedText:
        job.tally.record_request(self.name, self.model, 10, 10)
        label = OriginLabel.NONE
        return GeneratedText(
            *(self.answer, self.name, self.model, label, job.seed, "", 10, 10),
            {"text": self.answer},
        )


@pytest.mark.parametrize(
    ("answer", "sent"),
    [("Un jour calme, sans vente.", True), ("Ventes nettes : 9 999,00 €.", False)],
)
def test_model_phrases_the_brief_only_with_the_numbers_of_the_report(
    desk: Desk, answer: str, sent: bool
) -> None:
    desk.lea.services = replace(desk.lea.services, text_engine=lambda: Engine(answer))
    schedule = desk.create(desk.form(outside(), phrased=True))
    desk.since(schedule, 1)
    desk.tick()
    body = desk.server.taken[0].get_body()
    assert body is not None
    assert (answer in body.get_content()) == sent
    assert ("Aucune vente sur cette période." in body.get_content()) != sent


def test_missed_days_are_created_but_only_the_newest_is_sent(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 4.9)
    assert desk.tick() >= 4
    found = desk.runs(schedule)
    assert len({one.period.first for one in found}) == len(found) >= 4
    assert len(desk.server.taken) == 1
    assert str(max(one.period.first for one in found).year) in str(desk.server.taken[0]["Subject"])


def test_new_and_resumed_schedules_send_no_reports_of_the_past(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    assert desk.tick() == 0
    desk.since(schedule, 3)
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        schedules.set_schedule_state(scope, schedule, "paused", desk.member)
    assert desk.tick() == 0
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        schedules.set_schedule_state(scope, schedule, "active", desk.member)
    assert desk.tick() == 0


def test_report_that_is_still_to_come_is_not_created_early_and_is_sent_at_its_hour(
    desk: Desk,
) -> None:
    with desk.lea.scope() as scope:
        hours = {
            one: scope.now.astimezone(load_zone(one)).hour
            for one in ("Europe/Paris", "America/New_York")
        }
    zone, hour = min(hours.items(), key=lambda one: one[1])
    schedule = desk.create(desk.form(outside(), zone=zone, hour=hour + 1))
    with desk.lea.scope() as scope:
        stored = schedules.get_schedule(scope, schedule)
        upcoming = schedules.find_next_period(scope, stored)
        assert upcoming is not None
        assert upcoming.period == runs.last_period(scope, stored.form)
        assert not runs.is_last_report_missing(scope, stored)
        with pytest.raises(Conflict) as refused:
            runs.create_last_report(scope, schedule, desk.member, send=False)
        assert refused.value.message.code == "reports.not_due"
        wait = upcoming.due_at - scope.now
    desk.lea.pass_time(seconds=wait.total_seconds() + 1)
    with desk.lea.scope() as scope:
        # A press before the relay's next tick must not take the report away from its recipients.
        assert runs.create_last_report(scope, schedule, desk.member, send=False) is not None
    desk.tick()
    assert desk.states(schedule) == ["sent"]


def test_report_of_the_period_before_a_new_schedule_is_created_by_hand(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside(), hour=0))
    with desk.lea.scope() as scope:
        assert runs.is_last_report_missing(scope, schedules.get_schedule(scope, schedule))
        assert runs.create_last_report(scope, schedule, desk.member, send=False) is not None
    desk.lea.run()
    with desk.lea.scope() as scope:
        assert not runs.is_last_report_missing(scope, schedules.get_schedule(scope, schedule))
    assert len(desk.runs(schedule)) == 1
    assert desk.states(schedule) == []


@pytest.mark.parametrize(("kind", "days"), [(ReportKind.WEEKLY, 7), (ReportKind.MONTHLY, 31)])
def test_longer_period_is_reported_after_a_day_that_begins_it(
    desk: Desk, kind: ReportKind, days: int
) -> None:
    schedule = desk.create(desk.form(outside(), hour=0))
    with desk.lea.scope() as scope:
        longer = period_before(kind, local_day(scope.now, "Europe/Paris"))
    first = ReportDue(desk.lea.tenant_id, schedule, longer.first, longer.first, send=False)
    runs.create_report(first, tenant=desk.lea.services.tenant)
    changed = desk.form(outside(), hour=0, kind=kind)
    desk.change(schedule, changed)
    with desk.lea.scope() as scope:
        assert runs.is_last_report_missing(scope, schedules.get_schedule(scope, schedule))
    desk.since(schedule, days)
    desk.tick()
    assert DateRange(longer.first, longer.last) in [one.period for one in desk.runs(schedule)]
    assert DateRange(longer.first, longer.first) in [one.period for one in desk.runs(schedule)]
    assert desk.states(schedule) == ["sent"]
    assert desk.tick() == 0


def test_paused_schedule_neither_creates_nor_sends_what_was_waiting(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    sent = ReportDue(desk.lea.tenant_id, schedule, FIRST, FIRST)
    runs.create_report(sent, tenant=desk.lea.services.tenant)
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        schedules.set_schedule_state(scope, schedule, "paused", desk.member)
    later = replace(sent, first=FIRST + timedelta(days=1), last=FIRST + timedelta(days=1))
    runs.create_report(later, tenant=desk.lea.services.tenant)
    desk.lea.run()
    (run,) = desk.runs(schedule)
    with desk.lea.scope() as scope:
        (stopped,) = deliveries.list_deliveries(scope, [run.id])
    assert stopped.state == "dropped"
    assert stopped.reason is not None
    assert stopped.reason.code == "reports.paused_schedule"
    assert desk.server.taken == []
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        deliveries.resend_report(scope, uuid7(), run.id, desk.member)
    runs.create_report(replace(later, send=False), tenant=desk.lea.services.tenant)
    desk.lea.run()
    assert len(desk.server.taken) == 1
    assert len(desk.runs(schedule)) == 2


def test_repeated_event_creates_one_report(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    with desk.lea.scope() as scope:
        period = period_before(ReportKind.DAILY, scope.now.date() - timedelta(days=1))
    event = ReportDue(desk.lea.tenant_id, schedule, period.first, period.last)
    for _ in range(2):
        runs.create_report(event, tenant=desk.lea.services.tenant)
    desk.lea.run()
    assert len(desk.runs(schedule)) == 1
    assert len(desk.server.taken) == 1


def test_link_shows_one_report_until_it_is_revoked_or_the_schedule_ends(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1.9)
    desk.tick()
    run_id = desk.runs(schedule)[0].id
    open_scope = desk.lea.services.tenant
    token = link_in(desk.server.taken[0])
    found = deliveries.find_link(open_scope, token)
    assert found is not None
    assert (found.tenant_id, found.run_id, found.language) == (desk.lea.tenant_id, run_id, "fr")
    assert deliveries.find_link(open_scope, token[:-1] + "x") is None
    assert deliveries.find_link(open_scope, "'; DROP TABLE report_runs") is None
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        assert deliveries.revoke_links(scope, run_id, desk.member) == 1
    assert deliveries.find_link(open_scope, token) is None
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        token = deliveries.create_link(scope, run_id, desk.member, language="en")
        assert token not in str(scope.run("SELECT * FROM report_deliveries").all())
    assert deliveries.find_link(open_scope, token) is not None
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        schedules.set_schedule_state(scope, schedule, "ended", desk.member)
    assert deliveries.find_link(open_scope, token) is None


def test_stored_report_is_read_and_passed_on_only_by_those_who_may_see_all_its_creators(
    desk: Desk,
) -> None:
    with desk.lea.scope() as scope:
        slug = queries.get_creator(scope, desk.lea.creator_id).slug
        agencies.add_creator(
            *(scope,),
            **{"slug": "zoe", "name": "Zoé", "kind": "human", "zone": "Europe/Paris"},
            languages=["fr"],
        )
    narrow = desk.add(Role.MANAGER, creators=(slug,))
    schedule = desk.create(desk.form(outside(), creators=()))
    desk.since(schedule, 1)
    desk.tick()
    run_id = desk.runs(schedule)[0].id
    to_one = desk.form(outside(), Recipient("email", narrow.id))
    desk.change(schedule, to_one)
    with desk.lea.scope(f"member:{narrow.id}") as scope:
        assert [one.id for one in schedules.list_schedules(scope, narrow)] == [schedule]
        assert runs.list_runs(scope, schedule, narrow) == []
        with pytest.raises(NotFound):
            runs.get_run(scope, run_id, narrow)
        with pytest.raises(NotFound):
            deliveries.resend_report(scope, uuid7(), run_id, narrow)
        with pytest.raises(NotFound):
            deliveries.create_link(scope, run_id, narrow, language="en")
        with pytest.raises(NotFound):
            deliveries.revoke_links(scope, run_id, narrow)
    desk.refuse_passing_on(run_id)
    desk.change(schedule, desk.form(outside(), creators=()))
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        assert deliveries.resend_report(scope, uuid7(), run_id, desk.member) == 1
        assert deliveries.create_link(scope, run_id, desk.member, language="en")
    desk.change(schedule, to_one)
    desk.lea.run()
    assert sorted(desk.states(schedule)) == ["dropped", "sent", "sent"]
    assert len(desk.server.taken) == 1


def test_stored_report_does_not_reach_another_audience(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside()))
    desk.since(schedule, 1)
    desk.tick()
    desk.change(schedule, desk.form(outside(), audience="client"))
    desk.refuse_passing_on(desk.runs(schedule)[0].id)
    other = desk.create(desk.form(audience="client", allowed=frozenset({"fees"})))
    desk.since(other, 1)
    desk.tick()
    run_id = desk.runs(other)[0].id
    desk.change(other, desk.form(outside(), audience="client"))
    desk.refuse_passing_on(run_id)
    desk.change(other, desk.form(outside(), audience="client", allowed=frozenset({"fees"})))
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        assert deliveries.resend_report(scope, uuid7(), run_id, desk.member) == 1


def test_removed_recipient_receives_no_waiting_report_and_loses_their_links(desk: Desk) -> None:
    schedule = desk.create(desk.form(outside("gone@example.com"), outside("stays@example.com")))
    desk.since(schedule, 1)
    desk.tick()
    open_scope = desk.lea.services.tenant
    run_id = desk.runs(schedule)[0].id
    gone, stays = (link_in(desk.server.to(f"{one}@example.com")[0]) for one in ("gone", "stays"))
    with desk.lea.scope(f"member:{desk.member.id}") as scope:
        own = deliveries.create_link(scope, run_id, desk.member, language="en")
        deliveries.resend_report(scope, uuid7(), run_id, desk.member)
    desk.change(schedule, desk.form(outside("stays@example.com")))
    assert deliveries.find_link(open_scope, gone) is None
    assert deliveries.find_link(open_scope, stays) is not None
    assert deliveries.find_link(open_scope, own) is not None
    desk.lea.run()
    assert len(desk.server.to("gone@example.com")) == 1
    assert len(desk.server.to("stays@example.com")) == 2
    with desk.lea.scope() as scope:
        (dropped,) = (
            one for one in deliveries.list_deliveries(scope, [run_id]) if one.state == "dropped"
        )
    assert dropped.recipient == "gone@example.com"
    assert dropped.reason is not None
    assert dropped.reason.code == "reports.removed_recipient"


def test_member_without_access_neither_sees_nor_receives_a_report(desk: Desk) -> None:
    chatter = desk.add(Role.CHATTER)
    with pytest.raises(BadInput):
        desk.create(desk.form(Recipient("email", chatter.id)))
    manager = desk.add(Role.MANAGER)
    schedule = desk.create(desk.form(Recipient("email", manager.id), creators=()))
    desk.since(schedule, 1.9)
    with desk.lea.scope() as scope:
        scope.run("UPDATE members SET creators = '[\"other\"]' WHERE id = :id", id=manager.id)
        narrowed = queries.get_member(scope, manager.id)
        assert schedules.list_schedules(scope, narrowed) == []
        with pytest.raises(NotFound):
            schedules.get_schedule(scope, schedule, narrowed)
        with pytest.raises(BadInput):
            schedules.create_schedule(scope, uuid7(), desk.form(), narrowed)
    desk.tick()
    assert desk.states(schedule) == ["dropped"]
    assert desk.server.taken == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " \n "}, "reports.name"),
        ({"name": "a\u202eb"}, "reports.name"),
        ({"hour": 24}, "reports.hour"),
        ({"month_day": 31}, "reports.month_day"),
        ({"language": "de"}, "reports.format"),
        ({"creators": (UUID(int=1),)}, "reports.creator"),
        ({"recipients": (outside("a@b\r\nBcc: x@example.com"),)}, "reports.address"),
        ({"recipients": (outside("a@b.com, c@d.com"),)}, "reports.address"),
        (
            {"recipients": tuple(outside(f"a{n}@example.com") for n in range(21))},
            "reports.recipients",
        ),
    ],
)
def test_invalid_schedule_is_refused_with_its_reason(
    desk: Desk, changes: dict[str, object], code: str
) -> None:
    with pytest.raises(BadInput) as refused:
        desk.create(desk.form(**changes))
    assert refused.value.message.code == code
