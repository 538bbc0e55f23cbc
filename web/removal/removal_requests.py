"""The removal form of a creator's site, for depicted people without an account, and its
receipts."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels.accounts import queries
from channels.manual_tasks import task_lifecycle
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.http.request_bodies import read_form
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.removal import access_codes, installation_reports, receipts, removal_requests
from gate.removal.receipts import SubmittedForm
from gate.removal.removal_requests import REMOVAL_CATEGORIES, RequestStatus
from gate.reviews import appeals
from gate.text.user_input import MAX_APPEAL_LENGTH, clean_paragraph
from tenants.agencies.queries import get_agency
from tenants.vault import sealed_intake
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.removal import picture_lookup
from web.removal.receipts import (
    CopyLocation,
    ReceiptAccess,
    ReceiptPages,
    RemovalCase,
    parse_receipt,
)
from web.site import items, sites
from web.site.pages import load_visitor_localizer, missing_page, render_template
from web.site.sites import VISITOR_ACTOR, SiteProfile, SiteRef

ITEMS_OFFERED = 12
MAX_CONTACT_LENGTH = 200
FORM_ACTOR = "system:web-form"
_FORM = re.compile(r"[A-Za-z0-9_-]{22}")
SCRIPT_HEADERS = {
    "content-security-policy": f"{responses.CONTENT_SECURITY_POLICY}; script-src 'self'"
}
"""Headers that allow one script of this host, which computes a perceptual hash in the browser."""


def build_case(scope: Scope, found: RequestStatus, *, by_account: bool = True) -> RemovalCase:
    """Return a removal request with one entry for each published copy. Copies are named after their
    account, or after the platform alone if `by_account` is False."""
    accounts = {one.id: one for one in queries.list_channels(scope)}
    private = [copy for copy in found.copies if copy.viewer]
    awaited = task_lifecycle.awaiting_removal(scope, [copy.jti for copy in found.copies])
    replaced = live_copies.replaced_permits(scope, found.copies)

    def place(copy: LiveCopy) -> CopyLocation:
        account = accounts.get(copy.channel_id)
        name = account.name if account is not None and by_account else copy.platform
        by_hand = copy.jti in awaited or (account is not None and account.is_manual)
        return CopyLocation(name, copy.removed_at, by_hand, copy.jti in replaced)

    return RemovalCase(
        known=found,
        places=tuple(place(copy) for copy in found.copies if not copy.viewer),
        private=len(private),
        private_gone=sum(1 for copy in private if copy.removed_at is not None),
        described=not found.found,
        demo=get_agency(scope).demo,
    )


def parse_claim(typed: Mapping[str, str]) -> SubmittedForm:
    """Return the description fields of a submitted form. Raises BadInput for an invalid URL or text
    that is too long."""
    form = typed.get("form", "")
    return SubmittedForm(
        address=picture_lookup.parse_typed_url(typed.get("address", "")),
        words=clean_paragraph(typed.get("words", "")),
        by_house=typed.get("house", "") == "yes",
        form=form if _FORM.fullmatch(form) else new_form_id(),
    )


def in_visitor_language(
    request: Request, site: SiteProfile, voice: VisitorLocalizer
) -> tuple[SiteProfile, VisitorLocalizer]:
    """Return the site and a localizer for the visitor's language. Requesters did not choose the
    creator, so the site's language is only the fallback."""
    language = preferred_language(
        request.headers.get("accept-language", ""), otherwise=site.language
    )
    return site, replace(voice, language=language)


def new_form_id() -> str:
    """Return a random form ID. A form that is submitted twice creates one request."""
    return secrets.token_urlsafe(16)


