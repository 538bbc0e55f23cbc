"""Alt text proposals: requested from a vision model, then accepted or rejected by a member."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from schedules.posts.states import ALT_TEXT_STATES
from schedules.suggestions.events import AltTextDue
from schedules.suggestions.models import AltTextRow
from schedules.suggestions.shared import request_rows
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from schedules.suggestions.states import AltTextState
from studio.library import assets as library

MAX_WAITING_PICTURES = 60
"""Maximum number of images of one creator that wait for a model."""

MAX_ALT_TEXT_LENGTH = 300
MAX_DESCRIPTION_LENGTH = 600
"""Maximum number of characters in the description used for search; an alt text has
`MAX_ALT_TEXT_LENGTH`."""

GROUP = "seeing"


@dataclass(frozen=True)
class AltTextProposal:
    """A proposed alt text. `alt` is empty while the model works, and if `reason` explains its
    absence."""

    id: UUID
    creator_id: UUID
    asset_id: UUID
    language: str
    forbidden: tuple[str, ...]
    state: AltTextState
    alt: str
    shows: str
    model: str
    reason: Message | None


def request_alt_texts(
    scope: Scope,
    creator_id: UUID,
    assets: Sequence[UUID],
    *,
    language: str,
    forbidden: tuple[str, ...],
    key: UUID,
) -> int:
    """Request alt texts for images, once per `key`; return the number of requests.

    Images that already wait are skipped. `forbidden` are words that the creator never uses. Raises
    BadInput for an unsupported language, NotFound for an image that is not the creator's, Conflict
    if too many images would wait.
    """
    library.lock_library(scope, "alts", creator_id)
    if language not in WRITABLE_LANGUAGES:
        raise BadInput("kit.language_unknown")
    library.check_assets_owned(scope, creator_id, assets)
    waiting = set(
        scope.session.exec(
            select(AltTextRow.asset_id).where(
                AltTextRow.tenant_id == scope.tenant_id,
                AltTextRow.creator_id == creator_id,
                AltTextRow.state == str(AltTextState.WAITING),
            )
        )
    )
    keys = {asset: f"{key}:{asset}" for asset in dict.fromkeys(assets) if asset not in waiting}
    known = select(AltTextRow.key).where(
        AltTextRow.tenant_id == scope.tenant_id, col(AltTextRow.key).in_(keys.values())
    )
    done = set(scope.session.exec(known))
    wanted = [asset for asset, one in keys.items() if one not in done]
    if len(waiting) + len(wanted) > MAX_WAITING_PICTURES:
        raise Conflict("alt.busy", most=MAX_WAITING_PICTURES)
    for asset in wanted:
        row = AltTextRow(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            key=keys[asset],
            asset_id=asset,
            by=scope.actor,
            language=language,
            forbidden=list(forbidden),
        )
        request_rows.put_request(scope, row, AltTextDue(scope.tenant_id, row.id), group=GROUP)
    return len(wanted)


def latest_alt_texts(
    scope: Scope, creator_id: UUID, assets: Collection[UUID]
) -> Mapping[UUID, AltTextProposal]:
    """Return the latest proposal of each image that is neither accepted nor rejected.

    Images without one are not in the result.
    """
    if not assets:
        return {}
    rows = scope.session.exec(
        select(AltTextRow)
        .where(
            AltTextRow.tenant_id == scope.tenant_id,
            AltTextRow.creator_id == creator_id,
            col(AltTextRow.asset_id).in_(assets),
        )
        .order_by(col(AltTextRow.created_at), col(AltTextRow.id))
        .execution_options(populate_existing=True)
    )
    last = {row.asset_id: _proposal_from_row(row) for row in rows}
    over = (AltTextState.TAKEN, AltTextState.REFUSED)
    return {asset: one for asset, one in last.items() if one.state not in over}


def pending_alt_text(scope: Scope, proposal_id: UUID) -> AltTextProposal | None:
    """Return a proposal that waits for a model, or None if it was processed or is unknown."""
    row = request_rows.get_row(scope, AltTextRow, proposal_id)
    return (
        _proposal_from_row(row) if row is not None and row.state == AltTextState.WAITING else None
    )


def store_alt_text(
    scope: Scope, proposal_id: UUID, words: tuple[str, str] | Message, *, model: str = ""
) -> list[UUID]:
    """Store an alt text and a description, or the reason for their absence, unless already stored.

    Returns the image as the subject whose texts are used, if there are any.
    """
    row = request_rows.lock_row(scope, AltTextRow, proposal_id)
    if row is None or row.state != AltTextState.WAITING:
        return []
    if isinstance(words, Message):
        _transition_proposal(row, AltTextState.LACKING)
        row.reason = words.to_json()
    else:
        _transition_proposal(row, AltTextState.OFFERED)
        row.alt, row.shows = words
    row.model = model
    scope.add(row)
    return [] if isinstance(words, Message) else [row.asset_id]


def accept_alt_text(
    scope: Scope,
    creators: Collection[UUID],
    proposal_id: UUID,
    alt: str,
    *,
    instead_of: str,
    shows: str = "",
) -> None:
    """Replace the alt text of an image with the proposed one, as edited by the member.

    `instead_of` is the alt text that the member saw. Raises NotFound, BadInput for an empty text,
    and Conflict if another member has changed the image's alt text since.
    """
    row = _get_open_proposal(scope, creators, proposal_id)
    if not alt:
        raise BadInput("alt.empty").about("alt")
    library.lock_library(scope, "alts", row.creator_id)
    if library.get_asset(scope, row.asset_id).alt != instead_of:
        raise Conflict("alt.changed")
    library.set_alt_text(
        scope, row.asset_id, alt[:MAX_ALT_TEXT_LENGTH], shows=shows[:MAX_DESCRIPTION_LENGTH]
    )
    _transition_proposal(row, AltTextState.TAKEN)
    scope.add(row)


def reject_alt_text(scope: Scope, creators: Collection[UUID], proposal_id: UUID) -> None:
    """Reject a proposal, or dismiss the reason for a missing one. Raises NotFound."""
    row = _get_open_proposal(scope, creators, proposal_id)
    _transition_proposal(row, AltTextState.REFUSED)
    scope.add(row)


def _get_open_proposal(scope: Scope, creators: Collection[UUID], proposal_id: UUID) -> AltTextRow:
    row = request_rows.lock_row(scope, AltTextRow, proposal_id)
    if row is None or row.creator_id not in creators or row.state == AltTextState.WAITING:
        raise NotFound("alt.unknown")
    if row.state in (AltTextState.TAKEN, AltTextState.REFUSED):
        raise Conflict("alt.over")
    return row


def _transition_proposal(row: AltTextRow, after: AltTextState) -> None:
    ALT_TEXT_STATES.check(AltTextState(row.state), after)
    row.state = str(after)


def _proposal_from_row(row: AltTextRow) -> AltTextProposal:
    return AltTextProposal(
        row.id,
        row.creator_id,
        row.asset_id,
        row.language,
        tuple(row.forbidden),
        AltTextState(row.state),
        row.alt,
        row.shows,
        row.model,
        Message.from_json(row.reason) if row.reason is not None else None,
    )
