"""The page of a receipt: opened by its code, it says how a request stands, and takes an appeal.

The address alone shows nothing, not even whether anybody was given it. Who typed the code is let in
for an hour by a cookie of this page alone; who just asked reads the code here once, for ten
minutes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from fastapi import Request
from fastapi.responses import RedirectResponse, Response

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError, Refused
from foundation.i18n.translation import Message
from gate.contract.states import RemovalRequestState
from gate.removal import access_codes
from gate.removal.request_status import RequestStatus
from gate.removal.rulings import AGENCY_SIDE, REQUESTER_SIDE
from gate.reviews import appeals
from gate.text.user_input import MAX_APPEAL_LENGTH
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.site.pages import render_template
from web.site.sites import SiteProfile

_RECEIPT = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}")
PASS_COOKIE = "receipt"  # noqa: S105  the name of a field, no secret
CODE_COOKIE = "code"
"""Cookies: what lets in, and the code itself while it is shown."""

CODE_SECONDS = 600
"""Seconds in which the code can be read again by who just asked."""

RECEIPT_HEADERS = {"x-robots-tag": "noindex", "referrer-policy": "no-referrer"}


@dataclass(frozen=True)
class CopyLocation:
    """One place where a copy was: `gone_at` once it is proven gone, `by_hand` where a person has to
    take it away, `replaced` where it shows something of the house until then."""

    name: str
    gone_at: datetime | None
    by_hand: bool
    replaced: bool


@dataclass(frozen=True)
class RemovalCase:
    """A request on the page of its receipt. `private` and `private_gone` count what went to single
    readers."""

    known: RequestStatus
    places: tuple[CopyLocation, ...]
    private: int
    private_gone: int
    described: bool
    demo: bool = False
    """Of a demonstration, where nobody is waited for."""

    @property
    def is_pending(self) -> bool:
        """Whether something may still change by itself."""
        gone = all(one.gone_at for one in self.places) and self.private == self.private_gone
        return self.known.outcome is not RemovalRequestState.REJECTED and not gone

    def appeal_deadline(self, side: str) -> datetime | None:
        """Until when this side may have it looked at again."""
        return appeals.appeal_deadline(self.known, side)


@dataclass(frozen=True)
class ReceiptAccess:
    """A receipt before somebody's eyes: whose page it is on, what is kept of its code (None where
    nobody has it)."""

    tenant_id: UUID
    receipt: str
    path: str
    pin_hash: str | None
    open: bool
    """It was given before there were codes: its number is enough."""
    site: SiteProfile | None
    voice: VisitorLocalizer


def parse_receipt(typed: str) -> str:
    """The receipt as it was given, however it was typed; "" for what never was one: it never
    reaches the database."""
    receipt = typed.strip().upper()
    return receipt if _RECEIPT.fullmatch(receipt) else ""


class ReceiptPages:
    """Who may read which receipt, and how it is shown."""

    def __init__(self, tenant: OpenScope, *, base: str) -> None:
        self._tenant = tenant
        self._base = base
        self._secure = base.startswith("https://")

    def is_admitted(self, request: Request, held: ReceiptAccess, now: datetime) -> bool:
        """Whether this browser may read it."""
        shown = request.cookies.get(PASS_COOKIE, "")
        known = held.pin_hash is not None and access_codes.is_pass_valid(
            held.tenant_id, held.receipt, held.pin_hash, shown, now
        )
        return held.open or known

    def issue_receipt(self, held: ReceiptAccess, pin: str, now: datetime) -> Response:
        """Lead who just asked to their receipt, and let them in; the code comes with them."""
        answer = RedirectResponse(held.path, status_code=303, headers={"cache-control": "no-store"})
        self._grant_access(answer, held, now)
        self._set_access_cookie(answer, held, CODE_COOKIE, pin, CODE_SECONDS)
        return answer

    def submit_code(
        self, request: Request, held: ReceiptAccess, typed: str, now: datetime
    ) -> Response:
        """Somebody typed a code."""
        address = request.client.host if request.client else ""
        try:
            if responses.is_cross_site(request):
                raise Refused("complaint.foreign")
            access_codes.verify_access_code(
                self._tenant,
                f"{held.tenant_id}:{held.receipt}",
                held.pin_hash,
                typed,
                address=address,
            )
        except GreenroomError as refused:
            return self.show_code_form(request, held, refused.message)
        answer = RedirectResponse(held.path, status_code=303, headers={"cache-control": "no-store"})
        self._grant_access(answer, held, now)
        return answer

    def show_code_form(
        self, request: Request, held: ReceiptAccess, wrong: Message | None = None
    ) -> Response:
        """Where the code is asked for: the same for every number."""
        said = held.voice.message_text(wrong) if wrong is not None else ""
        body = render_template(
            "removal/templates/receipt_code.html",
            held.voice,
            site=held.site,
            path=held.path,
            wrong=said,
        )
        return responses.html_response(
            request,
            body,
            status=200 if wrong is None else 422,
            headers=RECEIPT_HEADERS,
            fresh=False,
        )

    def show_receipt(
        self,
        request: Request,
        held: ReceiptAccess,
        cases: Sequence[RemovalCase],
        now: datetime,
        *,
        wrong: Message | None = None,
        typed: str = "",
        seeking: bool = False,
    ) -> Response:
        """How it stands, with the reasons; it is looked at again by itself until all is gone.
        `seeking`: the workers have not looked yet for what is meant."""
        pin = request.cookies.get(CODE_COOKIE, "")
        body = render_template(
            "removal/templates/receipt.html",
            held.voice,
            base=self._base,
            site=held.site,
            path=held.path,
            receipt=held.receipt,
            pin=pin
            if pin.isascii() and pin.isdigit() and len(pin) == access_codes.CODE_DIGITS
            else "",
            cases=cases,
            seeking=seeking,
            now=now,
            asked=REQUESTER_SIDE,
            agency=AGENCY_SIDE,
            longest=MAX_APPEAL_LENGTH,
            typed=typed,
            wrong=held.voice.message_text(wrong) if wrong is not None else "",
        )
        waits: Mapping[str, str] = (
            {"refresh": "2"}
            if seeking or any(one.is_pending and one.places for one in cases)
            else {}
        )
        return responses.html_response(
            request,
            body,
            status=200 if wrong is None else 422,
            headers={**RECEIPT_HEADERS, **waits},
            fresh=False,
        )

    def _grant_access(self, answer: Response, held: ReceiptAccess, now: datetime) -> None:
        if held.pin_hash is not None:
            granted = access_codes.issue_pass(held.tenant_id, held.receipt, held.pin_hash, now)
            self._set_access_cookie(
                answer, held, PASS_COOKIE, granted, int(access_codes.PASS_LIFETIME.total_seconds())
            )

    def _set_access_cookie(
        self, answer: Response, held: ReceiptAccess, name: str, value: str, seconds: int
    ) -> None:
        answer.set_cookie(
            name,
            value,
            max_age=seconds,
            path=held.path,
            secure=self._secure,
            httponly=True,
            samesite="strict",
        )
