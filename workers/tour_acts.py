"""What a press of the tour does: posts of its own by the ordinary ways, and one process that is really killed.

Each act finds its own work done when it runs again. Only in a demonstration, never in production.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from channels import reads as channel_reads
from channels import tasks
from channels.reads import Channel
from channels.states import ChannelState
from connectors import registry
from dashboard.touring import BURST, COUNTED, KILLED, ORIGIN, WAYS, TourAct, about
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.outbox import Later
from foundation.words import Message, say
from gate import appealing, complaints, copies, ratings
from gate.events import AppealDecided
from gate.rulings import AGENCY
from gate.units import Rating
from generators.contract import ImageJob
from generators.engines.scenes import Scenes
from schedules import approvals, planning, removal, repeats
from schedules import reads as schedule_reads
from schedules.calendar import local_wall
from schedules.planning import deliveries_of
from schedules.reads import Entry
from schedules.states import DeliveryState
from studio import ingesting, library, uploads
from tenants import audit
from tenants import reads as tenant_reads
from workers import demo_plans
from workers.demo_cast import MIA, NOVA
from workers.demo_people import creator_id_of
from workers.sandbox_calls import control
from workers.wiring import Services

TOURING = "system:tour"
TILE = NOVA.shots[-1].key
MARKER = "EXPLICIT-MARKER-A"
"""The neutral word of the shipped lexicon that stands for an explicit one (gate/policy/lexicon.yaml)."""

INSTAGRAM = "as_instagram"
FILE_NAME = "vacances-a-la-mer.jpg"
HARMLESS = "Une plage en été"

SOON, LOOK = timedelta(seconds=1), timedelta(seconds=2)
AT_WORK = 4
"""Posts of a burst that have left when the process is killed."""

WAIT = timedelta(milliseconds=100)
PATIENCE = timedelta(minutes=10)
S = DeliveryState
ENDED = frozenset({S.PUBLISHED, S.HELD, S.FAILED, S.CANCELLED, S.REMOVED, S.BROKEN_OFF})


def act(event: TourAct, *, s: Services) -> None:
    """Do what was pressed. Raises `outbox.Later` while something has to come first."""
    if s.settings.environment == "production":
        return
    with s.tenant(event.tenant_id, TOURING) as scope:
        if not tenant_reads.agency(scope).demo:
            return
    try:
        ACTS[event.act](event, s)
    except (NotFound, Conflict, BadInput, Refused):  # the cast is not what it was, or somebody was faster
        return


def _burst(event: TourAct, s: Services) -> None:
    """Thirty posts, due at once, on accounts that take words alone; one of the processes is killed meanwhile."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        nova = creator_id_of(scope, NOVA)
        places = [one for one in _sandbox(scope, nova) if one.surface.rpartition(".")[2] != INSTAGRAM]
        language = tenant_reads.agency(scope).language
        for number in range(1, BURST + 1):
            words = say(
                Message("tour.burst_words", {"number": number, "of": BURST, "run": mark(event.subject_id)}), language
            )
            place = places[number % len(places)]
            _leave(scope, event, (nova, words, ()), [place.id], key=f"burst:{event.subject_id}:{number:02d}")
        for later, at in (("kill", scope.now + SOON), ("count", scope.now + SOON + LOOK)):
            told = TourAct(event.tenant_id, event.subject_id, later, event.by)
            outbox.put(scope, told, at=at, priority=0, dedupe=f"tour:{later}:{event.subject_id}")


def _leave(
    scope: Scope,
    event: TourAct,
    said: tuple[UUID, str, tuple[UUID, ...]],
    channels: list[UUID],
    *,
    key: str,
) -> None:
    """A post of the house, approved by who pressed, on its way within a second; once."""
    creator_id, words, media = said
    post_id = planning.write_post(
        scope,
        creator_id=creator_id,
        title="",
        body=words,
        media=media,
        origin=ORIGIN,
        origin_key=key,
        author=TOURING,
        late_ok=None,
    )
    at = local_wall(scope.now + SOON, tenant_reads.creator(scope, creator_id).zone)
    for channel_id in channels:
        planning.add_delivery(scope, post_id, channel_id, at=at)
    repeats.know(scope, post_id, connectors=registry.load())  # a tour says the same each time
    approvals.approve(scope, post_id, member_id=UUID(event.by.partition(":")[2]))
    if planning.has_approved(scope, post_id):
        planning.plan_post(scope, post_id)


