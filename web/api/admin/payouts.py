"""API routes of payouts: recorded payouts of a creator, and the payout statement of a month as
JSON, CSV and PDF. Amounts are in minor units."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from foundation.money import Money
from insights.reports.payout_statement_pdf import render_payout_statement_pdf
from subscribers.ledger import payout_statements, payouts
from subscribers.ledger.payout_statements import CurrencyStatement, PayoutStatement
from subscribers.ledger.payouts import MAX_REFERENCE, PayoutDraft, PayoutView
from tenants.agencies.rights import Right, require_right
from tenants.api_keys.keys import ApiKeyScope
from web.api.common.calls import (
    ApiCall,
    Caller,
    ChangeResult,
    action_dependency,
    etag_header,
    read_dependency,
    state_tag,
)
from web.api.common.schemas import Day, RequestModel, StorableText

MAX_AMOUNT_MINOR = 10**15
Party = Literal["creator", "agency", "team", "other"]
PARTIES: Mapping[str, Party] = {
    "creator_due": "creator",
    "agency_due": "agency",
    "chatter_due": "team",
    "party_due": "other",
}
"""Published names of the parties by the first part of their account."""


TOTALS = (
    *("sales", "refunds", "fees", "commission", "unsplit", "opening", "earned"),
    *("reversed", "adjustments", "paid", "closing"),
)
"""Amounts of a section."""


class AmountOut(BaseModel):
    """An amount in minor units of `currency`."""

    minor: int
    currency: str


class PartyAmountOut(BaseModel):
    """The net amount of one party. `party` is creator, agency, team or other; `name` is set for
    other parties."""

    party: Party
    name: str
    minor: int


class StatementSectionOut(BaseModel):
    """The statement in one currency: `opening` + `earned` - `reversed` + `adjustments` - `paid` =
    `closing` is what is due to the creator."""

    currency: str
    sales: int
    refunds: int
    fees: int
    split: list[PartyAmountOut]
    commission: int
    unsplit: int
    opening: int
    earned: int
    reversed: int
    adjustments: int
    paid: int
    closing: int


class PayoutOut(BaseModel):
    """A recorded payout. `recipient` is `creator_due`, `chatter_due` or `party_due:<id>`."""

    id: UUID
    recipient: str
    amount: AmountOut
    paid_on: date
    reference: str


class PayoutStatementOut(BaseModel):
    """The payout statement of a month. `closed` is false while the amounts can still change."""

    number: str
    agency: str
    creator_id: UUID
    creator: str
    month: str
    closed: bool
    sections: list[StatementSectionOut]
    payouts: list[PayoutOut]


class RecipientOut(BaseModel):
    """A party that can be paid, with what is due to it."""

    recipient: str
    name: str
    due: list[AmountOut]


class PayoutsOut(BaseModel):
    """The payouts of a creator, oldest first, and the parties that can be paid."""

    items: list[PayoutOut]
    recipients: list[RecipientOut]


class PayoutIn(RequestModel):
    """A payout to record. `paid_on` is a day in the creator's time zone, today at the latest."""

    recipient: Annotated[StorableText, Field(max_length=60)] = "creator_due"
    minor: Annotated[int, Field(ge=1, le=MAX_AMOUNT_MINOR, strict=True)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$", examples=["EUR"])]
    paid_on: Day
    reference: Annotated[StorableText, Field(min_length=1, max_length=MAX_REFERENCE)]


def router(tenant: OpenScope) -> APIRouter:
    """Create the routes under `/creators/{creator_id}/payouts` and `/statements`."""
    routes = APIRouter(prefix="/creators/{creator_id}", tags=["accounting"])
    _add_payout_routes(routes, tenant)
    _add_statement_routes(routes, tenant)
    return routes


def _add_payout_routes(routes: APIRouter, tenant: OpenScope) -> None:
    @routes.get("/payouts", response_model=PayoutsOut)
    def list_recorded_payouts(
        creator_id: UUID,
        call: Annotated[ApiCall, Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))],
        response: Response,
    ) -> PayoutsOut:
        """List the recorded payouts of a creator and what is due now. Requires the `money:read`
        scope."""
        found = call.read(
            lambda scope, sight: _load_payouts(scope, sight.get_creator(creator_id).id)
        )
        response.headers.update(etag_header(state_tag(*_payout_ids(found))))
        return found

    @routes.post("/payouts", status_code=201, response_model=PayoutsOut)
    def record_payout(
        creator_id: UUID,
        body: PayoutIn,
        call: Annotated[ApiCall, Depends(action_dependency(tenant, ApiKeyScope.MONEY_WRITE))],
    ) -> Response:
        """Record a payout, which lowers what is due. Greenroom moves no money. Requires the
        `money:write` scope."""

        def act(scope: Scope, sight: Caller) -> ChangeResult:
            creator = sight.get_creator(creator_id)
            require_right(sight.member.role, Right.BOOKS)
            call.check_state_tag(*_payout_ids(_load_payouts(scope, creator.id)))
            money = Money(body.minor, body.currency)
            draft = PayoutDraft(money, body.paid_on, body.reference, body.recipient)
            payouts.record_payout(scope, creator.id, draft, payout_id=uuid7())
            found = _load_payouts(scope, creator.id)
            return ChangeResult(
                found,
                "payout.record",
                f"creator:{creator.id}",
                201,
                etag_header(state_tag(*_payout_ids(found))),
            )

        return call.apply_once(act)


