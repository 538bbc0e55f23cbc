"""Photo upload from a phone (`/phone/photos`): up to sixty photos at a time, the shoot card of the
people in them, and sorting by swipe.

Each file is a separate request, and files with equal bytes count as one upload. After a lost
connection, the phone sends only the missing files. Capture dates are read from the files.
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

from channels.accounts import queries
from dashboard.media import library_files
from dashboard.phone.phone_page import (
    PRIVATE_NO_STORE,
    PhoneVisit,
    first_value,
    load_visit,
    phone_page,
    refusal_page,
    require_viewer,
)
from dashboard.shell import session, widgets
from dashboard.shell.plain_pages import is_cross_site, plain_page
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Unavailable
from foundation.http.request_bodies import read_body, read_form_values
from foundation.ops.wall_time import load_zone
from gate.consent import asset_bindings, contact_addresses, shoot_cards, subject_portal
from gate.consent.shoot_cards import CardTerms, ShootCardView
from gate.contract.units import Rating
from gate.decision.shoot_card_terms import REQUIRED_SCOPES, CardStatus
from generators.containers import tracks
from studio.ingest import uploads
from studio.ingest.uploads import UploadView
from studio.packs import triage
from studio.packs.packs import MAX_TITLE
from studio.packs.triage import TriageChoice
from tenants.agencies.queries import Creator, list_creators
from tenants.agencies.rights import Right, has_right

FRESH = timedelta(hours=24)
PICTURES = 100
MONTHS = 12
"""The number of pictures and the duration in months of shoot cards that are created here."""

PhotoView = Callable[[Scope, PhoneVisit, Creator], Response]
"""A function that renders a page of one creator."""

PhotoAction = Callable[[Scope, PhoneVisit, Creator, Mapping[str, list[str]]], Response]
"""A function that handles a form on a page of one creator."""

RATINGS = (Rating.G, Rating.S, Rating.N, Rating.E)


@dataclass(frozen=True)
class PhotoSession:
    """The uploads of a creator, the available shoot cards and people, and the number of unsorted
    pictures."""

    creator: Creator
    files: Sequence[UploadView]
    cards: Sequence[ShootCardView]
    people: Sequence[subject_portal.LinkedPerson]
    waiting: int


def _list_upload_creators(scope: Scope, hand: PhoneVisit) -> list[Creator]:
    """Return the creators whose photos this member may upload."""
    if not has_right(hand.viewer.member.role, Right.RUN):
        return []
    return [one for one in list_creators(scope) if one.id in hand.creators]


def _get_upload_creator(scope: Scope, hand: PhoneVisit, request: Request) -> Creator:
    """Return the creator in the path. Raises NotFound for one that the member may not access."""
    wanted = request.path_params["creator"]
    found = next((one for one in _list_upload_creators(scope, hand) if str(one.id) == wanted), None)
    if found is None:
        raise NotFound("creator.unknown", creator=wanted[:40])
    return found


def show_creators(request: Request) -> Response:
    """Show the choice of a creator, or redirect to the only one."""
    try:
        who = require_viewer(request)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            found = _list_upload_creators(scope, hand)
    except GreenroomError as error:
        return refusal_page(request, error)
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    if len(found) == 1:
        return RedirectResponse(
            f"/phone/photos/{found[0].id}", status_code=303, headers=PRIVATE_NO_STORE
        )
    return phone_page("phone/templates/creators.html", hand, creators=found)


def show_photo_upload(request: Request) -> Response:
    """Show the upload page of a creator."""
    return _run_for_creator(request, _render_photos_page)


def _run_for_creator(request: Request, act: PhotoView) -> Response:
    """Run a page or action for the signed-in member and the creator in the path."""
    try:
        who = require_viewer(request)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            answer = act(scope, hand, _get_upload_creator(scope, hand, request))
    except GreenroomError as error:
        return refusal_page(request, error)
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    return answer


def _render_photos_page(
    scope: Scope,
    hand: PhoneVisit,
    creator: Creator,
    *,
    chosen: str = "",
    links: Sequence[tuple[str, bool]] = (),
) -> Response:
    found = PhotoSession(
        creator,
        uploads.list_recent_uploads(scope, creator.id, since=scope.now - FRESH),
        [
            one
            for one in shoot_cards.list_cards(scope, [creator.id])
            if one.standing in (CardStatus.OPEN, CardStatus.SIGNED) and one.used < one.pictures
        ],
        subject_portal.list_linkable_people(scope),
        triage.list_untriaged(scope, creator.id).count,
    )
    return phone_page(
        "phone/templates/photo_upload.html",
        hand,
        found=found,
        chosen=chosen,
        links=links,
        ratings=RATINGS,
    )


async def receive_photo(request: Request) -> Response:
    """Receive one file as the request body. Name, batch, shoot card and AI flag are query
    parameters. Return `{"id"}`, or `{"said"}` with the error text."""
    if is_cross_site(request):
        return JSONResponse({"said": ""}, 403, PRIVATE_NO_STORE)
    body = await read_body(request.stream(), max_bytes=tracks.MAX_MEDIA_BYTES)
    if body is None:
        return JSONResponse({"said": ""}, 413, PRIVATE_NO_STORE)
    return await run_in_threadpool(_store_photo, request, body)


def _store_photo(request: Request, data: bytes) -> Response:
    try:
        who = require_viewer(request)
    except NotFound:
        return JSONResponse({"said": ""}, 401, PRIVATE_NO_STORE)
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            asked = request.query_params
            creator = _get_upload_creator(scope, hand, request)
            upload_id = uploads.receive_upload(
                scope,
                creator_id=creator.id,
                name=asked.get("name", ""),
                data=data,
                by=who.actor,
                store=library_files.object_store(),
                card=asset_bindings.find_card_of_creator(scope, creator.id, asked["card"])
                if asked.get("card")
                else None,
                batch=_parse_id(asked.get("batch", "")),
                generated=asked.get("generated") == "true",
            )
    except GreenroomError as refused:
        status = {BadInput: 422, NotFound: 404, Unavailable: 503}.get(type(refused), 409)
        return JSONResponse(
            {"said": hand.localizer.message_text(refused.message)}, status, PRIVATE_NO_STORE
        )
    except OperationalError:
        return JSONResponse({"said": ""}, 503, PRIVATE_NO_STORE)
    return JSONResponse({"id": str(upload_id)}, 202, PRIVATE_NO_STORE)


def _parse_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def create_shoot_card(request: Request) -> Response:
    """Create a shoot card for today. Each person receives a subject portal link to sign it."""
    return await _handle_form_post(request, _create_shoot_card)


async def _handle_form_post(request: Request, act: PhotoAction) -> Response:
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    form = await read_form_values(request.stream())
    return await run_in_threadpool(
        _run_for_creator, request, lambda scope, hand, creator: act(scope, hand, creator, form)
    )


def _create_shoot_card(
    scope: Scope, hand: PhoneVisit, creator: Creator, form: Mapping[str, list[str]]
) -> Response:
    places = {one.platform for one in queries.list_channels(scope) if one.creator_id == creator.id}
    if not places:
        raise BadInput("phone.card_no_account")
    persons = tuple(one for text in form.get("person", ()) if (one := _parse_id(text)) is not None)
    rating = first_value(form, "rating")
    terms = CardTerms(
        day=scope.now.astimezone(load_zone(creator.zone)).date(),
        zone=creator.zone,
        country="",
        persons=persons,
        scopes=tuple(
            one for one in shoot_cards.CARD_SCOPES if "sell" in form or one in REQUIRED_SCOPES
        ),
        surfaces=tuple(places),
        max_rating=Rating(rating) if rating in RATINGS else Rating.G,
        pictures=PICTURES,
        months=MONTHS,
    )
    card_id = shoot_cards.create_card(scope, creator.id, terms)
    people = {one.person_id: one for one in subject_portal.list_linkable_people(scope)}
    links = [(people[one].name, bool(people[one].address)) for one in persons]
    for one in persons:
        if people[one].address:
            contact_addresses.send_portal_link(scope, one)
    return _render_photos_page(scope, hand, creator, chosen=str(card_id), links=links)


def show_photo_sort(request: Request) -> Response:
    """Show unsorted pictures. Unrated ones are blurred until they are revealed."""
    return _run_for_creator(
        request, lambda scope, hand, creator: _render_triage_page(scope, hand, creator, clear=False)
    )


async def reveal_photo_sort(request: Request) -> Response:
    """Reveal the pictures for five minutes and record it in the audit log."""
    return await _handle_form_post(
        request,
        lambda scope, hand, creator, _: _render_triage_page(scope, hand, creator, clear=True),
    )


def _render_triage_page(
    scope: Scope, hand: PhoneVisit, creator: Creator, *, clear: bool
) -> Response:
    found = triage.list_untriaged(scope, creator.id)
    member = hand.viewer.member
    seen = {
        one.asset_id: library_files.reveal_picture(scope, member, one.asset_id) if clear else None
        for one in found.assets
    }
    tiles = [
        (one, library_files.picture_url(one.asset_id, "preview", clear=seen[one.asset_id]))
        for one in found.assets
    ]
    return phone_page(
        "phone/templates/photo_sort.html",
        hand,
        creator=creator,
        tiles=tiles,
        count=found.count,
        clear=clear,
    )


async def sort_photo(request: Request) -> Response:
    """Store the choice for one picture."""
    return await _handle_form_post(
        request,
        lambda scope, hand, creator, form: _record_triage_choice(
            scope, hand, creator, form, request
        ),
    )


def _record_triage_choice(
    scope: Scope,
    hand: PhoneVisit,
    creator: Creator,
    form: Mapping[str, list[str]],
    request: Request,
) -> Response:
    asset_id = _parse_id(request.path_params["asset"])
    choice = first_value(form, "choice")
    if asset_id is None or choice not in set(TriageChoice):
        raise NotFound("library.asset_unknown", destination="-")
    day = hand.localizer.format_date(scope.now.astimezone(load_zone(creator.zone)).date())
    title = hand.localizer.text("phone.draft", day=day)[:MAX_TITLE]
    triage.triage_picture(scope, creator.id, asset_id, TriageChoice(choice), pack=title)
    return RedirectResponse(f"/phone/sort/{creator.id}", status_code=303, headers=PRIVATE_NO_STORE)


def serve_script(request: Request) -> Response:
    """Serve the script for uploads and swiping."""
    return Response(
        _read_upload_script(),
        headers={"cache-control": "max-age=86400"},
        media_type="text/javascript",
    )


@cache
def _read_upload_script() -> str:
    return (widgets.PACKAGE_ROOT / "phone/assets/photo_upload.js").read_text("utf-8")


ROUTES = [
    Route("/phone/photos", show_creators, methods=["GET"]),
    Route("/phone/photos.js", serve_script, methods=["GET"]),
    Route("/phone/photos/{creator}", show_photo_upload, methods=["GET"]),
    Route("/phone/photos/{creator}", receive_photo, methods=["POST"]),
    Route("/phone/photos/{creator}/card", create_shoot_card, methods=["POST"]),
    Route("/phone/sort/{creator}", show_photo_sort, methods=["GET"]),
    Route("/phone/sort/{creator}", reveal_photo_sort, methods=["POST"]),
    Route("/phone/sort/{creator}/{asset}", sort_photo, methods=["POST"]),
]
