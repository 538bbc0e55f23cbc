"""A depicted person's page, without an account: where they are shown, what they allowed, taking it back, and what waits
for their hand: permissions they are asked for, and shoot cards.

Whoever has the link may press; nothing changes by opening it. Readers, prices and other people are not on it.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from channels import reads as channel_reads
from foundation.database import OpenScope, Scope
from foundation.errors import GreenroomError, NotFound
from foundation.words import Message, catalogue
from gate import copies, facing, mine, offers, signing
from gate.carded import ANSWERS
from gate.copies import Copy
from gate.mine import ALL, PATH, Permission
from gate.people import FACE
from gate.signing import Sheet
from tenants import reads as tenant_reads
from web import answers
from web.age import PRIVATE
from web.forms import typed_form
from web.page import missing, rendered
from web.wording import Wording, spoken

READING = "system:web-person"
HEADERS = {**PRIVATE, "x-robots-tag": "noindex"}
MOST_TYPED = 256
"""Bytes of the form."""

AGREES = "face_agree"
"""What is typed by who agrees that their face is known."""

AGAIN = "5"
"""Seconds after which the page looks again by itself, while something is on its way out."""


@dataclass(frozen=True)
class Place:
    """An account where somebody is shown: how many posts stand there, how many are on their way out, and the last that
    is gone; `by_hand` where a person has to take them away, `replaced` where all of those show
    something of the house."""

    name: str
    stands: int
    going: int
    gone_at: datetime | None
    by_hand: bool
    replaced: bool


@dataclass(frozen=True)
class Mine:
    """What is on the page. `private` is whether somebody may see them in a message or a pack: no reader is named."""

    agency: str
    places: tuple[Place, ...]
    private: bool
    permitted: tuple[Permission, ...]
    offers: tuple[offers.Sheet, ...]
    cards: tuple[Sheet, ...]
    may_take: tuple[str, ...]
    asked_at: datetime | None
    waits: bool
    face: bool
    """Whether they agreed that their face is known."""
    face_asked: bool
    """Whether they pressed it, and it is not written down yet."""

    @property
    def may_stop(self) -> bool:
        """Whether there is anything left to stop."""
        signs = self.face_asked or any(one.waits for one in self.offers) or any(one.waits for one in self.cards)
        stands = self.face or bool(self.may_take) or self.private or any(place.stands for place in self.places)
        return signs or stands


class People:
    """The pages of all depicted people."""

    def __init__(self, tenant: OpenScope) -> None:
        self._tenant = tenant

    def show(self, request: Request, token: str, wrong: Message | None = None) -> Response:
        """Their page; an old link and nobody's look the same."""
        found = mine.find(self._tenant, token)
        if found is None:
            return missing(request)
        with self._tenant(found[0], READING) as scope:
            agency = tenant_reads.agency(scope)
            page = _read(scope, found[1], agency.name)
        voice = Wording(spoken(request.headers.get("accept-language", "")), ZoneInfo(agency.zone))
        body = rendered(
            "person.html",
            voice,
            token=token,
            mine=page,
            names=lambda surfaces: _names(voice, surfaces),
            allowed=lambda what: voice.word(f"me.scope.{what}"),
            takes=lambda what: f"me.take.{what}",
            days={one.card.id: voice.day(one.card.day) for one in page.cards},
            wrong=voice.say(wrong) if wrong is not None else "",
        )
        again = {"refresh": AGAIN} if page.waits else {}
        return answers.page(request, body, status=200 if wrong is None else 422, headers=HEADERS | again, fresh=False)

    def say(self, request: Request, token: str, typed: dict[str, str]) -> Response:
        """They want something back, or answer a shoot card: it is written down, and the workers do it at once."""
        found = mine.find(self._tenant, token)
        if found is None:
            return missing(request)
        if answers.foreign(request):
            return self.show(request, token, Message("complaint.foreign"))
        try:
            with self._tenant(found[0], f"person:{found[1]}") as scope:
                _say(scope, found[1], typed)
        except GreenroomError as refused:
            return self.show(request, token, refused.message)
        return RedirectResponse(f"{PATH}{token}", status_code=303, headers=HEADERS)


