"""The subject portal: the accounts that show a depicted person, and the person's consents, shoot
cards and consent requests.

The portal needs no account. Anyone with the link can use it, and opening it changes nothing. It
shows no fans, prices or other people.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels.accounts import queries
from foundation.db.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound
from foundation.http.request_bodies import read_form
from foundation.i18n.browser_languages import preferred_language
from foundation.i18n.translation import Message, load_catalogue
from gate.consent import (
    card_answers,
    consent_offers,
    contact_addresses,
    face_consent,
    subject_portal,
)
from gate.consent.card_answers import CardSheet
from gate.consent.contact_addresses import SigningDevice
from gate.consent.grants import FACE_CONSENT
from gate.consent.subject_portal import ALL_CONSENTS, PORTAL_PATH, ConsentView
from gate.copies import live_copies
from gate.copies.live_copies import LiveCopy
from gate.decision.shoot_card_terms import CARD_ANSWERS, CARD_SIGNED
from tenants.agencies.queries import get_agency
from tenants.auth import sessions
from web.http import responses
from web.http.localization import VisitorLocalizer
from web.site.age_checks import PRIVATE_HEADERS
from web.site.pages import missing_page, render_template

PORTAL_ACTOR = "system:web-person"
PORTAL_HEADERS = {**PRIVATE_HEADERS, "x-robots-tag": "noindex"}
FACE_CONSENT_FIELD = "face_agree"
"""Form value for consent to face comparison."""

CONFIRM_FIELD = "confirm"
"""Form value to confirm that the link was sent to the person's contact address."""

REFRESH_SECONDS = "5"
"""Seconds after which the page reloads while a change is in progress."""


@dataclass(frozen=True)
class PortalPlace:
    """The posts of an account that show the person: `stands` are live, `going` are being removed,
    `gone_at` is the last removal. `by_hand` is True if a member must remove them manually,
    `replaced` if all posts being removed show a replacement picture."""

    name: str
    stands: int
    going: int
    gone_at: datetime | None
    by_hand: bool
    replaced: bool


@dataclass(frozen=True)
class PortalData:
    """The content of the portal page. `private` is True if the person appears in messages or packs;
    fans are not named."""

    agency: str
    places: tuple[PortalPlace, ...]
    private: bool
    permitted: tuple[ConsentView, ...]
    offers: tuple[consent_offers.OfferSheet, ...]
    cards: tuple[CardSheet, ...]
    may_take: tuple[str, ...]
    asked_at: datetime | None
    waits: bool
    face: bool
    """True if the person consented to face comparison."""
    face_asked: bool
    """True if consent to face comparison was submitted and is not recorded yet."""
    confirmed: bool
    """True if the person confirmed their contact address. Signing requires it."""

    @property
    def can_revoke_more(self) -> bool:
        """True if a consent or request remains that the person can revoke or decline."""
        signs = (
            self.face_asked
            or any(one.waits for one in self.offers)
            or any(one.waits for one in self.cards)
        )
        stands = (
            self.face
            or bool(self.may_take)
            or self.private
            or any(place.stands for place in self.places)
        )
        return signs or stands


class SubjectPortalPages:
    """Portal pages of all depicted people."""

    def __init__(self, tenant: OpenScope, key: str) -> None:
        self._tenant = tenant
        self._key = key

    def show_portal(self, request: Request, token: str, wrong: Message | None = None) -> Response:
        """Show the portal of a link. Expired and unknown links return the same page."""
        found = subject_portal.find_portal_person(self._tenant, token)
        if found is None:
            return missing_page(request)
        with self._tenant(found[0], PORTAL_ACTOR) as scope:
            agency = get_agency(scope)
            page = _load_portal_data(scope, found[1], agency.name)
        voice = VisitorLocalizer(
            preferred_language(request.headers.get("accept-language", "")), ZoneInfo(agency.zone)
        )
        body = render_template(
            "removal/templates/subject_portal.html",
            voice,
            token=token,
            mine=page,
            names=lambda surfaces: _format_surface_names(voice, surfaces),
            allowed=lambda what: voice.text(f"me.scope.{what}"),
            takes=lambda what: f"me.take.{what}",
            days={one.card.id: voice.format_day(one.card.day) for one in page.cards},
            wrong=voice.message_text(wrong) if wrong is not None else "",
        )
        again = {"refresh": REFRESH_SECONDS} if page.waits else {}
        return responses.html_response(
            request,
            body,
            status=200 if wrong is None else 422,
            headers=PORTAL_HEADERS | again,
            fresh=False,
        )

    def submit_answer(self, request: Request, token: str, typed: dict[str, str]) -> Response:
        """Store a revocation, a signature or an answer to a shoot card. Workers apply it
        immediately."""
        found = subject_portal.find_portal_person(self._tenant, token)
        if found is None:
            return missing_page(request)
        if responses.is_cross_site(request):
            return self.show_portal(request, token, Message("complaint.foreign"))
        try:
            with self._tenant(found[0], f"person:{found[1]}") as scope:
                self._submit(scope, found[1], typed, _read_device(request))
        except GreenroomError as refused:
            return self.show_portal(request, token, refused.message)
        return RedirectResponse(f"{PORTAL_PATH}{token}", status_code=303, headers=PORTAL_HEADERS)

    def _submit(
        self, scope: Scope, person_id: UUID, typed: dict[str, str], device: SigningDevice
    ) -> None:
        """Process one button. Only those that grant a consent require the person's own device."""
        if typed.get("what") == CONFIRM_FIELD:
            contact_addresses.confirm_contact(scope, person_id, self._key, device)
            return
        if typed.get("what") in (CARD_SIGNED, FACE_CONSENT_FIELD):
            contact_addresses.check_signing_device(scope, person_id, self._key, device)
        _submit_portal_answer(scope, person_id, typed)