def _kill(event: TourAct, s: Services) -> None:
    """End this very process, as a machine would that loses its power; once, in the middle of the burst."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        if audit.last(scope, KILLED, about(event.subject_id)) is not None:
            return
        states = Counter(one.state for one in _entries(scope, event))
        if states[S.PUBLISHED] < AT_WORK and sum(states.values()) > states[S.PUBLISHED]:
            raise Later(WAIT)
        audit.note(scope, KILLED, about(event.subject_id), pid=os.getpid())
    os.kill(os.getpid(), signal.SIGKILL)
    os._exit(137)  # the first process of a container does not hear its own signals


def _count(event: TourAct, s: Services) -> None:
    """When every post has its end: what the sandbox's own record says it received."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        if audit.last(scope, COUNTED, about(event.subject_id)) is not None:
            return
        entries = _entries(scope, event)
        nova = creator_id_of(scope, NOVA)
        places, now = _sandbox(scope, nova), scope.now
        killed = audit.last(scope, KILLED, about(event.subject_id))
    waiting = killed is None or any(one.state not in ENDED for one in entries)
    if waiting and entries and now - entries[0].due_at < PATIENCE:
        raise Later(LOOK)
    wanted = {one.body for one in entries}
    seen = Counter(text for place in places for text in _received(place) if text in wanted)
    with s.tenant(event.tenant_id, TOURING) as scope:
        counted = {
            "once": sum(count == 1 for count in seen.values()),
            "twice": sum(count > 1 for count in seen.values()),
            "lost": len(wanted - set(seen)),
        }
        audit.note(scope, COUNTED, about(event.subject_id), **counted, pid=os.getpid())


def _received(place: Channel) -> list[str]:
    """The texts of all posts an account of the sandbox ever took in."""
    truth = control(place.base_url, "GET", f"truth/{quote(place.account, safe='')}")
    return [str(post["text"]) for post in truth["posts"]]


def _clear_burst(event: TourAct, s: Services) -> None:
    """Take the posts of a burst away again."""
    with s.tenant(event.tenant_id, event.by) as scope:
        for entry in _entries(scope, event):
            if entry.state is S.PUBLISHED:
                removal.ask(scope, entry.delivery_id)


def _cheat(event: TourAct, s: Services) -> None:
    """Send to Instagram what is not allowed there: as it is, under another name, or with its word hidden."""
    if event.how not in WAYS:
        return
    asset = {"as_it_is": _tile, "renamed": _renamed, "hidden_word": _hidden_word}[event.how](event, s)
    with s.tenant(event.tenant_id, TOURING) as scope:
        nova = creator_id_of(scope, NOVA)
        place = next((one for one in _sandbox(scope, nova) if one.surface.endswith(INSTAGRAM)), None)
        if place is None:
            raise NotFound("channel.unknown")
        words = say(Message(f"tour.cheat_words.{event.how}"), tenant_reads.agency(scope).language)
        key = f"cheat:{event.how}:{event.subject_id}"
        _leave(scope, event, (nova, words, (asset,)), [place.id], key=key)


def _tile(event: TourAct, s: Services) -> UUID:
    """The stand-in for Explicit content."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        found = library.made(scope, creator_id_of(scope, NOVA), [TILE])
    if TILE not in found:
        raise NotFound("library.asset_unknown", destination="-")
    return found[TILE]


def _renamed(event: TourAct, s: Services) -> UUID:
    """The same bytes, handed in again as a holiday picture: known by what they are, not by their name."""
    tile = _tile(event, s)
    with s.tenant(event.tenant_id, event.by) as scope:
        data = s.store.get(event.tenant_id, library.item(scope, tile).sha256)
        nova = creator_id_of(scope, NOVA)
        upload_id = uploads.receive(scope, creator_id=nova, name=FILE_NAME, data=data, by=event.by, store=s.store)
    with s.tenant(event.tenant_id, TOURING) as scope:
        brought = uploads.upload(scope, upload_id)
    if brought.asset_id is None:
        raise Later(WAIT)
    return brought.asset_id


def _hidden_word(event: TourAct, s: Services) -> UUID:
    """A harmless picture whose alt text holds the word."""
    picture = Scenes().draw(ImageJob("beach in summer, clear", 77, width=640, height=480))
    prepared = ingesting.from_engine(
        picture, key="tour:nova:hidden-word", alt=f"{HARMLESS}, {MARKER}", credential=s.credential()
    )
    with s.tenant(event.tenant_id, TOURING) as scope:
        nova = creator_id_of(scope, NOVA)
    asset = ingesting.bring(
        s.tenant,
        s.store,
        tenant_id=event.tenant_id,
        creator_id=nova,
        prepared=prepared,
        classifier=s.classifier,
        compare=s.comparing,
    )
    with s.tenant(event.tenant_id, event.by) as scope:
        sha256 = library.item(scope, asset).sha256
        if ratings.effective(scope, sha256) is None:
            ratings.rate(scope, sha256, Rating.G, source=event.by)
    return asset


def _five(event: TourAct, s: Services) -> None:
    """A picture of Mia's on every account of hers; the one by hand is posted by whoever is on duty."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        mia = creator_id_of(scope, MIA)
        picture = _free_picture(scope, mia)
    demo_plans.let_out(s.tenant, event.tenant_id, picture)
    with s.tenant(event.tenant_id, TOURING) as scope:
        places = [one.id for one in channel_reads.channels_of(scope, mia) if one.state == ChannelState.ACTIVE]
        words = say(Message("tour.five_words", {"run": mark(event.subject_id)}), tenant_reads.agency(scope).language)
        key = f"five:{event.subject_id}"
        _leave(scope, event, (mia, words, (picture,)), places, key=key)
        told = TourAct(event.tenant_id, event.subject_id, "by_hand", event.by)
        outbox.put(scope, told, at=scope.now + LOOK, dedupe=f"tour:by_hand:{event.subject_id}")


