"""Handing in from a phone, `/phone/photos`: sixty photos at once, the card of who is in them, the sorting by swipe.

Each file is a request of its own and the same bytes are the same upload, so a phone that loses the network half way
sends the rest again and nothing twice. Capture dates are the files' own: nothing is typed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from channels import reads as channel_reads
from dashboard import entry, files, phone, session, widgets
from dashboard.phone import NO_STORE, Hand
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Unavailable
from gate import binding, cards, mine
from gate.carded import ALWAYS, Standing
from gate.cards import Card, Terms
from gate.units import Rating
from generators import tracks
from schedules.calendar import zone_of
from studio import sorting, uploads
from studio.packs import MAX_TITLE
from studio.sorting import Choice
from studio.uploads import Upload
from tenants import reads as tenant_reads
from tenants.reads import Creator
from tenants.roles import Right, may

FRESH = timedelta(hours=24)
PICTURES, MONTHS = 100, 12
"""What a card made here holds, and for how long: what one shoot needs."""

Seen = Callable[[Scope, Hand, Creator], Response]
"""A page of one creator."""

Pressed = Callable[[Scope, Hand, Creator, Mapping[str, list[str]]], Response]
"""A press on one."""

RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)


@dataclass(frozen=True)
class Shoot:
    """One creator's pictures on their way in: the cards they may be put on, who may be named, how many wait."""

    creator: Creator
    files: Sequence[Upload]
    cards: Sequence[Card]
    people: Sequence[mine.Named]
    waiting: int


def _mine(scope: Scope, hand: Hand) -> list[Creator]:
    """The creators this member hands in for."""
    if not may(hand.who.member.role, Right.RUN):
        return []
    return [one for one in tenant_reads.creators(scope) if one.id in hand.creators]


def _creator(scope: Scope, hand: Hand, request: Request) -> Creator:
    """The creator of an address. Raises NotFound for one that is not theirs."""
    wanted = request.path_params["creator"]
    found = next((one for one in _mine(scope, hand) if str(one.id) == wanted), None)
    if found is None:
        raise NotFound("creator.unknown", creator=wanted[:40])
    return found


def show_creators(request: Request) -> Response:
    """Whose photos; with one creator there is nothing to ask."""
    try:
        who = phone.viewer(request)
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = phone.hand_of(scope, who)
            found = _mine(scope, hand)
    except GreenroomError as error:
        return phone.refused_page(request, error)
    except OperationalError:
        return entry.page(request, "dashboard.away", status=503)
    if len(found) == 1:
        return RedirectResponse(f"/phone/photos/{found[0].id}", status_code=303, headers=NO_STORE)
    return phone.shown("phone_creators.html", hand, creators=found)


def show_photos(request: Request) -> Response:
    """The page one hands in on."""
    return _within(request, _photos)


def _within(request: Request, act: Seen) -> Response:
    """What a page or a press comes to for this member and this creator."""
    try:
        who = phone.viewer(request)
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = phone.hand_of(scope, who)
            answer = act(scope, hand, _creator(scope, hand, request))
    except GreenroomError as error:
        return phone.refused_page(request, error)
    except OperationalError:
        return entry.page(request, "dashboard.away", status=503)
    return answer


def _photos(scope: Scope, hand: Hand, creator: Creator, *, chosen: str = "", codes: Sequence[object] = ()) -> Response:
    found = Shoot(
        creator,
        uploads.recent(scope, creator.id, since=scope.now - FRESH),
        [
            one
            for one in cards.of_creators(scope, [creator.id])
            if one.standing in (Standing.OPEN, Standing.SIGNED) and one.used < one.pictures
        ],
        mine.named(scope),
        sorting.unsorted(scope, creator.id).count,
    )
    return phone.shown("phone_photos.html", hand, found=found, chosen=chosen, codes=codes, ratings=RATINGS)


async def hand_in(request: Request) -> Response:
    """One file, as the body; in the address its name, batch and card, and whether a model made it. Answers `{"id"}`, or
    `{"said"}` why not."""
    if entry.foreign(request):
        return JSONResponse({"said": ""}, 403, NO_STORE)
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > tracks.MOST_BYTES:
            return JSONResponse({"said": ""}, 413, NO_STORE)
    return await run_in_threadpool(_keep, request, bytes(body))