def _read_device(request: Request) -> SigningDevice:
    """Return the device of a request, including dashboard cookies if both use the same host name.
    This detects a member who signs for a depicted person."""
    jar = request.cookies
    return SigningDevice(
        address=request.client.host if request.client else "",
        devices=tuple(
            jar.get(f"{name}{sessions.DEVICE_SUFFIX}", "")[:64] for name in sessions.SESSION_COOKIES
        ),
        secrets=tuple(jar.get(name, "")[:64] for name in sessions.SESSION_COOKIES),
    )


def _submit_portal_answer(scope: Scope, person_id: UUID, typed: dict[str, str]) -> None:
    what = typed.get("what", "?")
    digest = typed.get("digest", "")
    if what in CARD_ANSWERS and "offer" in typed:
        consent_offers.submit_offer_answer(
            scope, _parse_id(typed["offer"], "asking.unknown"), what, digest=digest
        )
    elif what in CARD_ANSWERS:
        card_answers.submit_card_answer(
            scope, _parse_id(typed.get("card", ""), "card.unknown"), what, digest=digest
        )
    elif what == FACE_CONSENT_FIELD:
        face_consent.submit_face_consent(scope, person_id)
    else:
        subject_portal.request_revocation(
            scope, person_id, ALL_CONSENTS if what == "all" else what or "?"
        )


def _parse_id(typed: str, unknown: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(unknown) from error


def _load_portal_data(scope: Scope, person_id: UUID, agency: str) -> PortalData:
    shown = subject_portal.list_copies_of_subject(scope, person_id)
    permitted = tuple(subject_portal.list_consents(scope, person_id))
    asked = subject_portal.last_revocation_request(scope, person_id)
    may_take = subject_portal.active_consent_kinds(permitted)
    pending = asked is not None and (
        asked[0] in may_take or (asked[0] == ALL_CONSENTS and bool(may_take))
    )
    going = any(_is_removal_pending(copy) for copy in shown)
    cards = tuple(card_answers.list_card_sheets(scope, person_id))
    asks = tuple(consent_offers.list_offer_sheets(scope, person_id))
    face = face_consent.has_face_consent(scope, person_id)
    face_asked = face_consent.is_face_consent_pending(scope, person_id)
    if face:
        pending = pending or (asked is not None and asked[0] in (FACE_CONSENT, ALL_CONSENTS))
    return PortalData(
        agency=agency,
        places=_list_portal_places(scope, shown),
        private=any(
            copy.viewer and copy.removed_at is None and copy.recalled_at is None for copy in shown
        ),
        permitted=permitted,
        offers=asks,
        cards=cards,
        may_take=may_take,
        asked_at=asked[1] if asked is not None else None,
        waits=pending
        or going
        or face_asked
        or any([*(one.waits for one in cards), *(one.waits for one in asks)]),
        face=face,
        face_asked=face_asked,
        confirmed=contact_addresses.is_contact_confirmed(scope, person_id),
    )


def _is_removal_pending(copy: LiveCopy) -> bool:
    return copy.recalled_at is not None and copy.removed_at is None


def _list_portal_places(scope: Scope, shown: list[LiveCopy]) -> tuple[PortalPlace, ...]:
    """Return one entry for each account that shows or showed the person."""
    replaced = live_copies.replaced_permits(scope, shown)
    accounts = {one.id: one for one in queries.list_channels(scope)}
    here: dict[UUID, list[LiveCopy]] = defaultdict(list)
    for copy in shown:
        if not copy.viewer and copy.channel_id in accounts:
            here[copy.channel_id].append(copy)
    return tuple(
        PortalPlace(
            name=accounts[channel].name,
            stands=sum(copy.removed_at is None and copy.recalled_at is None for copy in found),
            going=sum(_is_removal_pending(copy) for copy in found),
            gone_at=max(
                (copy.removed_at for copy in found if copy.removed_at is not None), default=None
            ),
            by_hand=accounts[channel].is_manual,
            replaced=all(copy.jti in replaced for copy in found if _is_removal_pending(copy)),
        )
        for channel, found in sorted(here.items(), key=lambda each: accounts[each[0]].name)
    )


def _format_surface_names(voice: VisitorLocalizer, surfaces: tuple[str, ...]) -> str:
    """Return the names of the surfaces that a consent covers."""
    known = load_catalogue(voice.language)
    places = {
        surface: f"place.{surface}" if "." in surface else "" for surface in surfaces
    }  # a surface must not be shown under its platform's name
    names = {
        one: code if code in known else f"platform.{one.partition('.')[0]}"
        for one, code in places.items()
    }
    return ", ".join(
        voice.text(code) if code in known else surface for surface, code in names.items()
    )


def router(tenant: OpenScope, *, key: str = "") -> APIRouter:
    """Create the routes of the subject portal. `key` is the dashboard's key for digests of IP
    addresses."""
    people = SubjectPortalPages(tenant, key)
    routes = APIRouter(prefix=PORTAL_PATH.rstrip("/"))

    @routes.get("/{token}")
    def show(request: Request, token: str) -> Response:
        return people.show_portal(request, token)

    @routes.post("/{token}")
    async def say(request: Request, token: str) -> Response:
        return await run_in_threadpool(
            people.submit_answer, request, token, await read_form(request.stream())
        )

    return routes
