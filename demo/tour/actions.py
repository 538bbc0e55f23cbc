"""Actions of the tour's buttons: ordinary posts, and one process that is really killed.

Every action is idempotent. They run in demo and test installations only.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.manual_tasks import tasks
from connectors.registry import loader
from dashboard.pages.tour.events import (
    BURST_SIZE,
    CHEAT_WAYS,
    COUNTED_EVENT,
    KILLED_EVENT,
    TOUR_ORIGIN,
    TourStepRequested,
    burst_audit_subject,
)
from demo.agency import planned_posts
from demo.agency.cast import MIA, NOVA
from demo.agency.people import creator_id_of
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.translation import Message, render_message
from foundation.ops.wall_time import to_wall_time
from foundation.outbox import outbox
from foundation.outbox.outbox import RetryLater
from gate.contract.units import Rating
from gate.copies import live_copies
from gate.ratings import ratings
from gate.removal import removal_requests
from gate.removal.rulings import AGENCY_SIDE
from gate.reviews import appeals
from gate.reviews.events import AppealDecided
from generators.contract.engines import ImageJob
from generators.engines.images.demo_scenes import DemoSceneEngine
from sandbox.client import call_control
from schedules.approvals import decisions
from schedules.drafts import duplicates
from schedules.posts import deliveries
from schedules.posts.deliveries import deliveries_of_post
from schedules.posts.queries import DeliveryEntry, calendar_entries, post_ids_by_origin_key
from schedules.posts.states import DeliveryState
from schedules.publishing import post_removal
from studio.ingest import pipeline, uploads
from studio.library import assets
from tenants import audit
from tenants.agencies.queries import get_agency, get_creator, list_creators
from workers.wiring import Services

TOUR_ACTOR = "system:tour"
TILE_PICTURE = NOVA.pictures[-1].key
EXPLICIT_MARKER = "EXPLICIT-MARKER-A"
"""The neutral term of the shipped lexicon (gate/policy/lexicon.yaml) that counts as explicit."""

INSTAGRAM = "as_instagram"
FILE_NAME = "vacances-a-la-mer.jpg"
HARMLESS_TITLE = "Une plage en été"

SOON = timedelta(seconds=1)
LOOK = timedelta(seconds=2)
POSTS_BEFORE_KILL = 4
"""Number of posts of a burst that are published before the process is killed."""

WAIT = timedelta(milliseconds=100)
PATIENCE = timedelta(minutes=10)
UNCERTAIN_PATIENCE = timedelta(seconds=90)
"""Time for the first look-up of a post whose request or answer was lost with the process. If the
test network does not list the post, further look-ups take at least ten minutes."""

SETTLED_STATES = frozenset(
    {
        DeliveryState.PUBLISHED,
        DeliveryState.HELD,
        DeliveryState.FAILED,
        DeliveryState.CANCELLED,
        DeliveryState.REMOVED,
        DeliveryState.BROKEN_OFF,
    }
)


def perform_action(event: TourStepRequested, *, s: Services) -> None:
    """Perform the action of a button. Raises `outbox.RetryLater` until an earlier action is
    finished."""
    if s.settings.environment == "production":
        return
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        if not get_agency(scope).demo:
            return
    try:
        ACTIONS[event.act](event, s)
    except (
        NotFound,
        Conflict,
        BadInput,
        Refused,
    ):
        # A member changed the cast, or another action did the work first.
        return


def _publish_burst(event: TourStepRequested, s: Services) -> None:
    """Publish thirty posts at once on accounts for text, while one of the processes is killed."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        nova = creator_id_of(scope, NOVA)
        places = [
            one
            for one in _list_sandbox_channels(scope, nova)
            if one.surface.rpartition(".")[2] != INSTAGRAM
        ]
        language = get_agency(scope).language
        for number in range(1, BURST_SIZE + 1):
            words = render_message(
                Message(
                    "tour.burst_words",
                    {"number": number, "of": BURST_SIZE, "run": press_mark(event.subject_id)},
                ),
                language,
            )
            place = places[number % len(places)]
            _publish_post(
                scope,
                event,
                (nova, words, ()),
                [place.id],
                key=f"burst:{event.subject_id}:{number:02d}",
            )
        for later, at in (("kill", scope.now + SOON), ("count", scope.now + SOON + LOOK)):
            told = TourStepRequested(event.tenant_id, event.subject_id, later, event.by)
            outbox.put(scope, told, at=at, priority=0, dedupe=f"tour:{later}:{event.subject_id}")


