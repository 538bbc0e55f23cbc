"""The scene on Home: a minute of real work that starts when a member opens Home in the demo.

Nothing is simulated on the page. Posts are published through the outbox, the test network accepts
one and hangs, a scripted fan asks Nova whether she is human and buys a pack on the real chat path,
the gate blocks a post, and a run generates pictures. Parts that have become impossible because
members changed the cast are skipped.
"""

import unicodedata
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from urllib.parse import quote
from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.sending import step_runner
from dashboard.pages.home.events import DemoSceneRequested, DemoSceneStep
from demo.agency import planned_posts
from demo.agency.cast import (
    DEMO_RECIPE,
    HANGING_CHANNEL_NAME,
    LUMIERE,
    MIA,
    NOVA,
    SACHA,
    SECOND_PERSON_PICTURE,
    CreatorProfile,
)
from demo.agency.channel_accounts import find_chat_channel, find_page_channel
from demo.agency.people import DEMO_ACTOR, creator_id_of, is_seeded
from demo.agency.planned_posts import PlannedPost
from foundation.db.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.ids import derived_uuid
from foundation.ops import telemetry
from foundation.ops.wall_time import WallTime, to_wall_time
from foundation.outbox import outbox
from gate.contract.units import Subject
from gate.ratings import ratings
from sandbox.client import call_control
from schedules.posts import deliveries
from schedules.posts.delivery_units import DELIVERY_SUBJECT
from schedules.posts.events import StageDue
from schedules.posts.queries import post_ids_by_origin_key
from schedules.posts.states import DeliveryState
from studio.library import assets
from studio.library.queries import list_asset_cards
from studio.library.states import ShelfState
from studio.recipes import specs
from studio.runs import runner
from studio.runs.queries import list_runs

FAN_WRITES_AFTER = timedelta(seconds=45)
"""Time from the opening of Home to the first message."""

FAN_NAMES = (
    "Léo",
    "Inès",
    "Hugo",
    "Manon",
    "Karim",
    "Zoé",
    "Théo",
    "Jade",
    "Malik",
    "Clara",
    "Simon",
    "Lina",
)
"""Names of the fans, a new fan each time."""

WANTED_PACK = NOVA.packs[0]
"""The pack that the fan buys, for 500 units of test money."""

FAN_MESSAGES = (
    "Bonjour ! Tu es une vraie personne ?",
    f"D’accord, merci de le dire. Tu as le pack « {WANTED_PACK.title} » à me proposer ?",
)
READING_SECONDS = 1.0
DECIDING_SECONDS = 0.3
"""Seconds that the fan takes to read both replies, and to press a button."""


def fan_id(number: int, opened_at: datetime) -> str:
    """Return the fan's ID on the test network, one for each opening of Home."""
    plain = (
        unicodedata.normalize("NFD", fan_name(number)).encode("ascii", "ignore").decode().lower()
    )
    return f"{plain}-{opened_at:%Y%m%d%H%M%S}"


def fan_name(number: int) -> str:
    """Return the displayed name of the fan of a scene, by its number from 0."""
    return FAN_NAMES[number % len(FAN_NAMES)]


def play_home_scene_fan(
    channel: Channel, number: int, *, opened_at: datetime, now: datetime
) -> None:
    """Start the fan's script with its due time, once. Raises Unavailable without the
    test network."""
    account = quote(channel.account, safe="")
    fan = fan_id(number, opened_at)
    said = call_control(channel.base_url, "GET", f"truth/{account}")["messages"]
    if any(message["fan"] == fan for message in said):
        return
    wait = max((opened_at + FAN_WRITES_AFTER - now).total_seconds(), 0.0)
    call_control(
        channel.base_url,
        "POST",
        f"scripts/{account}/{fan}",
        {"steps": _compose_script(fan_name(number), wait)},
    )


def _compose_script(handle: str, wait: float) -> list[dict[str, object]]:
    first, second = FAN_MESSAGES
    return [
        {"type": "message", "text": first, "handle": handle, "language": "fr", "after": wait},
        {"type": "message", "text": second, "when": "reply", "after": READING_SECONDS},
        {"type": "button", "ref": "buy", "when": "button:buy", "after": DECIDING_SECONDS},
        {"type": "pay", "when": "invoice", "after": DECIDING_SECONDS},
    ]