def _say(scope: Scope, person_id: UUID, typed: dict[str, str]) -> None:
    what, digest = typed.get("what", "?"), typed.get("digest", "")
    if what in ANSWERS and "offer" in typed:
        offers.ask(scope, _named(typed["offer"], "asking.unknown"), what, digest=digest)
    elif what in ANSWERS:
        signing.ask(scope, _named(typed.get("card", ""), "card.unknown"), what, digest=digest)
    elif what == AGREES:
        facing.agree(scope, person_id)
    else:
        mine.ask(scope, person_id, ALL if what == "all" else what or "?")


def _named(typed: str, unknown: str) -> UUID:
    try:
        return UUID(typed)
    except ValueError as error:
        raise NotFound(unknown) from error


def _read(scope: Scope, person_id: UUID, agency: str) -> Mine:
    shown, permitted = mine.shown(scope, person_id), tuple(mine.permissions(scope, person_id))
    asked = mine.asked(scope, person_id)
    may_take = mine.standing(permitted)
    pending = asked is not None and (asked[0] in may_take or (asked[0] == ALL and bool(may_take)))
    going = any(_going(copy) for copy in shown)
    cards, asks = tuple(signing.sheets(scope, person_id)), tuple(offers.sheets(scope, person_id))
    face, face_asked = facing.agrees(scope, person_id), facing.asked(scope, person_id)
    if face:
        pending = pending or (asked is not None and asked[0] in (FACE, ALL))
    return Mine(
        agency=agency,
        places=_places(scope, shown),
        private=any(copy.viewer and copy.gone_at is None and copy.recalled_at is None for copy in shown),
        permitted=permitted,
        offers=asks,
        cards=cards,
        may_take=may_take,
        asked_at=asked[1] if asked is not None else None,
        waits=pending or going or face_asked or any([*(one.waits for one in cards), *(one.waits for one in asks)]),
        face=face,
        face_asked=face_asked,
    )


def _going(copy: Copy) -> bool:
    return copy.recalled_at is not None and copy.gone_at is None


def _places(scope: Scope, shown: list[Copy]) -> tuple[Place, ...]:
    """One line for each account where posts are or were."""
    replaced = copies.replaced(scope, shown)
    accounts = {one.id: one for one in channel_reads.every_channel(scope)}
    here: dict[UUID, list[Copy]] = defaultdict(list)
    for copy in shown:
        if not copy.viewer and copy.channel_id in accounts:
            here[copy.channel_id].append(copy)
    return tuple(
        Place(
            name=accounts[channel].name,
            stands=sum(copy.gone_at is None and copy.recalled_at is None for copy in found),
            going=sum(_going(copy) for copy in found),
            gone_at=max((copy.gone_at for copy in found if copy.gone_at is not None), default=None),
            by_hand=accounts[channel].hand_over,
            replaced=all(copy.jti in replaced for copy in found if _going(copy)),
        )
        for channel, found in sorted(here.items(), key=lambda each: accounts[each[0]].name)
    )


def _names(voice: Wording, surfaces: tuple[str, ...]) -> str:
    """Places of a permission, as people call them."""
    known = catalogue(voice.language)
    places = {
        surface: f"place.{surface}" if "." in surface else "" for surface in surfaces
    }  # one place is not them all
    names = {one: code if code in known else f"platform.{one.partition('.')[0]}" for one, code in places.items()}
    return ", ".join(voice.word(code) if code in known else surface for surface, code in names.items())


def router(tenant: OpenScope) -> APIRouter:
    """The routes of depicted people's pages."""
    people, routes = People(tenant), APIRouter(prefix=PATH.rstrip("/"))

    @routes.get("/{token}")
    def show(request: Request, token: str) -> Response:
        return people.show(request, token)

    @routes.post("/{token}")
    async def say(request: Request, token: str) -> Response:
        return await run_in_threadpool(people.say, request, token, await typed_form(request, most=MOST_TYPED))

    return routes
