"""What happens by itself once somebody opens Home in the demonstration: a minute of real work, played again later.

Nothing is painted. Posts leave by the outbox, the sandbox accepts and hangs, a script of the sandbox writes on the real
chat path, the safety check refuses, a run draws. What cannot be played, since somebody changed the cast, is left out.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from channels import carrying
from channels import reads as channel_reads
from channels.reads import Channel
from dashboard.events import SceneStep, SceneWanted
from foundation import outbox, telemetry
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound, Refused
from foundation.ids import derived
from gate import ratings
from gate.units import Subject
from schedules import planning
from schedules import reads as schedule_reads
from schedules.calendar import WallTime, local_wall
from schedules.composing import DELIVERY
from schedules.events import StageDue
from schedules.states import DeliveryState
from studio import jobs, library, recipes
from studio import reads as studio_reads
from studio.states import ShelfState
from workers import demo_fan, demo_plans
from workers.demo_cast import HANGING, LUMIERE, MIA, NOVA, RECIPE, SACHA, SECOND_PERSON
from workers.demo_channels import chat_account, page_account
from workers.demo_parts import Part
from workers.demo_people import SEEDING, creator_id_of, is_founded
from workers.demo_plans import Plan
from workers.sandbox_calls import control

T = TypeVar("T")

ORIGIN = "scene"
"""Where these posts come from."""

LEAVES, HELD = "leaves", "held"
"""The post that leaves, on one account into silence, and the one that is kept back."""

AT = {
    LEAVES: timedelta(seconds=25),
    "pictures": timedelta(seconds=40),
    "fan": timedelta(seconds=43),
    HELD: timedelta(seconds=55),
    "over": timedelta(minutes=3),
}
"""Counted from the opening of Home; until it is over, opening Home again begins nothing."""

SILENCE = 10.0
"""Seconds for which an accepted post is not answered: doubt from 0:35, and the first look twenty seconds later."""

PICTURES, PAUSE = 8, 8
"""Pictures of the run, and seconds for each: at 1:00 three are there."""

LATE = timedelta(seconds=20)
"""Begun later than this, since nothing ran meanwhile, the minute counts from then."""

log = telemetry.log("workers.demo_scene")


def begin(event: SceneWanted, *, tenant: OpenScope, may_play: bool) -> None:
    """Plan the whole minute; again, for the same opening, changes nothing. Raises Unavailable without the sandbox."""
    if not may_play or event.tenant_id != LUMIERE.tenant_id:
        return
    with tenant(event.tenant_id, SEEDING) as scope:
        if not is_founded(scope):
            return
        start = event.opened_at if scope.now - event.opened_at < LATE else scope.now
        for step in ("pictures", "fan", "over"):
            later = SceneStep(event.tenant_id, event.subject_id, start, step)
            outbox.put(scope, later, at=start + AT[step], priority=1, dedupe=f"demo.scene:{step}")
    _played(tenant, event, _tidied)
    silent = _played(tenant, event, partial(_leaving, key=event.opened_at, start=start))
    _played(tenant, event, partial(_kept_back, key=event.opened_at, start=start))
    if silent is not None:
        _silence(*silent)


def follow(event: SceneStep, *, tenant: OpenScope, may_play: bool) -> None:
    """A later moment of the minute. Raises Unavailable without the sandbox."""
    if not may_play or event.tenant_id != LUMIERE.tenant_id:
        return
    if event.step == "pictures":
        _played(tenant, event, partial(_drawing, key=event.opened_at))
    elif event.step == "fan":
        stage = _played(tenant, event, lambda scope: (chat_account(scope, NOVA), _before(scope), scope.now))
        if stage is not None:
            channel, number, now = stage
            demo_fan.play(channel, number - 1, opened_at=event.opened_at, now=now)


def _played(tenant: OpenScope, event: SceneWanted | SceneStep, part: Callable[[Scope], T]) -> T | None:
    """A part of the minute in a transaction of its own; None when the cast is not what it was."""
    try:
        with tenant(event.tenant_id, SEEDING) as scope:
            return part(scope) if is_founded(scope) else None
    except (NotFound, Conflict, Refused) as changed:
        log.info("demo.part_left_out", code=changed.message.code)
        return None


def _before(scope: Scope) -> int:
    """How many scenes have begun."""
    return len(schedule_reads.written(scope, ORIGIN, f"{LEAVES}:"))


def _tidied(scope: Scope) -> None:
    """What earlier scenes left to decide goes, so that the list of what waits does not grow by looking at it."""
    for post_id in schedule_reads.written(scope, ORIGIN, f"{HELD}:").values():
        for row in planning.deliveries_of(scope, post_id):
            if row.state == DeliveryState.HELD:
                planning.cancel(scope, row.id)
    for run in studio_reads.runs_of(scope, creator_id_of(scope, NOVA)):
        for card in studio_reads.cards(scope, run.creator_id, job_id=run.id) if run.recipe == RECIPE.name else ():
            if card.shelf is ShelfState.NEW:
                library.shelve(scope, card.asset_id, ShelfState.RETIRED)


def _leaving(scope: Scope, *, key: datetime, start: datetime) -> tuple[Channel, UUID]:
    """A post to the own page, to the sandbox, and to an account that will not answer; that account and its delivery."""
    silent = channel_reads.by_name(scope, creator_id_of(scope, MIA), HANGING)
    accounts = (page_account(scope, LUMIERE, MIA), chat_account(scope, MIA), silent)
    number = _before(scope)
    one = Plan(
        f"{LEAVES}:{key.isoformat()}", _wall(start + AT[LEAVES]), _next(scope, MIA, number), accounts, None, number
    )
    deliveries = demo_plans.put(scope, MIA, one, origin=ORIGIN)
    for channel_id, delivery_id in deliveries.items():  # uploaded ahead, so that it leaves on the second
        outbox.put(scope, StageDue(scope.tenant_id, delivery_id), lane=f"stage:{channel_id}")
    return silent, deliveries[silent.id]


def _kept_back(scope: Scope, *, key: datetime, start: datetime) -> None:
    """A post that shows somebody nobody has named: the safety check refuses it."""
    accounts, picture = (chat_account(scope, SACHA),), _picture(scope, SACHA, SECOND_PERSON)
    one = Plan(f"{HELD}:{key.isoformat()}", _wall(start + AT[HELD]), picture, accounts, None, _before(scope))
    demo_plans.put(scope, SACHA, one, origin=ORIGIN)


def _wall(at: datetime) -> WallTime:
    return local_wall(at.replace(microsecond=0), LUMIERE.zone)


def _picture(scope: Scope, part: Part, key: str) -> tuple[str, UUID]:
    made = library.made(scope, creator_id_of(scope, part), [key])
    if key not in made:
        raise NotFound("library.asset_unknown", destination="-")
    return key, made[key]


def _next(scope: Scope, part: Part, number: int) -> tuple[str, UUID]:
    """The pictures in turn, but for those somebody asked to have removed."""
    first = number % len(part.shots)
    made = [_picture(scope, part, shot.key) for shot in (*part.shots[first:], *part.shots[:first])]
    digests = {asset: library.item(scope, asset).sha256 for _, asset in made}
    standing = ratings.standing(scope, list(digests.values()))
    for key, asset in made:
        if not standing[digests[asset]].withheld:
            return key, asset
    raise NotFound("library.asset_unknown", destination="-")


def _silence(channel: Channel, delivery_id: UUID) -> None:
    """Have the sandbox take this one post in and not answer; no other request is touched."""
    fault = {
        "account": channel.account,
        "on": "posts",
        "mode": "accept_then_hang",
        "seconds": SILENCE,
        "match": carrying.native_key(Subject(DELIVERY, delivery_id)),
    }
    control(channel.base_url, "POST", "faults", fault)


def _drawing(scope: Scope, *, key: datetime) -> None:
    """A run of eight pictures that leaves the machine to others in between."""
    creator_id = creator_id_of(scope, NOVA)
    jobs.start(
        scope,
        creator_id=creator_id,
        recipe_id=recipes.save(scope, creator_id, RECIPE),
        seed=derived(key.isoformat()).int % 2**31,
        key=f"{ORIGIN}:{key.isoformat()}",
        count=PICTURES,
        pause=PAUSE,
    )
