"""Has a model that sees propose words for a picture. No transaction is open while it looks.

The model is shown pixels alone: drawn anew within 1024 of them, so nothing that was written into the file goes along.
An adult picture, and one that nobody rated, is shown to a model of this house and to no other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from foundation.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.ids import derived
from foundation.jobs import heartbeat
from foundation.storage import ObjectStore
from foundation.words import Message
from gate import ratings
from gate.units import Rating
from generators import films, media
from generators.contract import EngineError, SeeingEngine
from generators.views import whole
from schedules import alts, alts_words
from schedules.alts import Proposal
from schedules.events import PictureSeen
from schedules.kits_checks import Rules
from studio import library
from studio.text_costs import FREE, Billing, Purpose, Sitting

SEEING = "system:seeing"
LEAVES = frozenset({Rating.G, Rating.S})
"""Ratings of pictures that may be shown to a model of somebody else's."""

MakeRoom = Callable[[str], None]


@dataclass(frozen=True)
class _Desk:
    """All that is known before a model is asked; `rating` is None of what nobody rated."""

    proposal: Proposal
    sha256: str
    rating: Rating | None


def write(
    event: PictureSeen,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    engine: Callable[[], SeeingEngine],
    make_room: MakeRoom,
    billing: Billing = FREE,
) -> None:
    """Propose words for the picture, or keep why there are none. `billing` says what models cost; `make_room` frees the
    card.

    A repeat after a crash asks again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, SEEING) as scope:
        desk = _desk(scope, event)
    if desk is None:
        return
    one = desk.proposal
    sitting = Sitting(tenant, event.tenant_id, one.creator_id, Purpose.PICTURE, one.asset_id, billing)
    with heartbeat() as pulse:
        words, model = _words(desk, store, engine, make_room, sitting)
        pulse.check()
    with tenant(event.tenant_id, SEEING) as scope:
        if alts.settle(scope, one.id, words, model=model) and not isinstance(words, Message):
            sitting.kept(scope)


def gave_up(event: PictureSeen, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, SEEING) as scope:
        alts.settle(scope, event.subject_id, Message("kit.gave_up"))


def _desk(scope: Scope, event: PictureSeen) -> _Desk | None:
    """None where nobody waits any more; why nothing is asked is settled here: no rendition, or a picture withheld."""
    proposal = alts.waiting(scope, event.subject_id)
    if proposal is None:
        return None
    try:
        shown = library.media(scope, proposal.asset_id, "")
    except NotFound:
        alts.settle(scope, proposal.id, Message("alt.gone"))
        return None
    own = library.item(scope, proposal.asset_id).sha256
    standing = ratings.standing(scope, [own, shown.sha256])
    if len(standing) < len({own, shown.sha256}) or any(how.withheld for how in standing.values()):
        alts.settle(scope, proposal.id, Message("alt.withheld"))
        return None
    known = [how.rating for how in standing.values()]
    rating = None if None in known else max((one for one in known if one is not None), key=lambda one: one.rank)
    return _Desk(proposal, shown.sha256, rating)


def _words(
    desk: _Desk, store: ObjectStore, engine: Callable[[], SeeingEngine], make_room: MakeRoom, sitting: Sitting
) -> tuple[tuple[str, str] | Message, str]:
    """What is proposed, or why nothing is; and by which model."""
    one = desk.proposal
    try:
        seeing = engine()
    except EngineError as error:  # it is not there, or its server is away: who asked is told, and asks again
        return error.message, ""
    if seeing.hosted and desk.rating not in LEAVES:
        return Message("alt.stays", {"model": seeing.model}), seeing.model
    try:
        data = store.get(sitting.tenant_id, desk.sha256)
        if films.moves(data):
            return Message("alt.film"), ""
        picture = whole(media.read(data, name=desk.sha256)).data
    except (NotFound, BadInput):
        return Message("alt.gone"), ""
    if not seeing.hosted:
        make_room(seeing.name)
    rules = Rules(one.language, one.forbidden)
    seed = derived(one.id, "words").int % 2**30
    return alts_words.propose(sitting.model(seeing), picture, rules, seed=seed), seeing.model
