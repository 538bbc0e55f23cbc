"""Changes to a post since a verdict on an earlier version, word by word.

Every verdict stores the content that it is about.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.money import Money
from schedules.approvals.models import Approval
from schedules.posts.deliveries import get_post
from schedules.posts.models import Post

WORDS_COMPARED = 1500
"""Maximum number of words of each text that are compared, not counting their common beginning and
end. Comparing more would take seconds; if there are more, the whole differing part counts as
changed."""

Kind = Literal["same", "gone", "new"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
REFUSALS = ("no", "change")


@dataclass(frozen=True)
class TextRun:
    """A run of text that is unchanged, removed or added."""

    kind: Kind
    words: str


@dataclass(frozen=True)
class TextChange:
    """A changed text of a post.

    `place` is "" for the post, or the platform or account of an override. `field` is title, body,
    comment, price or `option:<name>`. `part` is 0 for the post itself and counts its further parts
    from 1.
    """

    place: str
    field: str
    part: int
    runs: tuple[TextRun, ...]


@dataclass(frozen=True)
class RevisionSinceVerdict:
    """Changes to a post since a verdict; `put` and `taken` are added and removed pictures."""

    by: UUID
    verdict: str
    at: datetime
    changes: tuple[TextChange, ...]
    put: tuple[UUID, ...] = ()
    taken: tuple[UUID, ...] = ()

    @property
    def has_changes(self) -> bool:
        """Return True if text or pictures changed."""
        return bool(self.changes or self.put or self.taken)


@dataclass(frozen=True)
class ChangeRequest:
    """A rejection or change request: reason code `why` and text `note`.

    `answered` is True after the post changed, `agreed` after the same person approved it.
    """

    by: UUID
    tier: int
    verdict: str
    why: str
    note: str
    at: datetime
    answered: bool
    agreed: bool = False


def content_snapshot(row: Post) -> dict[str, Any]:
    """Return the content of a post as it is stored with a verdict."""
    return {
        "title": row.title,
        "body": row.body,
        "media": list(row.media),
        "parts": list(row.parts),
        "overrides": list(row.overrides),
    }


def list_change_requests(scope: Scope, post_id: UUID) -> list[ChangeRequest]:
    """Return the rejections and change requests of a post, latest first.

    Only the last verdict of each person on each version counts. Raises NotFound.
    """
    return load_revision_history(scope, get_post(scope, post_id))[0]


def revision_since_verdict(scope: Scope, post_id: UUID) -> RevisionSinceVerdict | None:
    """Return the changes since the last verdict on another version, or None if there is none.

    Raises NotFound.
    """
    return load_revision_history(scope, get_post(scope, post_id))[1]


def load_revision_history(
    scope: Scope, row: Post
) -> tuple[list[ChangeRequest], RevisionSinceVerdict | None]:
    """Return `list_change_requests` and `revision_since_verdict` with one query."""
    spoken = _list_verdict_history(scope, row)
    return _build_change_requests(scope, row, spoken), _compare_with_last_verdict(
        scope, row, spoken
    )


def _build_change_requests(
    scope: Scope, row: Post, spoken: Sequence[Approval]
) -> list[ChangeRequest]:
    last = {(one.principal_id, one.tier, one.digest): one for one in spoken}
    refusals = [one for one in last.values() if one.verdict in REFUSALS]
    yeses = [
        (one.principal_id, one.created_at or scope.now) for one in spoken if one.verdict == "yes"
    ]
    return [
        ChangeRequest(
            one.principal_id,
            one.tier,
            one.verdict,
            one.why,
            one.note,
            one.created_at or scope.now,
            one.digest != row.digest,
            any(by == one.principal_id and at > (one.created_at or scope.now) for by, at in yeses),
        )
        for one in sorted(
            refusals, key=lambda one: (one.created_at or scope.now, one.id), reverse=True
        )
    ]


def _compare_with_last_verdict(
    scope: Scope, row: Post, spoken: Sequence[Approval]
) -> RevisionSinceVerdict | None:
    kept = [one for one in spoken if one.digest != row.digest and one.content is not None]
    if not kept or kept[-1].content is None:
        return None
    last = kept[-1]
    before = kept[-1].content
    now = content_snapshot(row)
    shown = _collect_asset_ids(before)
    shows = _collect_asset_ids(now)
    return RevisionSinceVerdict(
        last.principal_id,
        last.verdict,
        last.created_at or scope.now,
        changed_texts(before, now),
        put=tuple(one for one in shows if one not in shown),
        taken=tuple(one for one in shown if one not in shows),
    )


def changed_texts(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[TextChange, ...]:
    """Return the texts that differ between two snapshots of a post, in reading order; pure."""
    old = _texts_by_place(before)
    new = _texts_by_place(now)
    return tuple(
        TextChange(*spot, runs=diff_words(old.get(spot, ""), new.get(spot, "")))
        for spot in sorted({*old, *new})
        if old.get(spot, "") != new.get(spot, "")
    )


def diff_words(before: str, now: str) -> tuple[TextRun, ...]:
    """Compare two texts word by word; pure.

    The runs that are not `new` form the first text, those that are not `gone` the second.
    """
    old = _WORDS.findall(before)
    new = _WORDS.findall(now)
    head = _common_prefix_length(old, new)
    tail = _common_prefix_length(old[head:][::-1], new[head:][::-1])
    middle = old[head : len(old) - tail], new[head : len(new) - tail]
    runs = [
        TextRun("same", "".join(old[:head])),
        *_compare_words(*middle),
        TextRun("same", "".join(old[len(old) - tail :])),
    ]
    return tuple(run for run in runs if run.words)


def _compare_words(old: Sequence[str], new: Sequence[str]) -> list[TextRun]:
    if max(len(old), len(new)) > WORDS_COMPARED:
        return [TextRun("gone", "".join(old)), TextRun("new", "".join(new))]
    found = []
    for what, i, until_i, j, until_j in SequenceMatcher(None, old, new).get_opcodes():
        if what == "equal":
            found.append(TextRun("same", "".join(old[i:until_i])))
        else:
            found += [
                TextRun("gone", "".join(old[i:until_i])),
                TextRun("new", "".join(new[j:until_j])),
            ]
    return found


def _common_prefix_length(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the number of words that both texts begin with."""
    shortest = min(len(one), len(other))
    return next((at for at in range(shortest) if one[at] != other[at]), shortest)


