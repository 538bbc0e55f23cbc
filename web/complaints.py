""" "That is me, remove it": a form without login on every page, a receipt, and how the wish stands."""

import re
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels import reads as channel_reads
from channels.reads import Channel
from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.words import Message
from gate import appealing, complaints
from gate.appealing import LONGEST
from gate.complaints import CATEGORIES, Standing
from gate.copies import Copy
from gate.rulings import AGENCY, ASKED
from gate.states import ComplaintState
from web import answers, items, sites
from web.page import missing, rendered, voice_of
from web.sites import LOOKING, Found

_RECEIPT = re.compile(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){2}")
LATEST = 12
MOST_TYPED = 8192
"""Bytes of a form: 600 characters of four bytes, escaped, and the rest."""

WRITING = "system:web-form"


@dataclass(frozen=True)
class Place:
    """One place where a copy was: `gone_at` once it is proven gone, `by_hand` where a person has to take it away."""

    name: str
    gone_at: datetime | None
    by_hand: bool


def standing(scope: Scope, found: Standing) -> tuple[Place, ...]:
    """Where the copies were, and which are gone; one line for each account."""
    accounts = {one.id: one for one in channel_reads.every_channel(scope)}
    return tuple(_place(copy, accounts.get(copy.channel_id)) for copy in found.copies if not copy.viewer)


def _place(copy: Copy, account: Channel | None) -> Place:
    return Place(account.name if account else "–", copy.gone_at, account is not None and account.hand_over)


class Forms:
    """The form and its receipts, for all sites."""

    def __init__(self, tenant: OpenScope, *, public_url: str) -> None:
        self._tenant, self._base = tenant, public_url

    def ask(self, request: Request, slug: str, named: str = "", wrong: Message | None = None) -> Response:
        """The form, with what can be named: one item, or the newest ones."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = voice_of(scope, found)
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
            entries=entries,
            unseen=unseen,
            categories=[(one, f"complaint.who.{one}") for one in CATEGORIES],
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        return answers.page(request, body, status=200 if wrong is None else 422)

    def receive(self, request: Request, slug: str, typed: dict[str, str]) -> Response:
        """Write the wish down and lead to its receipt."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        named = typed.get("item", "")
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            with self._tenant(found.tenant_id, WRITING) as scope:
                receipt = complaints.receive(
                    scope,
                    creator_id=found.creator_id,
                    category=typed.get("who", ""),
                    named=named,
                    digests=_shown(scope, found, named),
                    source=sites.source(found, request.client.host if request.client else ""),
                )
        except GreenroomError as refused:
            return self.ask(request, slug, named, refused.message)
        return RedirectResponse(f"/{slug}/report/{receipt}", status_code=303)

    def receipt(
        self, request: Request, slug: str, receipt: str, *, wrong: Message | None = None, typed: str = ""
    ) -> Response:
        """How a wish stands, with the reasons; it is looked at again by itself until all is gone."""
        found = sites.by_slug(self._tenant, slug)
        if found is None:
            return missing(request)
        with self._tenant(found.tenant_id, LOOKING) as scope:
            site, voice = voice_of(scope, found)
            try:
                known = _known(scope, found, receipt)
            except NotFound:
                return missing(request, voice, site)
            places, now = standing(scope, known), scope.now
        ends = {side: appealing.until(known, side) for side in (ASKED, AGENCY)}
        body = rendered(
            "receipt.html",
            voice,
            base=self._base,
            site=site,
            known=known,
            places=places,
            now=now,
            ends=ends,
            longest=LONGEST,
            typed=typed,
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        waits = known.outcome is not ComplaintState.REJECTED and not all(one.gone_at for one in places)
        headers = {"refresh": "2"} if waits else {}
        return answers.page(request, body, status=200 if wrong is None else 422, headers=headers, fresh=False)

    def appeal(self, request: Request, slug: str, receipt: str, typed: dict[str, str]) -> Response:
        """Write down that who asked wants the refusal looked at again, and lead back to the receipt."""
        found, words = sites.by_slug(self._tenant, slug), typed.get("words")
        if found is None:
            return missing(request)
        try:
            if answers.foreign(request):
                raise Refused("complaint.foreign")
            if words is None:  # longer than any form of ours
                raise BadInput("appeal.too_long", most=LONGEST)
            with self._tenant(found.tenant_id, WRITING) as scope:
                known = _known(scope, found, receipt)
                appealing.ask(scope, known.receipt, creator_id=found.creator_id, words=words)
        except GreenroomError as refused:
            return self.receipt(request, slug, receipt, wrong=refused.message, typed=words or "")
        return RedirectResponse(f"/{slug}/report/{known.receipt}", status_code=303)


def _known(scope: Scope, found: Found, receipt: str) -> Standing:
    """The wish behind a receipt, however it was typed. Raises NotFound, also for one of another page."""
    typed = receipt.strip().upper()
    if not _RECEIPT.fullmatch(typed):  # whatever a stranger types never reaches the database
        raise NotFound("complaint.unknown")
    known = complaints.by_receipt(scope, typed)
    if known.creator_id != found.creator_id:
        raise NotFound("complaint.unknown")
    return known


def _shown(scope: Scope, found: Found, named: str) -> list[str]:
    files = items.named(scope, found, named)
    if not files:
        raise BadInput("complaint.unfit")
    return list(files)


def router(tenant: OpenScope, *, public_url: str) -> APIRouter:
    """The public routes of the form."""
    forms, routes = Forms(tenant, public_url=public_url), APIRouter()

    @routes.get("/{slug}/report")
    def ask(request: Request, slug: str, item: str = "") -> Response:
        return forms.ask(request, slug, item)

    @routes.post("/{slug}/report")
    async def receive(request: Request, slug: str) -> Response:
        return await run_in_threadpool(forms.receive, request, slug, await _typed(request))

    @routes.get("/{slug}/report/{receipt}")
    def receipt(request: Request, slug: str, receipt: str) -> Response:
        return forms.receipt(request, slug, receipt)

    @routes.post("/{slug}/report/{receipt}")
    async def appeal(request: Request, slug: str, receipt: str) -> Response:
        return await run_in_threadpool(forms.appeal, request, slug, receipt, await _typed(request))

    return routes


async def _typed(request: Request) -> dict[str, str]:
    """The fields of a form; nothing of one that is longer than any that is meant."""
    read = bytearray()
    async for part in request.stream():
        read += part
        if len(read) > MOST_TYPED:
            return {}
    return {name: values[0] for name, values in parse_qs(read.decode(errors="replace"), keep_blank_values=True).items()}