T = TypeVar("T")

HOME_SCENE_ORIGIN = "scene"
"""Origin recorded on the posts of the scene."""

PUBLISHED_POST = "leaves"
HELD_POST = "held"
"""The post that is published, with one account that does not respond, and the post that is put on
hold."""

STEP_OFFSETS = {
    PUBLISHED_POST: timedelta(seconds=25),
    "pictures": timedelta(seconds=40),
    "fan": timedelta(seconds=43),
    HELD_POST: timedelta(seconds=55),
    "over": timedelta(minutes=3),
}
"""Time of each step from the opening of Home; until the last one, opening Home again starts no new
scene."""

SILENCE_SECONDS = 10.0
"""Seconds for which an accepted post gets no response: its delivery is uncertain from 0:35, and
looked up twenty seconds later."""

PICTURES = 8
SECONDS_PER_PICTURE = 8
"""Number of pictures of the run, and seconds for each: three are finished at 1:00."""

LATE_START = timedelta(seconds=20)
"""If the scene starts later than this, because no process ran, its steps count from the actual
start."""

log = telemetry.get_logger("demo.home_scene")


def start_home_scene(event: DemoSceneRequested, *, tenant: OpenScope, may_play: bool) -> None:
    """Schedule the whole scene; idempotent for one opening. Raises Unavailable without the test
    network."""
    if not may_play or event.tenant_id != LUMIERE.tenant_id:
        return
    with tenant(event.tenant_id, DEMO_ACTOR) as scope:
        if not is_seeded(scope):
            return
        start = event.opened_at if scope.now - event.opened_at < LATE_START else scope.now
        for step in ("pictures", "fan", "over"):
            later = DemoSceneStep(event.tenant_id, event.subject_id, start, step)
            outbox.put(
                scope, later, at=start + STEP_OFFSETS[step], priority=1, dedupe=f"demo.scene:{step}"
            )
    _play_part(tenant, event, _cancel_held_posts)
    silent = _play_part(tenant, event, partial(_schedule_post, key=event.opened_at, start=start))
    _play_part(tenant, event, partial(_kept_back, key=event.opened_at, start=start))
    if silent is not None:
        _inject_silence(*silent)


def play_home_scene_step(event: DemoSceneStep, *, tenant: OpenScope, may_play: bool) -> None:
    """Play a later step of the scene. Raises Unavailable without the test network."""
    if not may_play or event.tenant_id != LUMIERE.tenant_id:
        return
    if event.step == "pictures":
        _play_part(tenant, event, partial(_start_recipe_run, key=event.opened_at))
    elif event.step == "fan":
        stage = _play_part(
            tenant,
            event,
            lambda scope: (find_chat_channel(scope, NOVA), _count_scenes(scope), scope.now),
        )
        if stage is not None:
            channel, number, now = stage
            play_home_scene_fan(channel, number - 1, opened_at=event.opened_at, now=now)


def _play_part(
    tenant: OpenScope, event: DemoSceneRequested | DemoSceneStep, part: Callable[[Scope], T]
) -> T | None:
    """Run a step of the scene in a separate transaction; returns None if the cast was changed."""
    try:
        with tenant(event.tenant_id, DEMO_ACTOR) as scope:
            return part(scope) if is_seeded(scope) else None
    except (NotFound, Conflict, Refused) as changed:
        log.info("demo.part_left_out", code=changed.message.code)
        return None


def _count_scenes(scope: Scope) -> int:
    """Return the number of scenes that have started."""
    return len(post_ids_by_origin_key(scope, HOME_SCENE_ORIGIN, f"{PUBLISHED_POST}:"))


def _cancel_held_posts(scope: Scope) -> None:
    """Cancel the posts on hold of earlier scenes, so that the list of pending decisions does not
    grow."""
    for post_id in post_ids_by_origin_key(scope, HOME_SCENE_ORIGIN, f"{HELD_POST}:").values():
        for row in deliveries.deliveries_of_post(scope, post_id):
            if row.state == DeliveryState.HELD:
                deliveries.cancel_delivery(scope, row.id)
    for run in list_runs(scope, creator_id_of(scope, NOVA)):
        for card in (
            list_asset_cards(scope, run.creator_id, job_id=run.id)
            if run.recipe == DEMO_RECIPE.name
            else ()
        ):
            if card.shelf is ShelfState.NEW:
                assets.set_shelf_state(scope, card.asset_id, ShelfState.RETIRED)