def _add_statement_routes(routes: APIRouter, tenant: OpenScope) -> None:
    can_read = Depends(read_dependency(tenant, ApiKeyScope.MONEY_READ))

    @routes.get("/statements/{month}", response_model=PayoutStatementOut)
    def get_statement(
        creator_id: UUID, month: str, call: Annotated[ApiCall, can_read]
    ) -> PayoutStatementOut:
        """Return the payout statement of a month such as `2031-03`. Requires the `money:read`
        scope."""
        return _build_statement_out(call.read(_read_statement(creator_id, month)))

    @routes.get(
        "/statements/{month}/csv",
        response_class=Response,
        responses={200: {"content": {"text/csv": {}}, "description": "The statement as CSV."}},
    )
    def get_statement_csv(
        creator_id: UUID, month: str, call: Annotated[ApiCall, can_read]
    ) -> Response:
        """Return the payout statement of a month as CSV. Requires the `money:read` scope."""
        found = call.read(_read_statement(creator_id, month))
        return _file_response(
            found, payout_statements.render_statement_csv(found).encode(), "csv", "text/csv"
        )

    @routes.get(
        "/statements/{month}/pdf",
        response_class=Response,
        responses={
            200: {"content": {"application/pdf": {}}, "description": "The statement as PDF."}
        },
    )
    def get_statement_pdf(
        creator_id: UUID,
        month: str,
        call: Annotated[ApiCall, can_read],
        language: Annotated[Literal["en", "fr"], Query()] = "en",
    ) -> Response:
        """Return the payout statement of a month as PDF in a language. Requires the `money:read`
        scope."""
        found = call.read(_read_statement(creator_id, month))
        made = render_payout_statement_pdf(found, language)
        return _file_response(found, made, "pdf", "application/pdf")


def _read_statement(creator_id: UUID, month: str) -> Callable[[Scope, Caller], PayoutStatement]:
    """Return the read of a statement. It raises NotFound for a creator that the key may not access
    and for a month that is not written as `2031-03`."""

    def ask(scope: Scope, sight: Caller) -> PayoutStatement:
        creator = sight.get_creator(creator_id)
        try:
            first = payout_statements.parse_month(month)
        except BadInput:
            raise NotFound("statement.unknown_month") from None
        return payout_statements.load_payout_statement(scope, creator.id, first)

    return ask


def _file_response(
    found: PayoutStatement, content: bytes, extension: str, media_type: str
) -> Response:
    name = f"payout-{found.number.lower()}.{extension}"
    headers = {"content-disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=media_type, headers=headers)


def _load_payouts(scope: Scope, creator_id: UUID) -> PayoutsOut:
    recipients = [
        RecipientOut(
            recipient=one.account,
            name=one.name,
            due=[AmountOut(minor=each.minor, currency=each.currency) for each in one.due],
        )
        for one in payouts.list_recipients(scope, creator_id)
    ]
    items = [_build_payout_out(one) for one in payouts.list_payouts(scope, creator_id)]
    return PayoutsOut(items=items, recipients=recipients)


def _payout_ids(found: PayoutsOut) -> list[str]:
    return [str(one.id) for one in found.items]


def _build_payout_out(one: PayoutView) -> PayoutOut:
    return PayoutOut(
        id=one.id,
        recipient=one.account,
        amount=AmountOut(minor=one.money.minor, currency=one.money.currency),
        paid_on=one.paid_on,
        reference=one.reference,
    )


def _build_statement_out(found: PayoutStatement) -> PayoutStatementOut:
    return PayoutStatementOut(
        number=found.number,
        agency=found.agency,
        creator_id=found.creator.id,
        creator=found.creator.name,
        month=f"{found.month:%Y-%m}",
        closed=found.closed,
        sections=[_build_section_out(one) for one in found.sections],
        payouts=[_build_payout_out(one) for one in found.payouts],
    )


def _build_section_out(one: CurrencyStatement) -> StatementSectionOut:
    split = [
        PartyAmountOut(
            party=PARTIES[line.account.partition(":")[0]], name=line.name, minor=line.money.minor
        )
        for line in one.split
    ]
    amounts = {name: getattr(one, name).minor for name in TOTALS}
    return StatementSectionOut(currency=one.currency, split=split, **amounts)
