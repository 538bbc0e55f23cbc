"""Has a model that sees propose words for a picture. No transaction is open while it looks.

The model is shown pixels alone: drawn anew within 1024 of them, so nothing that was written into the file goes along.
An adult picture, and one that nobody rated, is shown to a model of this house and to no other.
"""

from collections.abc import Callable
from dataclasses import dataclass

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid
from foundation.outbox.heartbeat import heartbeat
from foundation.storage.object_store import ObjectStore
from gate.contract.units import Rating
from gate.ratings import ratings
from generators.analysis.picture_views import whole_view
from generators.contract.engines import EngineError, VisionEngine
from generators.media import pictures
from generators.video import video_files
from schedules.suggestions.alt_texts import prompts, proposals
from schedules.suggestions.alt_texts.proposals import AltTextProposal
from schedules.suggestions.events import AltTextDue
from schedules.suggestions.shared.text_rules import TextRules
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession
from studio.library import assets

SEEING = "system:seeing"
LEAVES = frozenset({Rating.G, Rating.S})
"""Ratings of pictures that may be shown to a model of somebody else's."""

MakeRoom = Callable[[str], None]


@dataclass(frozen=True)
class _Desk:
    """All that is known before a model is asked; `rating` is None of what nobody rated."""

    proposal: AltTextProposal
    sha256: str
    rating: Rating | None


def generate_alt_text(
    event: AltTextDue,
    *,
    tenant: OpenScope,
    store: ObjectStore,
    engine: Callable[[], VisionEngine],
    make_room: MakeRoom,
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Propose words for the picture, or keep why there are none. `billing` says what models cost; `make_room` frees the
    card.

    A repeat after a crash asks again: nothing was kept, and what was asked before counts as lost.
    """
    with tenant(event.tenant_id, SEEING) as scope:
        desk = _load_generation_input(scope, event)
    if desk is None:
        return
    one = desk.proposal
    sitting = TextSession(tenant, event.tenant_id, one.creator_id, TextPurpose.PICTURE, one.asset_id, billing)
    with heartbeat() as pulse:
        words, model = _generate_texts(desk, store, engine, make_room, sitting)
        pulse.check_lease()
    with tenant(event.tenant_id, SEEING) as scope:
        if proposals.store_alt_text(scope, one.id, words, model=model) and not isinstance(words, Message):
            sitting.mark_used(scope)


def fail_alt_text(event: AltTextDue, *, tenant: OpenScope) -> None:
    """Say so to who waits, after the last try broke off."""
    with tenant(event.tenant_id, SEEING) as scope:
        proposals.store_alt_text(scope, event.subject_id, Message("kit.gave_up"))


def _load_generation_input(scope: Scope, event: AltTextDue) -> _Desk | None:
    """None where nobody waits any more; why nothing is asked is settled here: no rendition, or a picture withheld."""
    proposal = proposals.pending_alt_text(scope, event.subject_id)
    if proposal is None:
        return None
    try:
        shown = assets.get_rendition(scope, proposal.asset_id, "")
    except NotFound:
        proposals.store_alt_text(scope, proposal.id, Message("alt.gone"))
        return None
    own = assets.get_asset(scope, proposal.asset_id).sha256
    standing = ratings.display_ratings(scope, [own, shown.sha256])
    if len(standing) < len({own, shown.sha256}) or any(how.is_withheld for how in standing.values()):
        proposals.store_alt_text(scope, proposal.id, Message("alt.withheld"))
        return None
    known = [how.rating for how in standing.values()]
    rating = None if None in known else max((one for one in known if one is not None), key=lambda one: one.rank)
    return _Desk(proposal, shown.sha256, rating)


def _generate_texts(
    desk: _Desk, store: ObjectStore, engine: Callable[[], VisionEngine], make_room: MakeRoom, sitting: TextSession
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
        if video_files.is_video_or_audio(data):
            return Message("alt.film"), ""
        picture = whole_view(pictures.decode_photo(data, name=desk.sha256)).data
    except (NotFound, BadInput):
        return Message("alt.gone"), ""
    if not seeing.hosted:
        make_room(seeing.name)
    rules = TextRules(one.language, one.forbidden)
    seed = derived_uuid(one.id, "words").int % 2**30
    return prompts.write_alt_text(sitting.counted_engine(seeing), picture, rules, seed=seed), seeing.model