def _texts_by_place(said: Mapping[str, Any]) -> dict[tuple[str, str, int], str]:
    """Return every text of a snapshot by place, field and part. Overrides contain only what they
    change."""
    found: dict[tuple[str, str, int], str] = {}
    for place, one in [("", said), *((other["place"], other) for other in said["overrides"])]:
        for field in ("title", "body"):
            if one.get(field) is not None:
                found[place, field, 0] = one[field]
        if one.get("price") is not None:
            found[place, "price", 0] = str(Money(**one["price"]))
        for name, value in (one.get("options") or {}).items():
            found[place, f"option:{name}", 0] = _format_option_value(value)
        for part, piece in enumerate(one.get("parts") or (), start=1):
            found[place, "comment" if piece["comment"] else "body", part] = piece["body"]
    return {spot: words for spot, words in found.items() if words}


def _format_option_value(value: Any) -> str:
    """Format an option for comparison; a flag becomes a symbol that needs no translation."""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _collect_asset_ids(said: Mapping[str, Any]) -> list[UUID]:
    """Return every asset of a snapshot and its overrides, each once."""
    found = [*said["media"]]
    for one in (said, *said["overrides"]):
        found += one.get("media") or ()
        found += (asset for piece in one.get("parts") or () for asset in piece["media"])
    return [UUID(asset) for asset in dict.fromkeys(found)]


def _list_verdict_history(scope: Scope, row: Post) -> list[Approval]:
    """Return the verdicts on a post that were not withdrawn, in order, including expired ones."""
    rows = scope.session.exec(
        select(Approval)
        .where(Approval.tenant_id == scope.tenant_id, Approval.post_id == row.id)
        .order_by(col(Approval.created_at), col(Approval.id))
        .execution_options(populate_existing=True)
    ).all()
    last = {(one.principal_id, one.tier, one.digest): one for one in rows}
    return [one for one in last.values() if one.verdict != "withdrawn"]
