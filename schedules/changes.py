"""What was said of an earlier version of a post, and what has changed in it since: word by word.

Whoever says yes or no leaves the words they read beside it; the next version is shown against those.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select

from foundation.database import Scope
from foundation.money import Money
from schedules.models import Approval, Post
from schedules.planning import post

WORDS_COMPARED = 1500
"""Of either text, once what is the same at both ends is put aside: comparing more takes seconds. Beyond it the whole
of what is between the ends counts as changed."""

Kind = Literal["same", "gone", "new"]
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
REFUSALS = ("no", "change")


@dataclass(frozen=True)
class Run:
    """A stretch of a text: as it was, taken out, or put in."""

    kind: Kind
    words: str


@dataclass(frozen=True)
class Change:
    """One text of a post that is another now. `place` is "" for the post itself, else a platform or an account that
    says it otherwise; `field` is title, body, comment or price; `part` counts what follows, 0 being the post."""

    place: str
    field: str
    part: int
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Since:
    """What became of a post since somebody spoke of it: `put` and `taken` are pictures, by asset."""

    by: UUID
    verdict: str
    at: datetime
    changes: tuple[Change, ...]
    put: tuple[UUID, ...] = ()
    taken: tuple[UUID, ...] = ()

    @property
    def any(self) -> bool:
        """Whether what people read or see is another."""
        return bool(self.changes or self.put or self.taken)


@dataclass(frozen=True)
class Wanted:
    """A no, or a wish for a change: `why` is its code, `note` the words; `answered` once the post is another, `agreed`
    once whoever said it has said yes since."""

    by: UUID
    tier: int
    verdict: str
    why: str
    note: str
    at: datetime
    answered: bool
    agreed: bool = False


def snapshot(row: Post) -> dict[str, Any]:
    """What a post says, as it is kept beside what somebody said of it."""
    return {
        "title": row.title,
        "body": row.body,
        "media": list(row.media),
        "parts": list(row.parts),
        "overrides": list(row.overrides),
    }


def wanted(scope: Scope, post_id: UUID) -> list[Wanted]:
    """What people want changed in a post, and wanted before, the last first: of each of them and each version their
    last word, unless they took it back. Raises NotFound."""
    return history(scope, post(scope, post_id))[0]


def since(scope: Scope, post_id: UUID) -> Since | None:
    """What changed since the last word on another version; None where nobody spoke of one. Raises NotFound."""
    return history(scope, post(scope, post_id))[1]


def history(scope: Scope, row: Post) -> tuple[list[Wanted], Since | None]:
    """Both, read at once."""
    spoken = _spoken(scope, row)
    return _wanted(scope, row, spoken), _since(scope, row, spoken)


def _wanted(scope: Scope, row: Post, spoken: Sequence[Approval]) -> list[Wanted]:
    last = {(one.principal_id, one.tier, one.digest): one for one in spoken}
    refusals = [one for one in last.values() if one.verdict in REFUSALS]
    yeses = [(one.principal_id, one.created_at or scope.now) for one in spoken if one.verdict == "yes"]
    return [
        Wanted(
            one.principal_id,
            one.tier,
            one.verdict,
            one.why,
            one.note,
            one.created_at or scope.now,
            one.digest != row.digest,
            any(by == one.principal_id and at > (one.created_at or scope.now) for by, at in yeses),
        )
        for one in sorted(refusals, key=lambda one: (one.created_at or scope.now, one.id), reverse=True)
    ]


def _since(scope: Scope, row: Post, spoken: Sequence[Approval]) -> Since | None:
    kept = [one for one in spoken if one.digest != row.digest and one.content is not None]
    if not kept or kept[-1].content is None:
        return None
    last, before, now = kept[-1], kept[-1].content, snapshot(row)
    shown, shows = _pictures(before), _pictures(now)
    return Since(
        last.principal_id,
        last.verdict,
        last.created_at or scope.now,
        changes(before, now),
        put=tuple(one for one in shows if one not in shown),
        taken=tuple(one for one in shown if one not in shows),
    )


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[Change, ...]:
    """The texts that differ between two snapshots of a post, in the order they are read; pure."""
    old, new = _texts(before), _texts(now)
    return tuple(
        Change(*spot, runs=differences(old.get(spot, ""), new.get(spot, "")))
        for spot in sorted({*old, *new})
        if old.get(spot, "") != new.get(spot, "")
    )


def differences(before: str, now: str) -> tuple[Run, ...]:
    """Two texts word by word: what stands in both, in the first alone, in the second alone; pure.

    The runs that are not `new` make the first text again, those that are not `gone` the second.
    """
    old, new = _WORDS.findall(before), _WORDS.findall(now)
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    middle = old[head : len(old) - tail], new[head : len(new) - tail]
    runs = [Run("same", "".join(old[:head])), *_compared(*middle), Run("same", "".join(old[len(old) - tail :]))]
    return tuple(run for run in runs if run.words)


def _compared(old: Sequence[str], new: Sequence[str]) -> list[Run]:
    if max(len(old), len(new)) > WORDS_COMPARED:
        return [Run("gone", "".join(old)), Run("new", "".join(new))]
    found = []
    for what, i, until_i, j, until_j in SequenceMatcher(None, old, new).get_opcodes():
        if what == "equal":
            found.append(Run("same", "".join(old[i:until_i])))
        else:
            found += [Run("gone", "".join(old[i:until_i])), Run("new", "".join(new[j:until_j]))]
    return found


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    """How many words two texts begin with together."""
    shortest = min(len(one), len(other))
    return next((at for at in range(shortest) if one[at] != other[at]), shortest)


def _texts(said: Mapping[str, Any]) -> dict[tuple[str, str, int], str]:
    """Every text of a snapshot by where it stands; what a place does not say otherwise is the post's."""
    found: dict[tuple[str, str, int], str] = {}
    for place, one in [("", said), *((other["place"], other) for other in said["overrides"])]:
        for field in ("title", "body"):
            if one.get(field) is not None:
                found[place, field, 0] = one[field]
        if one.get("price") is not None:
            found[place, "price", 0] = str(Money(**one["price"]))
        for name, value in (one.get("options") or {}).items():
            found[place, f"option:{name}", 0] = _chosen(value)
        for part, piece in enumerate(one.get("parts") or (), start=1):
            found[place, "comment" if piece["comment"] else "body", part] = piece["body"]
    return {spot: words for spot, words in found.items() if words}


def _chosen(value: Any) -> str:
    """What was chosen, as it is compared: yes and no as signs that need no language."""
    if isinstance(value, bool):
        return "✓" if value else "✗"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _pictures(said: Mapping[str, Any]) -> list[UUID]:
    """Every picture of a snapshot, in whatever place, once each."""
    found = [*said["media"]]
    for one in (said, *said["overrides"]):
        found += one.get("media") or ()
        found += (asset for piece in one.get("parts") or () for asset in piece["media"])
    return [UUID(asset) for asset in dict.fromkeys(found)]


def _spoken(scope: Scope, row: Post) -> list[Approval]:
    """Everything said of a post that was not taken back, in order; what has run out too."""
    rows = scope.session.exec(
        select(Approval)
        .where(Approval.tenant_id == scope.tenant_id, Approval.post_id == row.id)
        .order_by(col(Approval.created_at), col(Approval.id))
        .execution_options(populate_existing=True)
    ).all()
    last = {(one.principal_id, one.tier, one.digest): one for one in rows}
    return [one for one in last.values() if one.verdict != "withdrawn"]