def _schedule_post(scope: Scope, *, key: datetime, start: datetime) -> tuple[Channel, UUID]:
    """Schedule a post to the hosted page, to the chat account, and to an account that will not
    respond; returns that account and its delivery."""
    silent = queries.get_channel_by_name(scope, creator_id_of(scope, MIA), HANGING_CHANNEL_NAME)
    accounts = (find_page_channel(scope, LUMIERE, MIA), find_chat_channel(scope, MIA), silent)
    number = _count_scenes(scope)
    one = PlannedPost(
        f"{PUBLISHED_POST}:{key.isoformat()}",
        _wall_time(start + STEP_OFFSETS[PUBLISHED_POST]),
        _next_picture(scope, MIA, number),
        accounts,
        None,
        number,
    )
    deliveries = planned_posts.write_and_schedule(scope, MIA, one, origin=HOME_SCENE_ORIGIN)
    # Media are uploaded ahead, so that the posts are published on the second.
    for channel_id, delivery_id in deliveries.items():
        outbox.put(scope, StageDue(scope.tenant_id, delivery_id), lane=f"stage:{channel_id}")
    return silent, deliveries[silent.id]


def _kept_back(scope: Scope, *, key: datetime, start: datetime) -> None:
    """Schedule a post that depicts a person without a name: the gate blocks it."""
    accounts = (find_chat_channel(scope, SACHA),)
    picture = _get_picture(scope, SACHA, SECOND_PERSON_PICTURE)
    one = PlannedPost(
        f"{HELD_POST}:{key.isoformat()}",
        _wall_time(start + STEP_OFFSETS[HELD_POST]),
        picture,
        accounts,
        None,
        _count_scenes(scope),
    )
    planned_posts.write_and_schedule(scope, SACHA, one, origin=HOME_SCENE_ORIGIN)


def _wall_time(at: datetime) -> WallTime:
    return to_wall_time(at.replace(microsecond=0), LUMIERE.zone)


def _get_picture(scope: Scope, part: CreatorProfile, key: str) -> tuple[str, UUID]:
    made = assets.assets_by_source(scope, creator_id_of(scope, part), [key])
    if key not in made:
        raise NotFound("library.asset_unknown", destination="-")
    return key, made[key]


def _next_picture(scope: Scope, part: CreatorProfile, number: int) -> tuple[str, UUID]:
    """Return the next picture in turn, except those with a removal request."""
    first = number % len(part.pictures)
    made = [
        _get_picture(scope, part, shot.key)
        for shot in (*part.pictures[first:], *part.pictures[:first])
    ]
    digests = {asset: assets.get_asset(scope, asset).sha256 for _, asset in made}
    standing = ratings.display_ratings(scope, list(digests.values()))
    for key, asset in made:
        if not standing[digests[asset]].is_withheld:
            return key, asset
    raise NotFound("library.asset_unknown", destination="-")


def _inject_silence(channel: Channel, delivery_id: UUID) -> None:
    """Make the test network accept this one post without a response; other requests are not
    affected."""
    fault = {
        "account": channel.account,
        "on": "posts",
        "mode": "accept_then_hang",
        "seconds": SILENCE_SECONDS,
        "match": step_runner.native_key_of(Subject(DELIVERY_SUBJECT, delivery_id)),
    }
    call_control(channel.base_url, "POST", "faults", fault)


def _start_recipe_run(scope: Scope, *, key: datetime) -> None:
    """Start a run of eight pictures that yields the device to other runs in between."""
    creator_id = creator_id_of(scope, NOVA)
    runner.start_run(
        scope,
        creator_id=creator_id,
        recipe_id=specs.save_recipe(scope, creator_id, DEMO_RECIPE),
        seed=derived_uuid(key.isoformat()).int % 2**31,
        key=f"{HOME_SCENE_ORIGIN}:{key.isoformat()}",
        count=PICTURES,
        pause=SECONDS_PER_PICTURE,
    )
