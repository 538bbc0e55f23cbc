"""API routes of scheduled reports and of stored reports: facts as JSON, and files in all formats.

Links are created by members only, because no API response contains a secret.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.ids import uuid7
from insights.reports import deliveries, runs, schedules
from insights.reports.facts import Fact
from insights.reports.options import ReportFormat
from insights.reports.outgoing_reports import file_stem
from insights.reports.periods import MAX_MONTH_DAY, ReportKind
from insights.reports.report_files import MEDIA_TYPES, render_report
from insights.reports.runs import ReportRun
from insights.reports.schedules import (
    MAX_NAME_LENGTH,
    MAX_RECIPIENTS,
    Recipient,
    ReportForm,
    ReportSchedule,
    ScheduleState,
)
from tenants.agencies.queries import Member
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    create_dependency,
    etag_header,
    read_dependency,
    replace_dependency,
    state_tag,
)
from web.api.common.schemas import RequestModel, StorableText, example_config

MAX_CREATORS = 200

_EXAMPLE: dict[str, Any] = {
    "name": "Weekly figures",
    "kind": "weekly",
    "audience": "client",
    "weekday": 0,
    "hour": 8,
    "zone": "Europe/Paris",
    "language": "en",
    "recipients": [{"route": "email", "address": "client@example.com"}],
}


class RecipientModel(RequestModel):
    """A recipient: a member by email or Telegram, or an email address outside the agency."""

    route: Literal["email", "telegram"] = "email"
    member_id: UUID | None = None
    address: Annotated[StorableText, Field(max_length=254)] = ""


class ReportScheduleIn(RequestModel):
    """A scheduled report. Without `creators` it is about all creators of the agency.

    `weekday` (0 is Monday) counts for weekly reports only, `month_day` for monthly ones. `hour` is
    a local hour in `zone`. `allowed` are internal facts that a client's report contains.
    With `phrased`, a model phrases the brief; its text is used only if all its numbers are facts.
    """

    model_config = example_config(_EXAMPLE)

    name: Annotated[StorableText, Field(min_length=1, max_length=MAX_NAME_LENGTH)]
    kind: Literal["daily", "weekly", "monthly"]
    audience: Literal["team", "client"] = "team"
    creators: Annotated[list[UUID], Field(max_length=MAX_CREATORS)] = Field(default_factory=list)
    weekday: Annotated[int, Field(ge=0, le=6)] = 0
    month_day: Annotated[int, Field(ge=1, le=MAX_MONTH_DAY)] = 1
    hour: Annotated[int, Field(ge=0, le=23)] = 8
    zone: Annotated[StorableText, Field(min_length=1, max_length=60)]
    language: Literal["en", "fr"] = "en"
    formats: Annotated[list[Literal["pdf", "csv", "xlsx"]], Field(max_length=3)] = Field(
        default=["pdf"]
    )
    recipients: Annotated[list[RecipientModel], Field(max_length=MAX_RECIPIENTS)] = Field(
        default_factory=list
    )
    allowed: Annotated[list[Literal["fees", "costs", "staff"]], Field(max_length=3)] = Field(
        default_factory=list
    )
    phrased: bool = False

    def to_form(self) -> ReportForm:
        """Return the form that the schedules store."""
        return ReportForm(
            name=self.name,
            kind=ReportKind(self.kind),
            audience=self.audience,
            creators=tuple(self.creators),
            hour=self.hour,
            zone=self.zone,
            language=self.language,
            weekday=self.weekday,
            month_day=self.month_day,
            formats=tuple(map(ReportFormat, self.formats)),
            recipients=tuple(
                Recipient(one.route, one.member_id, one.address) for one in self.recipients
            ),
            allowed=frozenset(self.allowed),
            phrased=self.phrased,
        )


class ReportScheduleOut(BaseModel):
    """A scheduled report. `next_at` is the time of the next report, or null while it is paused."""

    id: UUID
    name: str
    kind: str
    audience: str
    creators: list[UUID]
    weekday: int
    month_day: int
    hour: int
    zone: str
    language: str
    formats: list[str]
    recipients: list[RecipientModel]
    allowed: list[str]
    phrased: bool
    state: str
    next_at: datetime | None


class ReportSchedulesOut(BaseModel):
    """The scheduled reports that the key may access, by name."""

    items: list[ReportScheduleOut]


class StoredReportOut(BaseModel):
    """A stored report of one period, both days included."""

    id: UUID
    first_day: date
    last_day: date
    made_at: datetime


class StoredReportsOut(BaseModel):
    """The stored reports of a schedule, newest first."""

    items: list[StoredReportOut]


class FactOut(BaseModel):
    """A number of a report; money is in minor units of `currency`. `value` is null if it is
    unknown, `before` is that of the preceding period, and `creator_id` is null for a total."""

    metric: str
    creator_id: UUID | None
    unit: str
    currency: str
    value: int | None
    before: int | None
    source: str
    as_of: str


class ReportOut(BaseModel):
    """A stored report with its facts."""

    id: UUID
    kind: str
    audience: str
    first_day: date
    last_day: date
    made_at: datetime
    version: int
    facts: list[FactOut]


class SentOut(BaseModel):
    """The number of recipients to whom a report is sent."""

    recipients: int


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/report-schedules` and `/reports`."""
    routes = APIRouter(tags=["reports"])
    _add_read_routes(routes, tenant)
    _add_write_routes(routes, tenant)
    _add_state_routes(routes, tenant)
    _add_report_routes(routes, tenant)
    return routes