def _keep(request: Request, data: bytes) -> Response:
    try:
        who = phone.viewer(request)
    except NotFound:
        return JSONResponse({"said": ""}, 401, NO_STORE)
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = phone.hand_of(scope, who)
            asked, creator = request.query_params, _creator(scope, hand, request)
            upload_id = uploads.receive(
                scope,
                creator_id=creator.id,
                name=asked.get("name", ""),
                data=data,
                by=who.actor,
                store=files.store(),
                card=binding.card_of(scope, creator.id, asked["card"]) if asked.get("card") else None,
                batch=_id(asked.get("batch", "")),
                generated=asked.get("generated") == "true",
            )
    except GreenroomError as refused:
        status = {BadInput: 422, NotFound: 404, Unavailable: 503}.get(type(refused), 409)
        return JSONResponse({"said": hand.voice.say(refused.message)}, status, NO_STORE)
    except OperationalError:
        return JSONResponse({"said": ""}, 503, NO_STORE)
    return JSONResponse({"id": str(upload_id)}, 202, NO_STORE)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def make_card(request: Request) -> Response:
    """A card of today for who is in the pictures, and for each the code that opens their own page to sign it."""
    return await _pressed(request, _card)


async def _pressed(request: Request, act: Pressed) -> Response:
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    form = await phone.form_of(request)
    return await run_in_threadpool(_within, request, lambda scope, hand, creator: act(scope, hand, creator, form))


def _card(scope: Scope, hand: Hand, creator: Creator, form: Mapping[str, list[str]]) -> Response:
    places = {one.platform for one in channel_reads.every_channel(scope) if one.creator_id == creator.id}
    if not places:
        raise BadInput("phone.card_no_account")
    persons = tuple(one for text in form.get("person", ()) if (one := _id(text)) is not None)
    rating = phone.typed(form, "rating")
    terms = Terms(
        day=scope.now.astimezone(zone_of(creator.zone)).date(),
        zone=creator.zone,
        country="",
        persons=persons,
        scopes=tuple(one for one in cards.SCOPES if "sell" in form or one in ALWAYS),
        surfaces=tuple(places),
        max_rating=Rating(rating) if rating in RATINGS else Rating.G,
        pictures=PICTURES,
        months=MONTHS,
    )
    card_id = cards.make(scope, creator.id, terms)
    base = settings.load().web.public_url.rstrip("/")
    named = {one.person_id: one.name for one in mine.named(scope)}
    codes = [(named[one], widgets.qr(f"{base}{mine.PATH}{mine.make_link(scope, one)}")) for one in persons]
    return _photos(scope, hand, creator, chosen=str(card_id), codes=codes)


def show_sort(request: Request) -> Response:
    """What is not sorted yet; what nobody rated is blurred until somebody presses."""
    return _within(request, lambda scope, hand, creator: _sort(scope, hand, creator, clear=False))


async def see_sort(request: Request) -> Response:
    """The same, seen clearly for five minutes: each look is written down, as in the dashboard."""
    return await _pressed(request, lambda scope, hand, creator, _: _sort(scope, hand, creator, clear=True))


def _sort(scope: Scope, hand: Hand, creator: Creator, *, clear: bool) -> Response:
    found = sorting.unsorted(scope, creator.id)
    member = hand.who.member
    seen = {one.asset_id: files.reveal(scope, member, one.asset_id) if clear else None for one in found.assets}
    tiles = [(one, files.src(one.asset_id, "preview", clear=seen[one.asset_id])) for one in found.assets]
    return phone.shown("phone_sort.html", hand, creator=creator, tiles=tiles, count=found.count, clear=clear)


async def choose(request: Request) -> Response:
    """One picture sorted."""
    return await _pressed(request, lambda scope, hand, creator, form: _choose(scope, hand, creator, form, request))


def _choose(scope: Scope, hand: Hand, creator: Creator, form: Mapping[str, list[str]], request: Request) -> Response:
    asset_id, choice = _id(request.path_params["asset"]), phone.typed(form, "choice")
    if asset_id is None or choice not in set(Choice):
        raise NotFound("library.asset_unknown", destination="-")
    day = hand.voice.date(scope.now.astimezone(zone_of(creator.zone)).date())
    title = hand.voice.word("phone.draft", day=day)[:MAX_TITLE]
    sorting.choose(scope, creator.id, asset_id, Choice(choice), pack=title)
    return RedirectResponse(f"/phone/sort/{creator.id}", status_code=303, headers=NO_STORE)


def script(request: Request) -> Response:
    """Sending file by file, and swiping."""
    return Response(_script(), headers={"cache-control": "max-age=86400"}, media_type="text/javascript")


@cache
def _script() -> str:
    return (widgets.HERE / "templates" / "phone_photos.js").read_text("utf-8")


ROUTES = [
    Route("/phone/photos", show_creators, methods=["GET"]),
    Route("/phone/photos.js", script, methods=["GET"]),
    Route("/phone/photos/{creator}", show_photos, methods=["GET"]),
    Route("/phone/photos/{creator}", hand_in, methods=["POST"]),
    Route("/phone/photos/{creator}/card", make_card, methods=["POST"]),
    Route("/phone/sort/{creator}", show_sort, methods=["GET"]),
    Route("/phone/sort/{creator}", see_sort, methods=["POST"]),
    Route("/phone/sort/{creator}/{asset}", choose, methods=["POST"]),
]
