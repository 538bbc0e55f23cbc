"""Receipts of removal requests: the code form, the status of the requests and the appeal form.

A receipt's URL shows nothing without its code, not even whether the receipt exists. The code grants
access for an hour, through a cookie limited to that URL. A new requester sees the code for ten
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
PASS_COOKIE = "receipt"  # noqa: S105  the name of a field, not a secret
CODE_COOKIE = "code"
"""Cookies that grant access to a receipt and that carry the code while it is shown."""

CODE_SECONDS = 600
"""Seconds during which a new requester can read the code."""

RECEIPT_HEADERS = {"x-robots-tag": "noindex", "referrer-policy": "no-referrer"}


@dataclass(frozen=True)
class CopyLocation:
    """A published copy. `gone_at` is set once its removal is verified, `by_hand` is True if a
    member must remove it manually, and `replaced` is True if a replacement picture is shown until
    then."""

    name: str
    gone_at: datetime | None
    by_hand: bool
    replaced: bool


@dataclass(frozen=True)
class RemovalCase:
    """A removal request as the receipt shows it. `private` and `private_gone` count copies that
    were sent to individual fans."""

    known: RequestStatus
    places: tuple[CopyLocation, ...]
    private: int
    private_gone: int
    described: bool
    demo: bool = False
    """True for the demo agency, whose requests are not waiting for a person."""

    @property
    def is_pending(self) -> bool:
        """True if the request was not rejected and copies still have to be removed."""
        gone = all(one.gone_at for one in self.places) and self.private == self.private_gone
        return self.known.outcome is not RemovalRequestState.REJECTED and not gone

    def appeal_deadline(self, side: str) -> datetime | None:
        """Return the time until which this side may appeal, or None."""
        return appeals.appeal_deadline(self.known, side)


@dataclass(frozen=True)
class ReceiptAccess:
    """A receipt and the site it belongs to. `pin_hash` is None if the receipt does not exist."""

    tenant_id: UUID
    receipt: str
    path: str
    pin_hash: str | None
    open: bool
    """True for receipts issued before codes were introduced. They need no code."""
    site: SiteProfile | None
    voice: VisitorLocalizer


def parse_receipt(typed: str) -> str:
    """Return a receipt number in its canonical form, or "" if it is malformed. Malformed numbers
    must not reach the database."""
    receipt = typed.strip().upper()
    return receipt if _RECEIPT.fullmatch(receipt) else ""


class ReceiptPages:
    """Access control and pages of receipts."""

    def __init__(self, tenant: OpenScope, *, base: str) -> None:
        self._tenant = tenant
        self._base = base
        self._secure = base.startswith("https://")

    def is_admitted(self, request: Request, held: ReceiptAccess, now: datetime) -> bool:
        """Return True if this browser may read the receipt."""
        shown = request.cookies.get(PASS_COOKIE, "")
        known = held.pin_hash is not None and access_codes.is_pass_valid(
            held.tenant_id, held.receipt, held.pin_hash, shown, now
        )
        return held.open or known

    def issue_receipt(self, held: ReceiptAccess, pin: str, now: datetime) -> Response:
        """Redirect a new requester to the receipt, with access granted and the code in a cookie."""
        answer = RedirectResponse(held.path, status_code=303, headers={"cache-control": "no-store"})
        self._grant_access(answer, held, now)
        self._set_access_cookie(answer, held, CODE_COOKIE, pin, CODE_SECONDS)
        return answer

    def submit_code(
        self, request: Request, held: ReceiptAccess, typed: str, now: datetime
    ) -> Response:
        """Verify a code and grant access, or show the code form with the error."""
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
        """Show the code form. It is the same for existing and unknown receipts."""
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
        """Show the status of the requests with their reasons. The page reloads until all copies are
        removed.

        `seeking` is True while the workers search for the picture.
        """
        pin = request.cookies.get(CODE_COOKIE, "")
        body = render_template(
            "removal/templates/receipt.html",
            held.voice,
            base=self._base,
            site=held.site,
            path=held.path,
            receipt=held.receipt,
            pin=pin
            # The cookie is untrusted input.
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