def _add_read_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/report-schedules", response_model=ReportSchedulesOut)
    def list_report_schedules(call: Annotated[ApiCall, can_read]) -> ReportSchedulesOut:
        """List scheduled reports. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> ReportSchedulesOut:
            found = schedules.list_schedules(scope, _reader(sight))
            return ReportSchedulesOut(items=[_schedule_out(scope, one) for one in found])

        return call.read(ask)

    @routes.get("/report-schedules/{schedule_id}", response_model=ReportScheduleOut)
    def get_report_schedule(
        schedule_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ReportScheduleOut:
        """Return one scheduled report. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[ReportScheduleOut, str]:
            found = schedules.get_schedule(scope, schedule_id, _reader(sight))
            return _schedule_out(scope, found), state_tag(*_tag_fields(found))

        found, tag = call.read(ask)
        response.headers.update(etag_header(tag))
        return found

    @routes.get("/report-schedules/{schedule_id}/reports", response_model=StoredReportsOut)
    def list_stored_reports(
        schedule_id: UUID, call: Annotated[ApiCall, can_read]
    ) -> StoredReportsOut:
        """List the stored reports of a schedule. Requires the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> StoredReportsOut:
            reader = _reader(sight)
            schedules.get_schedule(scope, schedule_id, reader)
            items = [
                StoredReportOut(
                    id=one.id,
                    first_day=one.period.first,
                    last_day=one.period.last,
                    made_at=one.made_at,
                )
                for one in runs.list_runs(scope, schedule_id, reader)
            ]
            return StoredReportsOut(items=items)

        return call.read(ask)


def _add_write_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.post("/report-schedules", status_code=201, response_model=ReportScheduleOut)
    def add_report_schedule(
        body: ReportScheduleIn,
        call: Annotated[ApiCall, Depends(create_dependency(tenant, ApiKeyScope.REPORTS_WRITE))],
    ) -> Response:
        """Schedule a report. Its first report is that of the next period. A key that is limited to
        some creators must name creators among them. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            made = uuid7()
            schedules.create_schedule(scope, made, body.to_form(), _reader(sight))
            return _result(scope, sight, made, "report.create", status=201)

        return call.apply_once(act)

    @routes.put("/report-schedules/{schedule_id}", response_model=ReportScheduleOut)
    def change_report_schedule(
        schedule_id: UUID,
        body: ReportScheduleIn,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.REPORTS_WRITE))],
    ) -> Response:
        """Replace a scheduled report. Stored reports do not change. Requires the `reports:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_version(scope, sight, call, schedule_id)
            schedules.update_schedule(scope, schedule_id, body.to_form(), _reader(sight))
            return _result(scope, sight, schedule_id, "report.change")

        return call.apply(act)

    @routes.delete("/report-schedules/{schedule_id}", response_model=ReportScheduleOut)
    def end_report_schedule(
        schedule_id: UUID,
        call: Annotated[ApiCall, Depends(replace_dependency(tenant, ApiKeyScope.REPORTS_WRITE))],
    ) -> Response:
        """End a schedule and all links to its reports. Requires the `reports:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            found = _check_version(scope, sight, call, schedule_id)
            told = _schedule_out(scope, found)
            schedules.set_schedule_state(scope, schedule_id, "ended", _reader(sight))
            ended = told.model_copy(update={"state": "ended", "next_at": None})
            return ChangeResult(ended, "report.end", f"report:{schedule_id}")

        return call.apply(act)


def _add_state_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_write = Depends(action_dependency(tenant, ApiKeyScope.REPORTS_WRITE))

    def turn(call: ApiCall, schedule_id: UUID, state: ScheduleState) -> Response:
        def act(scope: Scope, sight: Caller) -> ChangeResult:
            _check_version(scope, sight, call, schedule_id)
            schedules.set_schedule_state(scope, schedule_id, state, _reader(sight))
            return _result(scope, sight, schedule_id, f"report.{state}")

        return call.apply_once(act)

    @routes.post("/report-schedules/{schedule_id}/pause", response_model=ReportScheduleOut)
    def pause_report_schedule(schedule_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Pause a schedule. Reports of this time are not created later. Requires the
        `reports:write` scope."""
        return turn(call, schedule_id, "paused")

    @routes.post("/report-schedules/{schedule_id}/resume", response_model=ReportScheduleOut)
    def resume_report_schedule(schedule_id: UUID, call: Annotated[ApiCall, can_write]) -> Response:
        """Resume a schedule with the next period. Requires the `reports:write` scope."""
        return turn(call, schedule_id, "active")


def _add_report_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/reports/{report_id}", response_model=ReportOut)
    def get_report(
        report_id: UUID, call: Annotated[ApiCall, can_read], response: Response
    ) -> ReportOut:
        """Return a stored report with its facts. Requires the `money:read` scope."""
        response.headers.update(etag_header(state_tag(report_id)))
        return _report_out(call.read(_read_run(report_id)))

    @routes.get(
        "/reports/{report_id}/file",
        response_class=Response,
        responses={
            200: {
                "content": {kind: {} for kind in MEDIA_TYPES.values()},
                "description": "The report as a file.",
            }
        },
    )
    def get_report_file(
        report_id: UUID,
        call: Annotated[ApiCall, can_read],
        form: Annotated[Literal["html", "pdf", "csv", "xlsx"], Query(alias="format")] = "pdf",
        language: Annotated[Literal["en", "fr"], Query()] = "en",
    ) -> Response:
        """Return a stored report as a file. The same report always gives the same bytes. Requires
        the `money:read` scope."""

        def ask(scope: Scope, sight: Caller) -> tuple[ReportRun, str]:
            return _read_run(report_id)(scope, sight), sight.member.zone

        run, zone = call.read(ask)
        document = run.document(language, zone)
        wanted = ReportFormat(form)
        name = f'attachment; filename="{file_stem(document)}.{form}"'
        return Response(
            render_report(document, wanted),
            media_type=MEDIA_TYPES[wanted],
            headers={"content-disposition": name},
        )

    @routes.post("/reports/{report_id}/send", response_model=SentOut)
    def send_report(
        report_id: UUID,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.REPORTS_WRITE))],
    ) -> Response:
        """Send a stored report again to the recipients of its schedule. 409 without a recipient, or
        if the schedule now has another audience or other creators. Requires the `reports:write`
        scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            runs.get_run(scope, report_id, _reader(sight))
            call.check_state_tag(report_id)
            count = deliveries.resend_report(scope, uuid7(), report_id, _reader(sight))
            about = f"report:{report_id}"
            return ChangeResult(SentOut(recipients=count), "report.send", about)

        return call.apply_once(act)


def _read_run(report_id: UUID) -> Callable[[Scope, Caller], ReportRun]:
    return lambda scope, sight: runs.get_run(scope, report_id, _reader(sight))


def _reader(sight: Caller) -> Member:
    """Return the member of the key, limited to the creators of the key."""
    if not sight.narrowed:
        return sight.member
    # A key without any creator must not become one for all: no creator has an empty slug.
    slugs = tuple(one.slug for one in sight.creators.values()) or ("",)
    return replace(sight.member, creators=slugs)


def _check_version(scope: Scope, sight: Caller, call: ApiCall, schedule_id: UUID) -> ReportSchedule:
    """Return a schedule in the state that its caller saw. Raises NotFound or StaleVersion."""
    scope.lock("report.schedules")
    found = schedules.get_schedule(scope, schedule_id, _reader(sight))
    call.check_state_tag(*_tag_fields(found))
    return found


def _tag_fields(one: ReportSchedule) -> tuple[object, ...]:
    form = one.form
    recipients = [each.key for each in form.recipients]
    allowed = sorted(form.allowed)
    return one.id, one.state, replace(form, recipients=(), allowed=frozenset()), recipients, allowed


def _result(
    scope: Scope, sight: Caller, schedule_id: UUID, did: str, *, status: int = 200
) -> ChangeResult:
    scope.session.flush()
    found = schedules.get_schedule(scope, schedule_id, _reader(sight))
    headers = etag_header(state_tag(*_tag_fields(found)))
    if status == 201:
        headers["location"] = f"/v1/report-schedules/{schedule_id}"
    return ChangeResult(_schedule_out(scope, found), did, f"report:{schedule_id}", status, headers)


def _schedule_out(scope: Scope, one: ReportSchedule) -> ReportScheduleOut:
    form = one.form
    due = schedules.find_next_period(scope, one)
    return ReportScheduleOut(
        id=one.id,
        name=form.name,
        kind=form.kind,
        audience=form.audience,
        creators=list(form.creators),
        weekday=form.weekday,
        month_day=form.month_day,
        hour=form.hour,
        zone=form.zone,
        language=form.language,
        formats=list(form.formats),
        recipients=[
            RecipientModel(route=each.route, member_id=each.member_id, address=each.address)
            for each in form.recipients
        ],
        allowed=sorted(form.allowed),
        phrased=form.phrased,
        state=one.state,
        next_at=due.due_at if due is not None else None,
    )


def _report_out(run: ReportRun) -> ReportOut:
    return ReportOut(
        id=run.id,
        kind=run.facts.kind,
        audience=run.facts.audience,
        first_day=run.period.first,
        last_day=run.period.last,
        made_at=run.made_at,
        version=run.facts.version,
        facts=[_fact_out(one) for one in run.facts.facts],
    )


def _fact_out(one: Fact) -> FactOut:
    return FactOut(
        metric=one.metric,
        creator_id=UUID(one.creator) if one.creator else None,
        unit=one.unit,
        currency=one.currency,
        value=one.value,
        before=one.before,
        source=one.source,
        as_of=one.as_of,
    )
