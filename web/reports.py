"""The form of the installation as a whole: for who does not know whose page, or which agency, it is.

Where it was found is never told: the receipt names platforms alone, and says the same of a picture that nobody has.
"""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from foundation.database import OpenScope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ids import HOUSE
from foundation.words import Message
from gate import appealing, complaints, pins, reports
from gate.appealing import LONGEST
from gate.complaints import CATEGORIES
from gate.reports import Report
from web import answers, finding
from web.complaints import MOST_TYPED, SCRIPTED, WRITING, Contacts, case, given, new_form
from web.forms import typed_form
from web.page import missing, rendered
from web.receipts import Case, Held, Receipts, typed_receipt
from web.sites import LOOKING
from web.wording import Wording, spoken

PATH = "/report"


class Reports:
    """The form without a page, and its receipts."""

    def __init__(self, tenant: OpenScope, *, base: str, letterbox_key: str) -> None:
        self._tenant, self._base = tenant, base
        self._contacts, self._receipts = Contacts(tenant, letterbox_key), Receipts(tenant, base=base)
        self._own = secrets.token_bytes(32)  # of this process alone: where somebody came from is not told afterwards

    def ask(self, request: Request, wrong: Message | None = None, typed: Mapping[str, str] | None = None) -> Response:
        """The form, in the visitor's language."""
        voice = _voice(request)
        body = rendered(
            "complaint.html",
            voice,
            base=self._base,
            site=None,
            action=PATH,
            entries=[],
            unseen="",
            categories=[(one, f"complaint.who.{one}") for one in CATEGORIES],
            form=new_form(),
            typed=typed or {},
            longest=LONGEST,
            contact=self._contacts.taken,
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        return answers.page(request, body, status=200 if wrong is None else 422, headers=SCRIPTED, fresh=False)

    def receive(self, request: Request, typed: dict[str, str]) -> Response:
        """Write a report down and lead to its receipt; the workers look for what it means."""
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            said = given(typed)
            self._contacts.keep(said.form, typed.get("contact", ""))
            pin, hashed = pins.new()
            new = complaints.new_receipt()
            address = request.client.host if request.client else ""
            with self._tenant(HOUSE, WRITING, role="door") as scope:
                receipt = reports.receive(
                    scope,
                    receipt=new,
                    pin_hash=hashed,
                    category=typed.get("who", ""),
                    given=said,
                    looks=finding.looks_typed(typed.get("look", "")),
                    source=hmac.new(self._own, address.encode(), hashlib.sha256).hexdigest()[:32],
                )
        except GreenroomError as refused:
            return self.ask(request, refused.message, typed)
        held, now, _ = self._held(request, receipt)
        return self._receipts.given(held, pin, now) if receipt == new else RedirectResponse(held.path, status_code=303)

    def receipt(self, request: Request, typed: str, *, wrong: Message | None = None, words: str = "") -> Response:
        """How a report stands, for who gave its code; the door for everybody else."""
        receipt = typed_receipt(typed)
        if not receipt:
            return missing(request)
        held, now, report = self._held(request, receipt)
        if report is None or not self._receipts.lets_in(request, held, now):
            return self._receipts.door(request, held)
        seeking = report.sought_at is None
        return self._receipts.show(request, held, self._cases(report), now, wrong=wrong, typed=words, seeking=seeking)

    def post(self, request: Request, typed_number: str, typed: dict[str, str]) -> Response:
        """A code, or an appeal against one of the refusals."""
        receipt = typed_receipt(typed_number)
        if not receipt:
            return missing(request)
        held, now, report = self._held(request, receipt)
        if "pin" in typed:
            return self._receipts.enter(request, held, typed["pin"], now)
        if report is None or not self._receipts.lets_in(request, held, now):
            return self._receipts.door(request, held, Message("receipt.first"))
        words = typed.get("words")
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            if words is None:
                raise BadInput("appeal.too_long", most=LONGEST)
            self._appeal(report, typed.get("case", ""), words)
        except GreenroomError as refused:
            return self.receipt(request, receipt, wrong=refused.message, words=words or "")
        return RedirectResponse(held.path, status_code=303)

    def _appeal(self, report: Report, number: str, words: str) -> None:
        """Appeal against the decision about the n-th find. Raises NotFound for a number that is none."""
        place = next((one for one in range(len(report.found)) if str(one) == number), None)
        if place is None:
            raise NotFound("complaint.unknown")
        tenant_id, receipt = report.found[place]
        with self._tenant(tenant_id, WRITING) as scope:
            known = complaints.by_receipt(scope, receipt)
            appealing.ask(scope, receipt, creator_id=known.creator_id, words=words)

    def _cases(self, report: Report) -> Sequence[Case]:
        found = []
        for tenant_id, receipt in report.found:
            with self._tenant(tenant_id, LOOKING) as scope:
                found.append(case(scope, complaints.by_receipt(scope, receipt), by_account=False))
        return found

    def _held(self, request: Request, receipt: str) -> tuple[Held, datetime, Report | None]:
        with self._tenant(HOUSE, LOOKING) as scope:
            try:
                report, hashed = reports.by_receipt(scope, receipt), reports.pin_hash(scope, receipt)
            except NotFound:
                report, hashed = None, None
            path = f"{PATH}/{receipt}"
            held = Held(HOUSE, receipt, path, hashed, open=False, site=None, voice=_voice(request))
            return held, scope.now, report


def _voice(request: Request) -> Wording:
    return Wording(spoken(request.headers.get("accept-language", "")), ZoneInfo("UTC"))


def router(tenant: OpenScope, *, public_url: str, letterbox_key: str) -> APIRouter:
    """The public routes of the form that belongs to no page."""
    here, routes = Reports(tenant, base=public_url, letterbox_key=letterbox_key), APIRouter(prefix=PATH)

    @routes.get("")
    def ask(request: Request) -> Response:
        return here.ask(request)

    @routes.post("")
    async def receive(request: Request) -> Response:
        return await run_in_threadpool(here.receive, request, await typed_form(request, most=MOST_TYPED))

    @routes.get("/{receipt}")
    def receipt(request: Request, receipt: str) -> Response:
        return here.receipt(request, receipt)

    @routes.post("/{receipt}")
    async def post(request: Request, receipt: str) -> Response:
        return await run_in_threadpool(here.post, request, receipt, await typed_form(request, most=MOST_TYPED))

    return routes