def _publish_post(
    scope: Scope,
    event: TourStepRequested,
    said: tuple[UUID, str, tuple[UUID, ...]],
    channels: list[UUID],
    *,
    key: str,
) -> None:
    """Publish a post of the system, approved by the member who pressed the button, within a second;
    once."""
    creator_id, words, media = said
    post_id = deliveries.create_post(
        scope,
        creator_id=creator_id,
        title="",
        body=words,
        media=media,
        origin=TOUR_ORIGIN,
        origin_key=key,
        author=TOUR_ACTOR,
        late_ok=None,
    )
    at = to_wall_time(scope.now + SOON, get_creator(scope, creator_id).zone)
    for channel_id in channels:
        deliveries.create_delivery(scope, post_id, channel_id, at=at)
    # Every tour posts the same texts.
    duplicates.acknowledge_duplicates(scope, post_id, connectors=loader.load_connectors())
    decisions.approve_post(scope, post_id, member_id=UUID(event.by.partition(":")[2]))
    if deliveries.has_approved_deliveries(scope, post_id):
        deliveries.schedule_post(scope, post_id)


def _kill_process(event: TourStepRequested, s: Services) -> None:
    """Kill the current process, as a power failure would; once, in the middle of the burst."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        if (
            audit.find_last_act(scope, KILLED_EVENT, burst_audit_subject(event.subject_id))
            is not None
        ):
            return
        states = Counter(one.state for one in _list_entries(scope, event))
        if (
            states[DeliveryState.PUBLISHED] < POSTS_BEFORE_KILL
            and sum(states.values()) > states[DeliveryState.PUBLISHED]
        ):
            raise RetryLater(WAIT)
        audit.record(scope, KILLED_EVENT, burst_audit_subject(event.subject_id), pid=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)
    # In a container, Linux does not deliver a signal that process 1 sends to itself.
    os._exit(137)


def _count_received(event: TourStepRequested, s: Services) -> None:
    """Record the number of posts that the test network received, after every post is settled or
    was looked up."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        if (
            audit.find_last_act(scope, COUNTED_EVENT, burst_audit_subject(event.subject_id))
            is not None
        ):
            return
        entries = _list_entries(scope, event)
        nova = creator_id_of(scope, NOVA)
        places = _list_sandbox_channels(scope, nova)
        now = scope.now
        killed = audit.find_last_act(scope, KILLED_EVENT, burst_audit_subject(event.subject_id))
    uncertain = {one.body for one in entries if one.state is DeliveryState.UNCERTAIN}
    waiting = killed is None or any(
        one.state not in SETTLED_STATES | {DeliveryState.UNCERTAIN} for one in entries
    )
    patience = PATIENCE if waiting else UNCERTAIN_PATIENCE
    if (waiting or uncertain) and entries and now - entries[0].due_at < patience:
        raise RetryLater(LOOK)
    wanted = {one.body for one in entries}
    seen = Counter(
        text for place in places for text in _list_received_texts(place) if text in wanted
    )
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        audit.record(
            scope,
            COUNTED_EVENT,
            burst_audit_subject(event.subject_id),
            once=sum(count == 1 for count in seen.values()),
            twice=sum(count > 1 for count in seen.values()),
            unknown=len(uncertain - set(seen)),
            lost=len(wanted - uncertain - set(seen)),
            pid=os.getpid(),
        )


def _list_received_texts(place: Channel) -> list[str]:
    """Return the texts of all posts that an account of the test network ever accepted."""
    truth = call_control(place.base_url, "GET", f"truth/{quote(place.account, safe='')}")
    return [str(post["text"]) for post in truth["posts"]]


def _clear_burst(event: TourStepRequested, s: Services) -> None:
    """Delete the posts of a burst."""
    with s.tenant(event.tenant_id, event.by) as scope:
        for entry in _list_entries(scope, event):
            if entry.state in (DeliveryState.PUBLISHED, DeliveryState.UNCERTAIN):
                post_removal.request_post_removal(scope, entry.delivery_id)


