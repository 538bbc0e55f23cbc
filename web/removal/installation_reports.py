"""The removal form of the installation, for requesters who do not know the site or agency.

The receipt names platforms only, so that it does not reveal which agency has the picture. For a
picture that no agency has, it reads the same.
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

from foundation.db.database import OpenScope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.http.request_bodies import read_form
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID
from gate.removal import access_codes, installation_reports, removal_requests
from gate.removal.installation_reports import ReportDetails
from gate.removal.removal_requests import REMOVAL_CATEGORIES
from gate.reviews import appeals
from gate.text.user_input import MAX_APPEAL_LENGTH
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.removal import picture_lookup
from web.removal.receipts import ReceiptAccess, ReceiptPages, RemovalCase, parse_receipt
from web.removal.removal_requests import (
    FORM_ACTOR,
    SCRIPT_HEADERS,
    ContactIntake,
    build_case,
    new_form_id,
    parse_claim,
)
from web.site.pages import missing_page, render_template
from web.site.sites import VISITOR_ACTOR

REPORT_PATH = "/report"


class InstallationReportPages:
    """The installation's removal form and its receipts."""

    def __init__(self, tenant: OpenScope, *, base: str, letterbox_key: str) -> None:
        self._tenant = tenant
        self._base = base
        self._contacts = ContactIntake(tenant, letterbox_key)
        self._receipts = ReceiptPages(tenant, base=base)
        self._own = secrets.token_bytes(
            32
        )  # random for each process, so that the digest cannot be traced to an IP address later

    def show_form(
        self, request: Request, wrong: Message | None = None, typed: Mapping[str, str] | None = None
    ) -> Response:
        """Show the form in the visitor's language."""
        voice = _build_visitor_localizer(request)
        body = render_template(
            "removal/templates/request_form.html",
            voice,
            base=self._base,
            site=None,
            action=REPORT_PATH,
            entries=[],
            unseen="",
            categories=[(one, f"complaint.who.{one}") for one in REMOVAL_CATEGORIES],
            form=new_form_id(),
            typed=typed or {},
            longest=MAX_APPEAL_LENGTH,
            contact=self._contacts.is_available,
            wrong=voice.message_text(wrong) if wrong is not None else "",
        )
        return responses.html_response(
            request, body, status=200 if wrong is None else 422, headers=SCRIPT_HEADERS, fresh=False
        )

    def receive_report(self, request: Request, typed: dict[str, str]) -> Response:
        """Store a report and redirect to its receipt. Workers search for the picture afterwards."""
        try:
            if responses.is_cross_site(request):
                raise Refused("complaint.foreign")
            said = parse_claim(typed)
            self._contacts.store_contact(said.form, typed.get("contact", ""))
            pin, hashed = access_codes.create_access_code()
            new = removal_requests.new_receipt()
            address = request.client.host if request.client else ""
            with self._tenant(INSTALLATION_ID, FORM_ACTOR, role="door") as scope:
                receipt = installation_reports.receive_report(
                    scope,
                    receipt=new,
                    pin_hash=hashed,
                    category=typed.get("who", ""),
                    given=said,
                    looks=picture_lookup.parse_fingerprints(typed.get("look", "")),
                    source=hmac.new(self._own, address.encode(), hashlib.sha256).hexdigest()[:32],
                )
        except GreenroomError as refused:
            return self.show_form(request, refused.message, typed)
        held, now, _ = self._load_report_access(request, receipt)
        return (
            self._receipts.issue_receipt(held, pin, now)
            if receipt == new
            else RedirectResponse(held.path, status_code=303)
        )

    def show_receipt(
        self, request: Request, typed: str, *, wrong: Message | None = None, words: str = ""
    ) -> Response:
        """Show the status of a report to a visitor who entered its code, and the code form to
        others."""
        receipt = parse_receipt(typed)
        if not receipt:
            return missing_page(request)
        held, now, report = self._load_report_access(request, receipt)
        if report is None or not self._receipts.is_admitted(request, held, now):
            return self._receipts.show_code_form(request, held)
        seeking = report.sought_at is None
        return self._receipts.show_receipt(
            request, held, self._load_cases(report), now, wrong=wrong, typed=words, seeking=seeking
        )

    def submit_receipt_form(
        self, request: Request, typed_number: str, typed: dict[str, str]
    ) -> Response:
        """Process a code, or an appeal against a rejected request."""
        receipt = parse_receipt(typed_number)
        if not receipt:
            return missing_page(request)
        held, now, report = self._load_report_access(request, receipt)
        if "pin" in typed:
            return self._receipts.submit_code(request, held, typed["pin"], now)
        if report is None or not self._receipts.is_admitted(request, held, now):
            return self._receipts.show_code_form(request, held, Message("receipt.first"))
        words = typed.get("words")
        try:
            if responses.is_cross_site(request):
                raise Refused("complaint.foreign")
            if words is None:
                raise BadInput("appeal.too_long", most=MAX_APPEAL_LENGTH)
            self._submit_appeal(report, typed.get("case", ""), words)
        except GreenroomError as refused:
            return self.show_receipt(request, receipt, wrong=refused.message, words=words or "")
        return RedirectResponse(held.path, status_code=303)

    def _submit_appeal(self, report: ReportDetails, number: str, words: str) -> None:
        """Appeal the decision on the n-th match of the report. Raises NotFound for an unknown
        number."""
        place = next((one for one in range(len(report.found)) if str(one) == number), None)
        if place is None:
            raise NotFound("complaint.unknown")
        tenant_id, receipt = report.found[place]
        with self._tenant(tenant_id, FORM_ACTOR) as scope:
            known = removal_requests.find_status_by_receipt(scope, receipt)
            appeals.submit_requester_appeal(
                scope, receipt, creator_id=known.creator_id, words=words
            )

    def _load_cases(self, report: ReportDetails) -> Sequence[RemovalCase]:
        found = []
        for tenant_id, receipt in report.found:
            with self._tenant(tenant_id, VISITOR_ACTOR) as scope:
                found.append(
                    build_case(
                        scope,
                        removal_requests.find_status_by_receipt(scope, receipt),
                        by_account=False,
                    )
                )
        return found

    def _load_report_access(
        self, request: Request, receipt: str
    ) -> tuple[ReceiptAccess, datetime, ReportDetails | None]:
        with self._tenant(INSTALLATION_ID, VISITOR_ACTOR) as scope:
            try:
                report = installation_reports.find_report_by_receipt(scope, receipt)
                hashed = installation_reports.report_code_hash(scope, receipt)
            except NotFound:
                report = None
                hashed = None
            path = f"{REPORT_PATH}/{receipt}"
            held = ReceiptAccess(
                INSTALLATION_ID,
                receipt,
                path,
                hashed,
                open=False,
                site=None,
                voice=_build_visitor_localizer(request),
            )
            return held, scope.now, report


def _build_visitor_localizer(request: Request) -> VisitorLocalizer:
    return VisitorLocalizer(
        preferred_language(request.headers.get("accept-language", "")), ZoneInfo("UTC")
    )


def router(tenant: OpenScope, *, public_url: str, letterbox_key: str) -> APIRouter:
    """Create the routes of the installation's removal form."""
    here = InstallationReportPages(tenant, base=public_url, letterbox_key=letterbox_key)
    routes = APIRouter(prefix=REPORT_PATH)

    @routes.get("")
    def ask(request: Request) -> Response:
        return here.show_form(request)

    @routes.post("")
    async def receive(request: Request) -> Response:
        return await run_in_threadpool(
            here.receive_report, request, await read_form(request.stream())
        )

    @routes.get("/{receipt}")
    def receipt(request: Request, receipt: str) -> Response:
        return here.show_receipt(request, receipt)

    @routes.post("/{receipt}")
    async def post(request: Request, receipt: str) -> Response:
        return await run_in_threadpool(
            here.submit_receipt_form,
            request,
            receipt,
            await read_form(request.stream()),
        )

    return routes
