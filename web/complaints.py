""" "That is me, remove it": a form without login on every page, a receipt, and how the wish stands."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels import handing
from channels import reads as channel_reads
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ids import HOUSE
from foundation.words import Message
from gate import appealing, complaints, copies, pins, receipts, reports
from gate.appealing import LONGEST, plain
from gate.complaints import CATEGORIES, Standing
from gate.copies import Copy
from gate.receipts import Given
from tenants import letterbox
from tenants import reads as tenant_reads
from web import answers, finding, items, sites
from web.forms import typed_form
from web.page import missing, rendered, voice_of
from web.receipts import Case, Held, Place, Receipts, typed_receipt
from web.sites import LOOKING, Found, Profile
from web.wording import Wording, spoken

LATEST = 12
MOST_TYPED = 24 * 1024
"""Bytes of a form: 600 characters of four bytes, escaped, an address, fingerprints and the rest."""

LONGEST_CONTACT = 200
WRITING = "system:web-form"
_FORM = re.compile(r"[A-Za-z0-9_-]{22}")
SCRIPTED = {"content-security-policy": f"{answers.POLICY}; script-src 'self'"}
"""The form runs one file of ours, which computes a fingerprint and asks nobody for anything."""


def case(scope: Scope, found: Standing, *, by_account: bool = True) -> Case:
    """A request with the places of its copies, one line for each; by the names of accounts, or of platforms alone."""
    accounts = {one.id: one for one in channel_reads.every_channel(scope)}
    private = [copy for copy in found.copies if copy.viewer]
    awaited, replaced = (
        handing.awaited(scope, [copy.jti for copy in found.copies]),
        copies.replaced(scope, found.copies),
    )

    def place(copy: Copy) -> Place:
        account = accounts.get(copy.channel_id)
        name = account.name if account is not None and by_account else copy.platform
        by_hand = copy.jti in awaited or (account is not None and account.hand_over)
        return Place(name, copy.gone_at, by_hand, copy.jti in replaced)

    return Case(
        known=found,
        places=tuple(place(copy) for copy in found.copies if not copy.viewer),
        private=len(private),
        private_gone=sum(1 for copy in private if copy.gone_at is not None),
        described=not found.found,
        demo=tenant_reads.agency(scope).demo,
    )


def given(typed: Mapping[str, str]) -> Given:
    """What somebody typed beside what they name. Raises BadInput for an address that is none and for too many words."""
    form = typed.get("form", "")
    return Given(
        address=finding.address_typed(typed.get("address", "")),
        words=plain(typed.get("words", "")),
        by_house=typed.get("house", "") == "yes",
        form=form if _FORM.fullmatch(form) else new_form(),
    )


def asked_in(request: Request, site: Profile, voice: Wording) -> tuple[Profile, Wording]:
    """A page about a request speaks the language of who asks, where it is one of ours; they chose no creator."""
    language = spoken(request.headers.get("accept-language", ""), otherwise=site.language)
    return site, replace(voice, language=language)


def new_form() -> str:
    """The number of a form: sent twice, it is one request."""
    return secrets.token_urlsafe(16)


class Contacts:
    """Keeps how somebody may be reached, sealed to the house; nothing where the doors have no letterbox."""

    def __init__(self, tenant: OpenScope, letterbox_key: str) -> None:
        self._tenant, self._key = tenant, letterbox_key

    @property
    def taken(self) -> bool:
        """Whether the form may ask for it."""
        return bool(self._key)

    def keep(self, form: str, typed: str) -> None:
        """Keep what was typed, before the request that it belongs to. Raises BadInput for too much."""
        contact = plain(typed)
        if len(contact) > LONGEST_CONTACT:
            raise BadInput("report.contact", most=LONGEST_CONTACT)
        if contact and self._key:
            letter = letterbox.seal(self._key, HOUSE, {"contact": contact})
            with self._tenant(HOUSE, WRITING, role="door") as scope:
                reports.keep_contact(scope, form, letter)


class Forms:
    """The form and its receipts, for all sites."""

    def __init__(self, tenant: OpenScope, *, public_url: str, letterbox_key: str) -> None:
        self._tenant, self._base = tenant, public_url
        self._contacts, self._receipts = Contacts(tenant, letterbox_key), Receipts(tenant, base=public_url)

    def ask(
        self,
        request: Request,
        slug: str,
        named: str = "",
        wrong: Message | None = None,
        typed: Mapping[str, str] | None = None,
    ) -> Response:
        """The form, with what can be named: one item, or the newest ones."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = asked_in(request, *voice_of(scope, found))
            listing = items.newest(scope, found, limit=LATEST)
            entries = [one for one in (listing.entries if listing else ()) if one.media]
            if named:
                known = items.one(scope, found, named)[1]
                entries = [known] if known is not None and known.media else []
            unseen = named if not entries and items.named(scope, found, named) else ""
        body = rendered(
            "complaint.html",
            voice,
            base=self._base,
            site=site,
            action=f"/{site.slug}/report",
            entries=entries,
            unseen=unseen,
            categories=[(one, f"complaint.who.{one}") for one in CATEGORIES],
            form=new_form(),
            typed=typed or {},
            longest=LONGEST,
            contact=self._contacts.taken,
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        return answers.page(request, body, status=200 if wrong is None else 422, headers=SCRIPTED, fresh=False)

    def receive(self, request: Request, slug: str, typed: dict[str, str]) -> Response:
        """Write the wish down and lead to its receipt."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            said = given(typed)
            self._contacts.keep(said.form, typed.get("contact", ""))
            pin, hashed = pins.new()
            receipt, fresh = self._written(request, found, typed, said, hashed)
        except GreenroomError as refused:
            return self.ask(request, slug, typed.get("item", ""), refused.message, typed)
        held, now = self._held(request, found, receipt)
        return self._receipts.given(held, pin, now) if fresh else RedirectResponse(held.path, status_code=303)

    def _written(
        self, request: Request, found: Found, typed: Mapping[str, str], said: Given, hashed: str
    ) -> tuple[str, bool]:
        """The receipt, and whether it is new: a form that was sent before has its own."""
        fingerprints, named = finding.looks_typed(typed.get("look", "")), typed.get("item", "")
        with self._tenant(found.tenant_id, WRITING) as scope:
            if (before := receipts.of_form(scope, said.form)) is not None:
                return before, False
            digests = set(items.named(scope, found, named))
            if named and not digests:
                raise BadInput("complaint.unfit")
            digests |= finding.meant(scope, said.address, fingerprints, base=self._base).get(found.creator_id, set())
            receipt = complaints.receive(
                scope,
                creator_id=found.creator_id,
                category=typed.get("who", ""),
                named=named,
                digests=sorted(digests),
                source=sites.source(found, request.client.host if request.client else ""),
                described=bool(said.address or fingerprints or said.words),
            )
            receipts.keep(scope, receipt, said, hashed)
        return receipt, True

    def receipt(
        self, request: Request, slug: str, typed: str, *, wrong: Message | None = None, words: str = ""
    ) -> Response:
        """How a wish stands, for who gave its code; the door for everybody else."""
        found, receipt = sites.by_slug(self._tenant, slug), typed_receipt(typed)
        if found is None or not receipt:
            return missing(request)
        held, now = self._held(request, found, receipt)
        if not self._receipts.lets_in(request, held, now):
            return self._receipts.door(request, held)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            shown = case(scope, _known(scope, found, receipt))
        return self._receipts.show(request, held, [shown], now, wrong=wrong, typed=words)

    def post(self, request: Request, slug: str, typed_number: str, typed: dict[str, str]) -> Response:
        """A code, or an appeal against a refusal."""
        found, receipt = sites.by_slug(self._tenant, slug), typed_receipt(typed_number)
        if found is None or not receipt:
            return missing(request)
        held, now = self._held(request, found, receipt)
        if "pin" in typed:
            return self._receipts.enter(request, held, typed["pin"], now)
        if not self._receipts.lets_in(request, held, now):
            return self._receipts.door(request, held, Message("receipt.first"))
        words = typed.get("words")
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            if words is None:  # longer than any form of ours
                raise BadInput("appeal.too_long", most=LONGEST)
            with self._tenant(found.tenant_id, WRITING) as scope:
                appealing.ask(scope, receipt, creator_id=found.creator_id, words=words)
        except GreenroomError as refused:
            return self.receipt(request, slug, receipt, wrong=refused.message, words=words or "")
        return RedirectResponse(held.path, status_code=303)

    def _held(self, request: Request, found: Found, receipt: str) -> tuple[Held, datetime]:
        """What lies before a visitor, and the time: a number nobody was given looks like one with a code."""
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = asked_in(request, *voice_of(scope, found))
            try:
                _known(scope, found, receipt)
                hashed, known = receipts.pin_hash(scope, receipt), True
            except NotFound:
                hashed, known = None, False
            path = f"/{found.slug}/report/{receipt}"
            held = Held(found.tenant_id, receipt, path, hashed, known and hashed is None, site, voice)
            return held, scope.now


def _known(scope: Scope, found: Found, receipt: str) -> Standing:
    """The wish behind a receipt. Raises NotFound, also for one of another page."""
    known = complaints.by_receipt(scope, receipt)
    if known.creator_id != found.creator_id:
        raise NotFound("complaint.unknown")
    return known


def router(tenant: OpenScope, *, public_url: str, letterbox_key: str) -> APIRouter:
    """The public routes of the form."""
    forms, routes = Forms(tenant, public_url=public_url, letterbox_key=letterbox_key), APIRouter()

    @routes.get("/{slug}/report")
    def ask(request: Request, slug: str, item: str = "") -> Response:
        return forms.ask(request, slug, item)

    @routes.post("/{slug}/report")
    async def receive(request: Request, slug: str) -> Response:
        return await run_in_threadpool(forms.receive, request, slug, await typed_form(request, most=MOST_TYPED))

    @routes.get("/{slug}/report/{receipt}")
    def receipt(request: Request, slug: str, receipt: str) -> Response:
        return forms.receipt(request, slug, receipt)

    @routes.post("/{slug}/report/{receipt}")
    async def post(request: Request, slug: str, receipt: str) -> Response:
        return await run_in_threadpool(forms.post, request, slug, receipt, await typed_form(request, most=MOST_TYPED))

    return routes