class ContactIntake:
    """Stores contact details, sealed with the installation's public key. Without a key, it stores
    none."""

    def __init__(self, tenant: OpenScope, letterbox_key: str) -> None:
        self._tenant = tenant
        self._key = letterbox_key

    @property
    def is_available(self) -> bool:
        """True if the form may request contact details."""
        return bool(self._key)

    def store_contact(self, form: str, typed: str) -> None:
        """Store the contact details of a form, before its request is stored. Raises BadInput if
        they are too long."""
        contact = clean_paragraph(typed)
        if len(contact) > MAX_CONTACT_LENGTH:
            raise BadInput("report.contact", most=MAX_CONTACT_LENGTH)
        if contact and self._key:
            letter = sealed_intake.seal_form(self._key, INSTALLATION_ID, {"contact": contact})
            with self._tenant(INSTALLATION_ID, FORM_ACTOR, role="door") as scope:
                installation_reports.store_contact(scope, form, letter)


class RemovalRequestPages:
    """Removal forms and receipts of all sites."""

    def __init__(self, tenant: OpenScope, *, public_url: str, letterbox_key: str) -> None:
        self._tenant = tenant
        self._base = public_url
        self._contacts = ContactIntake(tenant, letterbox_key)
        self._receipts = ReceiptPages(tenant, base=public_url)

    def show_form(
        self,
        request: Request,
        slug: str,
        named: str = "",
        wrong: Message | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """Show the form with the item that was named, or with the newest items."""
        found = sites.find_site_by_slug(self._tenant, slug)
        if found is None:
            return missing_page(request)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            site, voice = in_visitor_language(request, *load_visitor_localizer(scope, found))
            listing = items.list_newest(scope, found, limit=ITEMS_OFFERED)
            entries = [one for one in (listing.entries if listing else ()) if one.media]
            if named:
                known = items.find_item(scope, found, named)[1]
                entries = [known] if known is not None and known.media else []
            unseen = named if not entries and items.item_files(scope, found, named) else ""
        body = render_template(
            "removal/templates/request_form.html",
            voice,
            base=self._base,
            site=site,
            action=f"/{site.slug}/report",
            entries=entries,
            unseen=unseen,
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

    def receive_request(self, request: Request, slug: str, typed: dict[str, str]) -> Response:
        """Store a removal request and redirect to its receipt."""
        found = sites.find_site_by_slug(self._tenant, slug)
        if found is None:
            return missing_page(request)
        try:
            if responses.is_cross_site(request):
                raise Refused("complaint.foreign")
            said = parse_claim(typed)
            self._contacts.store_contact(said.form, typed.get("contact", ""))
            pin, hashed = access_codes.create_access_code()
            receipt, fresh = self._record_request(request, found, typed, said, hashed)
        except GreenroomError as refused:
            return self.show_form(request, slug, typed.get("item", ""), refused.message, typed)
        held, now = self._load_receipt_access(request, found, receipt)
        return (
            self._receipts.issue_receipt(held, pin, now)
            if fresh
            else RedirectResponse(held.path, status_code=303)
        )

    def _record_request(
        self,
        request: Request,
        found: SiteRef,
        typed: Mapping[str, str],
        said: SubmittedForm,
        hashed: str,
    ) -> tuple[str, bool]:
        """Store the request. Return its receipt, and True unless the form was submitted before."""
        fingerprints = picture_lookup.parse_fingerprints(typed.get("look", ""))
        named = typed.get("item", "")
        with self._tenant(found.tenant_id, FORM_ACTOR) as scope:
            if (before := receipts.receipt_of_form(scope, said.form)) is not None:
                return before, False
            digests = set(items.item_files(scope, found, named))
            if named and not digests:
                raise BadInput("complaint.unfit")
            digests |= picture_lookup.find_pictures(
                scope, said.address, fingerprints, base=self._base
            ).get(found.creator_id, set())
            receipt = removal_requests.receive_removal_request(
                scope,
                creator_id=found.creator_id,
                category=typed.get("who", ""),
                named=named,
                digests=sorted(digests),
                source=sites.visitor_digest(found, request.client.host if request.client else ""),
                described=bool(said.address or fingerprints or said.words),
            )
            receipts.store_submission(scope, receipt, said, hashed)
        return receipt, True

    def show_receipt(
        self,
        request: Request,
        slug: str,
        typed: str,
        *,
        wrong: Message | None = None,
        words: str = "",
    ) -> Response:
        """Show the status of a request to a visitor who entered its code, and the code form to
        others."""
        found = sites.find_site_by_slug(self._tenant, slug)
        receipt = parse_receipt(typed)
        if found is None or not receipt:
            return missing_page(request)
        held, now = self._load_receipt_access(request, found, receipt)
        if not self._receipts.is_admitted(request, held, now):
            return self._receipts.show_code_form(request, held)
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            shown = build_case(scope, _get_request_status(scope, found, receipt))
        return self._receipts.show_receipt(request, held, [shown], now, wrong=wrong, typed=words)

    def submit_receipt_form(
        self, request: Request, slug: str, typed_number: str, typed: dict[str, str]
    ) -> Response:
        """Process a code, or an appeal against a rejected request."""
        found = sites.find_site_by_slug(self._tenant, slug)
        receipt = parse_receipt(typed_number)
        if found is None or not receipt:
            return missing_page(request)
        held, now = self._load_receipt_access(request, found, receipt)
        if "pin" in typed:
            return self._receipts.submit_code(request, held, typed["pin"], now)
        if not self._receipts.is_admitted(request, held, now):
            return self._receipts.show_code_form(request, held, Message("receipt.first"))
        words = typed.get("words")
        try:
            if responses.is_cross_site(request):
                raise Refused("complaint.foreign")
            if words is None:  # the form reader drops text that is too long
                raise BadInput("appeal.too_long", most=MAX_APPEAL_LENGTH)
            with self._tenant(found.tenant_id, FORM_ACTOR) as scope:
                appeals.submit_requester_appeal(
                    scope, receipt, creator_id=found.creator_id, words=words
                )
        except GreenroomError as refused:
            return self.show_receipt(
                request, slug, receipt, wrong=refused.message, words=words or ""
            )
        return RedirectResponse(held.path, status_code=303)

    def _load_receipt_access(
        self, request: Request, found: SiteRef, receipt: str
    ) -> tuple[ReceiptAccess, datetime]:
        """Return the receipt and the current time. An unknown receipt is returned like one with a
        code, so that visitors cannot find out which receipts exist."""
        with self._tenant(found.tenant_id, VISITOR_ACTOR) as scope:
            site, voice = in_visitor_language(request, *load_visitor_localizer(scope, found))
            try:
                _get_request_status(scope, found, receipt)
                hashed = receipts.access_code_hash(scope, receipt)
                known = True
            except NotFound:
                hashed = None
                known = False
            path = f"/{found.slug}/report/{receipt}"
            held = ReceiptAccess(
                found.tenant_id, receipt, path, hashed, known and hashed is None, site, voice
            )
            return held, scope.now


def _get_request_status(scope: Scope, found: SiteRef, receipt: str) -> RequestStatus:
    """Return the status of a request. Raises NotFound, also for a receipt of another site."""
    known = removal_requests.find_status_by_receipt(scope, receipt)
    if known.creator_id != found.creator_id:
        raise NotFound("complaint.unknown")
    return known


def router(tenant: OpenScope, *, public_url: str, letterbox_key: str) -> APIRouter:
    """Create the routes of the removal form."""
    forms = RemovalRequestPages(tenant, public_url=public_url, letterbox_key=letterbox_key)
    routes = APIRouter()

    @routes.get("/{slug}/report")
    def ask(request: Request, slug: str, item: str = "") -> Response:
        return forms.show_form(request, slug, item)

    @routes.post("/{slug}/report")
    async def receive(request: Request, slug: str) -> Response:
        return await run_in_threadpool(
            forms.receive_request, request, slug, await read_form(request.stream())
        )

    @routes.get("/{slug}/report/{receipt}")
    def receipt(request: Request, slug: str, receipt: str) -> Response:
        return forms.show_receipt(request, slug, receipt)

    @routes.post("/{slug}/report/{receipt}")
    async def post(request: Request, slug: str, receipt: str) -> Response:
        return await run_in_threadpool(
            forms.submit_receipt_form,
            request,
            slug,
            receipt,
            await read_form(request.stream()),
        )

    return routes