def _attempt_forbidden_post(event: TourStepRequested, s: Services) -> None:
    """Post prohibited content to Instagram: as it is, under another name, or with the term in the
    alt text."""
    if event.how not in CHEAT_WAYS:
        return
    asset = {"as_it_is": _get_tile, "renamed": _upload_renamed_tile, "hidden_word": _hidden_word}[
        event.how
    ](event, s)
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        nova = creator_id_of(scope, NOVA)
        place = next(
            (one for one in _list_sandbox_channels(scope, nova) if one.surface.endswith(INSTAGRAM)),
            None,
        )
        if place is None:
            raise NotFound("channel.unknown")
        words = render_message(Message(f"tour.cheat_words.{event.how}"), get_agency(scope).language)
        key = f"cheat:{event.how}:{event.subject_id}"
        _publish_post(scope, event, (nova, words, (asset,)), [place.id], key=key)


def _get_tile(event: TourStepRequested, s: Services) -> UUID:
    """Return the tile that represents explicit content."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        found = assets.assets_by_source(scope, creator_id_of(scope, NOVA), [TILE_PICTURE])
    if TILE_PICTURE not in found:
        raise NotFound("library.asset_unknown", destination="-")
    return found[TILE_PICTURE]


def _upload_renamed_tile(event: TourStepRequested, s: Services) -> UUID:
    """Upload the bytes of the tile again as a holiday picture: they are recognized regardless of
    their name."""
    tile = _get_tile(event, s)
    with s.tenant(event.tenant_id, event.by) as scope:
        data = s.store.get(event.tenant_id, assets.get_asset(scope, tile).sha256)
        nova = creator_id_of(scope, NOVA)
        upload_id = uploads.receive_upload(
            scope, creator_id=nova, name=FILE_NAME, data=data, by=event.by, store=s.store
        )
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        brought = uploads.get_upload(scope, upload_id)
    if brought.asset_id is None:
        raise RetryLater(WAIT)
    return brought.asset_id


def _hidden_word(event: TourStepRequested, s: Services) -> UUID:
    """Return a harmless picture with the explicit term in its alt text."""
    picture = DemoSceneEngine().draw(ImageJob("beach in summer, clear", 77, width=640, height=480))
    prepared = pipeline.prepare_generated_picture(
        picture,
        key="tour:nova:hidden-word",
        alt=f"{HARMLESS_TITLE}, {EXPLICIT_MARKER}",
        credential=s.credential(),
    )
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        nova = creator_id_of(scope, NOVA)
    asset = pipeline.ingest_asset(
        s.tenant,
        s.store,
        tenant_id=event.tenant_id,
        creator_id=nova,
        prepared=prepared,
        classifier=s.classifier,
        checks=s.picture_checks,
        compare=s.face_comparison,
    )
    with s.tenant(event.tenant_id, event.by) as scope:
        sha256 = assets.get_asset(scope, asset).sha256
        if ratings.effective_rating(scope, sha256) is None:
            ratings.record_rating(scope, sha256, Rating.G, source=event.by)
    return asset


def _publish_everywhere(event: TourStepRequested, s: Services) -> None:
    """Publish a picture of Mia on all of her accounts; the manual one becomes a task of the
    assigned member."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        mia = creator_id_of(scope, MIA)
        picture = _free_picture(scope, mia)
    planned_posts.allow_manual_post(s.tenant, event.tenant_id, picture)
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        places = [
            one.id
            for one in queries.list_creator_channels(scope, mia)
            if one.state == ChannelState.ACTIVE
        ]
        words = render_message(
            Message("tour.five_words", {"run": press_mark(event.subject_id)}),
            get_agency(scope).language,
        )
        key = f"five:{event.subject_id}"
        _publish_post(scope, event, (mia, words, (picture,)), places, key=key)
        told = TourStepRequested(event.tenant_id, event.subject_id, "by_hand", event.by)
        outbox.put(scope, told, at=scope.now + LOOK, dedupe=f"tour:by_hand:{event.subject_id}")


def _free_picture(scope: Scope, mia: UUID) -> UUID:
    """Return Mia's picture with the fewest live posts, except those with a removal request."""
    made = assets.assets_by_source(scope, mia, [shot.key for shot in MIA.pictures])
    digests = {asset: assets.get_asset(scope, asset).sha256 for asset in made.values()}
    standing = ratings.display_ratings(scope, list(digests.values()))
    free = [asset for asset in made.values() if not standing[digests[asset]].is_withheld]
    used = {asset: len(live_copies.live_copies_of_bytes(scope, digests[asset])) for asset in free}
    if not free:
        raise NotFound("library.asset_unknown", destination="-")
    return min(free, key=lambda asset: (used[asset], str(asset)))


