"""Writing styles: the tone, length and hashtags that a creator uses on a network.

A style replaces the habits of the network (`networks`) and the tone of the persona. The style of
all networks applies where a network has none. The platform's own limit always applies.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import select

from channels.accounts import queries
from foundation.db.database import Scope
from foundation.errors import BadInput
from gate.surfaces.model_texts import load_text_judge
from generators.contract.engines import TextLength
from schedules.suggestions.captions.networks import NETWORK_HABITS, TEXT_LENGTHS, NetworkStyle
from schedules.suggestions.models import WritingStyleRow
from schedules.suggestions.shared.text_rules import MAX_HASHTAGS, check_request, clean_line
from tenants import audit

ALL_NETWORKS = ""
MAX_TONE = 120
"""Maximum number of characters of a tone, which is part of every prompt."""


@dataclass(frozen=True)
class WritingStyle:
    """A style. An empty tone, and None for length and hashtags, are the usual ones."""

    tone: str = ""
    length: TextLength | None = None
    hashtags: int | None = None

    @property
    def is_usual(self) -> bool:
        """True if the style replaces nothing."""
        return self == WritingStyle()

    def describe(self) -> str:
        """Return the style for the audit log."""
        number = "-" if self.hashtags is None else self.hashtags
        return f"{self.tone or '-'}, {self.length or '-'}, {number}"


def list_styles(scope: Scope, creator_id: UUID) -> dict[str, WritingStyle]:
    """Return the styles of a creator by network; that of all networks is under `ALL_NETWORKS`."""
    rows = scope.session.exec(
        select(WritingStyleRow).where(
            WritingStyleRow.tenant_id == scope.tenant_id,
            WritingStyleRow.creator_id == creator_id,
        )
    )
    return {row.network: _style_from_row(row) for row in rows}


def list_networks(scope: Scope, creator_id: UUID) -> list[str]:
    """Return the networks on which the creator has accounts, sorted."""
    return sorted({one.platform for one in queries.list_creator_channels(scope, creator_id)})


def save_style(scope: Scope, creator_id: UUID, network: str, style: WritingStyle) -> None:
    """Store the style of a network; a usual style deletes it. Recorded in the audit log.

    Raises BadInput for an unknown network, a tone that is too long or that no model is given, an
    unknown length, and more than `MAX_HASHTAGS` hashtags.
    """
    known = {ALL_NETWORKS, *NETWORK_HABITS, *list_networks(scope, creator_id)}
    if network not in known:
        raise BadInput("style.network_unknown")
    wanted = replace(style, tone=_check_tone(scope, style.tone))
    if wanted.length is not None and wanted.length not in TEXT_LENGTHS:
        raise BadInput("style.length_unknown")
    if wanted.hashtags is not None and not 0 <= wanted.hashtags <= MAX_HASHTAGS:
        raise BadInput("style.too_many_hashtags", most=MAX_HASHTAGS)
    scope.lock(f"writing style:{creator_id}:{network}")
    row = _find_row(scope, creator_id, network)
    before = _style_from_row(row) if row is not None else WritingStyle()
    if before == wanted:
        return
    if wanted.is_usual and row is not None:
        scope.session.delete(row)
        scope.session.flush()
    else:
        row = row or WritingStyleRow(
            tenant_id=scope.tenant_id, creator_id=creator_id, network=network, by=scope.actor
        )
        row.tone = wanted.tone
        row.length = wanted.length or ""
        row.hashtags = wanted.hashtags
        row.by = scope.actor
        scope.add(row)
    audit.record(
        scope,
        "style.save",
        f"creator:{creator_id}",
        network=network or "all",
        before=before.describe(),
        after=wanted.describe(),
    )


def apply_styles(
    styles: Mapping[str, WritingStyle], network: str, habit: NetworkStyle
) -> NetworkStyle:
    """Return the habit with the style of the network, or with that of all networks. Pure."""
    general = styles.get(ALL_NETWORKS, WritingStyle())
    own = styles.get(network, WritingStyle())
    length = own.length or general.length or habit.length
    hashtags = next(
        (one for one in (own.hashtags, general.hashtags) if one is not None), habit.hashtags
    )
    return replace(habit, length=length, hashtags=hashtags, tone=own.tone or general.tone)


def _check_tone(scope: Scope, tone: str) -> str:
    said = clean_line(unicodedata.normalize("NFC", tone))
    if len(said) > MAX_TONE:
        raise BadInput("style.tone_long", most=MAX_TONE).about("tone")
    if said:
        check_request(load_text_judge(scope, "model.suggestion"), [said])
    return said


def _find_row(scope: Scope, creator_id: UUID, network: str) -> WritingStyleRow | None:
    return scope.session.exec(
        select(WritingStyleRow).where(
            WritingStyleRow.tenant_id == scope.tenant_id,
            WritingStyleRow.creator_id == creator_id,
            WritingStyleRow.network == network,
        )
    ).first()


def _style_from_row(row: WritingStyleRow) -> WritingStyle:
    length = next((one for one in TEXT_LENGTHS if one == row.length), None)
    return WritingStyle(row.tone, length, row.hashtags)
