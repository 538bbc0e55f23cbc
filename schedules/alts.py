"""Words for pictures by a model that sees: asked for, proposed beside the picture, and taken or refused by a person."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.words import Message
from schedules.events import PictureSeen
from schedules.kits_brief import LANGUAGES
from schedules.models_planning import PictureWords
from schedules.states import PROPOSAL_STATES, ProposalState
from studio import library

MOST = 60
"""Pictures of one creator that wait for a model at once."""

LONGEST, LONGEST_SHOWS = 300, 600
"""Characters of the alternative text, and of what the library finds a picture by."""

GROUP = "seeing"


@dataclass(frozen=True)
class Proposal:
    """Words for a picture. `alt` is empty while a model is asked, and where `reason` says why there are none."""

    id: UUID
    creator_id: UUID
    asset_id: UUID
    language: str
    forbidden: tuple[str, ...]
    state: ProposalState
    alt: str
    shows: str
    model: str
    reason: Message | None


def ask(
    scope: Scope, creator_id: UUID, assets: Sequence[UUID], *, language: str, forbidden: tuple[str, ...], key: UUID
) -> int:
    """Ask for words for these pictures, once per `key`; what is waited for already is left out. How many are asked for.

    `forbidden` are words the creator never uses. Raises BadInput for a language nobody is asked in, NotFound for a
    picture that is not hers, and Conflict where too many would wait.
    """
    library.alone(scope, "alts", creator_id)
    if language not in LANGUAGES:
        raise BadInput("kit.language_unknown")
    library.check_owner(scope, creator_id, assets)
    waiting = set(scope.session.exec(_mine(scope, creator_id, select(PictureWords.asset_id), ProposalState.WAITING)))
    keys = {asset: f"{key}:{asset}" for asset in dict.fromkeys(assets) if asset not in waiting}
    known = select(PictureWords.key).where(
        PictureWords.tenant_id == scope.tenant_id, col(PictureWords.key).in_(keys.values())
    )
    done = set(scope.session.exec(known))
    wanted = [asset for asset, one in keys.items() if one not in done]
    if len(waiting) + len(wanted) > MOST:
        raise Conflict("alt.busy", most=MOST)
    for asset in wanted:
        row = PictureWords(
            tenant_id=scope.tenant_id,
            creator_id=creator_id,
            key=keys[asset],
            asset_id=asset,
            by=scope.actor,
            language=language,
            forbidden=list(forbidden),
        )
        scope.add(row)
        outbox.put(scope, PictureSeen(scope.tenant_id, row.id), at=scope.now, group=GROUP)
    return len(wanted)


def newest(scope: Scope, creator_id: UUID, assets: Collection[UUID]) -> Mapping[UUID, Proposal]:
    """By picture, the last proposal that nobody took or refused; pictures without one are absent."""
    if not assets:
        return {}
    rows = scope.session.exec(
        select(PictureWords)
        .where(
            PictureWords.tenant_id == scope.tenant_id,
            PictureWords.creator_id == creator_id,
            col(PictureWords.asset_id).in_(assets),
        )
        .order_by(col(PictureWords.created_at), col(PictureWords.id))
        .execution_options(populate_existing=True)
    )
    last = {row.asset_id: _value(row) for row in rows}
    over = (ProposalState.TAKEN, ProposalState.REFUSED)
    return {asset: one for asset, one in last.items() if one.state not in over}


def waiting(scope: Scope, proposal_id: UUID) -> Proposal | None:
    """A proposal that no model was asked for yet; None once one was, or for an unknown one."""
    row = scope.session.get(PictureWords, (scope.tenant_id, proposal_id), populate_existing=True)
    return _value(row) if row is not None and row.state == ProposalState.WAITING else None


def settle(scope: Scope, proposal_id: UUID, words: tuple[str, str] | Message, *, model: str = "") -> bool:
    """Keep what was written, alternative text and description, or why nothing was. Whether it did: the first counts."""
    row = _locked(scope, proposal_id)
    if row is None or row.state != ProposalState.WAITING:
        return False
    if isinstance(words, Message):
        _move(row, ProposalState.LACKING)
        row.reason = words.to_json()
    else:
        _move(row, ProposalState.OFFERED)
        row.alt, row.shows = words
    row.model = model
    scope.add(row)
    return True


def take(
    scope: Scope, creators: Collection[UUID], proposal_id: UUID, alt: str, *, instead_of: str, shows: str = ""
) -> None:
    """Somebody puts the words, as they left them, in the place of those they were shown (`instead_of`).

    Raises NotFound for nobody's proposal, BadInput without words, and Conflict where the picture got other words
    meanwhile: they are a person's, and were not looked at.
    """
    row = _offered(scope, creators, proposal_id)
    if not alt:
        raise BadInput("alt.empty")
    library.alone(scope, "alts", row.creator_id)
    if library.item(scope, row.asset_id).alt != instead_of:
        raise Conflict("alt.changed")
    library.describe(scope, row.asset_id, alt[:LONGEST], shows=shows[:LONGEST_SHOWS])
    _move(row, ProposalState.TAKEN)
    scope.add(row)


def refuse(scope: Scope, creators: Collection[UUID], proposal_id: UUID) -> None:
    """Somebody wants none of it, or has read why there is none. Raises NotFound for nobody's proposal."""
    row = _offered(scope, creators, proposal_id)
    _move(row, ProposalState.REFUSED)
    scope.add(row)


def _offered(scope: Scope, creators: Collection[UUID], proposal_id: UUID) -> PictureWords:
    row = _locked(scope, proposal_id)
    if row is None or row.creator_id not in creators or row.state == ProposalState.WAITING:
        raise NotFound("alt.unknown")
    if row.state in (ProposalState.TAKEN, ProposalState.REFUSED):
        raise Conflict("alt.over")
    return row


def _locked(scope: Scope, proposal_id: UUID) -> PictureWords | None:
    return scope.session.exec(
        select(PictureWords)
        .where(PictureWords.tenant_id == scope.tenant_id, PictureWords.id == proposal_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _move(row: PictureWords, after: ProposalState) -> None:
    PROPOSAL_STATES.check(ProposalState(row.state), after)
    row.state = str(after)


def _mine(scope: Scope, creator_id: UUID, wanted: Any, state: ProposalState) -> Any:
    return wanted.where(
        PictureWords.tenant_id == scope.tenant_id,
        PictureWords.creator_id == creator_id,
        PictureWords.state == str(state),
    )


def _value(row: PictureWords) -> Proposal:
    return Proposal(
        row.id,
        row.creator_id,
        row.asset_id,
        row.language,
        tuple(row.forbidden),
        ProposalState(row.state),
        row.alt,
        row.shows,
        row.model,
        Message.from_json(row.reason) if row.reason is not None else None,
    )