def _complete_manual_task(event: TourStepRequested, s: Services) -> None:
    """Complete the manual task in the name of the member who pressed the button."""
    with s.tenant(event.tenant_id, TOUR_ACTOR) as scope:
        mia = creator_id_of(scope, MIA)
        mine = {one.delivery_id: one for one in _list_entries(scope, event, step="five")}
        theirs = {one.id for one in queries.list_creator_channels(scope, mia) if one.is_manual}
        handed = [one for one in mine.values() if one.channel_id in theirs]
        found = [
            one
            for one in tasks.list_due_tasks(scope, creators=[mia])
            if one.about in mine and not one.is_removal
        ]
        over = scope.now - handed[0].due_at > PATIENCE if handed else True
    if handed and not found and handed[0].state not in SETTLED_STATES and not over:
        raise RetryLater(WAIT)
    for one in found:
        with s.tenant(event.tenant_id, event.by) as scope:
            tasks.open_task(scope, one.id, creators=[mia])
            tasks.complete_task(
                scope,
                one.id,
                creators=[mia],
                pasted="",
                ticked=one.checklist,
                connectors=s.connectors,
            )


def _restore_picture(event: TourStepRequested, s: Services) -> None:
    """Allow the picture again: appeal in the name of the member who pressed the button, and approve
    it in another's. Completes the manual removal task too."""
    with s.tenant(event.tenant_id, event.by) as scope:
        agreed = _approve_appeal(scope, event.subject_id)
    if agreed is not None:
        appeals.handle_appeal_decision(agreed, tenant=s.tenant)
    with s.tenant(event.tenant_id, event.by) as scope:
        mia = creator_id_of(scope, MIA)
        posts = post_ids_by_origin_key(scope, TOUR_ORIGIN, "five:").values()
        mine = {row.id for post in posts for row in deliveries_of_post(scope, post)}
        for one in tasks.list_due_tasks(scope, creators=[mia]):
            if one.is_removal and one.about in mine:
                tasks.confirm_removal(scope, one.id, creators=[mia])


def _approve_appeal(scope: Scope, complaint_id: UUID) -> AppealDecided | None:
    """Appeal a removal and approve the appeal; returns None if the picture was already restored."""
    if (
        appeals.appeal_deadline(
            removal_requests.brief_status(
                scope, removal_requests.get_removal_request(scope, complaint_id)
            ),
            AGENCY_SIDE,
        )
        is not None
    ):
        appeals.submit_agency_appeal(
            scope, complaint_id, words=render_message(Message("tour.undo_remove"), "fr")
        )
    creators = {one.id for one in list_creators(scope)}
    again = next(
        (one for one in appeals.list_pending_appeals(scope, creators) if complaint_id in one.about),
        None,
    )
    if again is None or not again.allowed:
        return None
    return AppealDecided(scope.tenant_id, again.ids[0], "unfounded", f"member:{min(again.allowed)}")


ACTIONS: Mapping[str, Callable[[TourStepRequested, Services], None]] = {
    "burst": _publish_burst,
    "kill": _kill_process,
    "count": _count_received,
    "clear_burst": _clear_burst,
    "cheat": _attempt_forbidden_post,
    "five": _publish_everywhere,
    "by_hand": _complete_manual_task,
    "keep": _restore_picture,
}


def _list_sandbox_channels(scope: Scope, creator_id: UUID) -> list[Channel]:
    """Return the active accounts of a creator on the test network."""
    found = queries.list_creator_channels(scope, creator_id)
    names = {account.account for account in NOVA.accounts}
    return [one for one in found if one.account in names and one.state == ChannelState.ACTIVE]


def _list_entries(
    scope: Scope, event: TourStepRequested, *, step: str = "burst"
) -> list[DeliveryEntry]:
    """Return the deliveries of a run of the tour."""
    posts = post_ids_by_origin_key(scope, TOUR_ORIGIN, f"{step}:{event.subject_id}")
    deliveries = [row.id for post in posts.values() for row in deliveries_of_post(scope, post)]
    creators = [one.id for one in list_creators(scope)]
    return calendar_entries(scope, creators, scope.now, scope.now, names={}, also=deliveries)


def press_mark(press_id: UUID) -> str:
    """Return a mark that distinguishes the texts of one press: digits, because letters would be
    read as text in an unknown language."""
    return f"{int(press_id.hex[-4:], 16):05}"