def _free_picture(scope: Scope, mia: UUID) -> UUID:
    """The picture of hers that stands in the fewest places, of those nobody asked to have removed."""
    made = library.made(scope, mia, [shot.key for shot in MIA.shots])
    digests = {asset: library.item(scope, asset).sha256 for asset in made.values()}
    standing = ratings.standing(scope, list(digests.values()))
    free = [asset for asset in made.values() if not standing[digests[asset]].withheld]
    used = {asset: len(copies.showing_bytes(scope, digests[asset])) for asset in free}
    if not free:
        raise NotFound("library.asset_unknown", destination="-")
    return min(free, key=lambda asset: (used[asset], str(asset)))


def _by_hand(event: TourAct, s: Services) -> None:
    """Whoever pressed posts on the phone what was handed over, and says so."""
    with s.tenant(event.tenant_id, TOURING) as scope:
        mia = creator_id_of(scope, MIA)
        mine = {one.delivery_id: one for one in _entries(scope, event, step="five")}
        theirs = {one.id for one in channel_reads.channels_of(scope, mia) if one.hand_over}
        handed = [one for one in mine.values() if one.channel_id in theirs]
        found = [one for one in tasks.due(scope, creators=[mia]) if one.about in mine and not one.removal]
        over = scope.now - handed[0].due_at > PATIENCE if handed else True
    if handed and not found and handed[0].state not in ENDED and not over:
        raise Later(WAIT)
    for one in found:
        with s.tenant(event.tenant_id, event.by) as scope:
            tasks.open_task(scope, one.id, creators=[mia])
            tasks.done(scope, one.id, creators=[mia], pasted="", ticked=one.checklist, connectors=s.connectors)


def _keep(event: TourAct, s: Services) -> None:
    """The picture may be posted again: who pressed asks for it, somebody else of the demonstration agrees. Whoever
    pressed takes the copy by hand away too."""
    with s.tenant(event.tenant_id, event.by) as scope:
        agreed = _agreed(scope, event.subject_id)
    if agreed is not None:
        appealing.settle(agreed, tenant=s.tenant)
    with s.tenant(event.tenant_id, event.by) as scope:
        mia = creator_id_of(scope, MIA)
        posts = schedule_reads.written(scope, ORIGIN, "five:").values()
        mine = {row.id for post in posts for row in deliveries_of(scope, post)}
        for one in tasks.due(scope, creators=[mia]):
            if one.removal and one.about in mine:
                tasks.gone(scope, one.id, creators=[mia])


def _agreed(scope: Scope, complaint_id: UUID) -> AppealDecided | None:
    """Ask for what was taken away, and what somebody else says to it; None where it came back before."""
    if appealing.until(complaints.brief(scope, complaints.row_of(scope, complaint_id)), AGENCY) is not None:
        appealing.ask_again(scope, complaint_id, words=say(Message("tour.undo_remove"), "fr"))
    creators = {one.id for one in tenant_reads.creators(scope)}
    again = next((one for one in appealing.waiting(scope, creators) if complaint_id in one.about), None)
    if again is None or not again.allowed:
        return None
    return AppealDecided(scope.tenant_id, again.ids[0], "unfounded", f"member:{min(again.allowed)}")


ACTS: Mapping[str, Callable[[TourAct, Services], None]] = {
    "burst": _burst,
    "kill": _kill,
    "count": _count,
    "clear_burst": _clear_burst,
    "cheat": _cheat,
    "five": _five,
    "by_hand": _by_hand,
    "keep": _keep,
}


def _sandbox(scope: Scope, creator_id: UUID) -> list[Channel]:
    """A creator's accounts on the sandbox that work."""
    found = channel_reads.channels_of(scope, creator_id)
    names = {account.account for account in NOVA.accounts}
    return [one for one in found if one.account in names and one.state == ChannelState.ACTIVE]


def _entries(scope: Scope, event: TourAct, *, step: str = "burst") -> list[Entry]:
    """Where the posts of a run go, and how they stand."""
    posts = schedule_reads.written(scope, ORIGIN, f"{step}:{event.subject_id}")
    deliveries = [row.id for post in posts.values() for row in deliveries_of(scope, post)]
    creators = [one.id for one in tenant_reads.creators(scope)]
    return schedule_reads.agenda(scope, creators, scope.now, scope.now, names={}, also=deliveries)


def mark(press_id: UUID) -> str:
    """What tells the words of one press from those of another: digits, since letters in between read as no language."""
    return f"{int(press_id.hex[-4:], 16):05}"
