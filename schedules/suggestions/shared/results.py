"""Measured results of a creator that suggestions use and cite. `insights` computes them; this
package stores them, because routines make suggestions too."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from sqlmodel import select

from foundation.db.database import Scope
from schedules.posts.live_posts import PostFormat
from schedules.suggestions.models import CreatorResults
from schedules.suggestions.shared.stored_briefs import dump_brief, load_brief

_FIGURE = re.compile(r"\d+")


@dataclass(frozen=True)
class InspiringPost:
    """A post that performed well.

    `value` is its number of interactions at the age given in the results, `usual` the median of its
    account. `day` is an ISO date in the creator's time zone.
    """

    post_id: UUID
    words: str
    form: PostFormat
    account: str
    day: str
    value: int
    usual: int


@dataclass(frozen=True)
class ResultLesson:
    """A statistically significant pattern: `better` of `posts` posts outperformed their account's
    usual result.

    The posts share the property `name` of a `kind` (form, hours, tag or label). `gain_percent` is
    their geometric mean relative to the usual result.
    """

    kind: str
    name: str
    posts: int
    better: int
    gain_percent: int | None = None


@dataclass(frozen=True)
class HourResult:
    """An hour of an account, local to the creator, that is better than usual beyond chance: the
    difference in percent with its 80 % interval, from `posts` posts."""

    channel_id: UUID
    account: str
    weekend: bool
    clock: int
    lift_percent: int
    low_percent: int
    high_percent: int
    posts: int


@dataclass(frozen=True)
class ForecastResult:
    """The forecast of a metric for the next `days` days, with its 80 % interval."""

    metric: str
    days: int
    value: int
    low: int
    high: int


@dataclass(frozen=True)
class MeasuredResults:
    """The results of `posts` posts at an age of `age_hours`; `lacking` is the number of further
    posts needed for conclusions."""

    posts: int
    age_hours: int
    lacking: int
    lessons: tuple[ResultLesson, ...] = ()
    best: tuple[InspiringPost, ...] = ()
    hours: tuple[HourResult, ...] = ()
    forecasts: tuple[ForecastResult, ...] = ()


@dataclass(frozen=True)
class _StoredResults:
    creator_id: UUID
    results: MeasuredResults


def store_results(scope: Scope, creator_id: UUID, results: MeasuredResults) -> None:
    """Replace the results of a creator. The texts of posts are not stored."""
    row = _find_row(scope, creator_id)
    if row is None:
        row = CreatorResults(
            tenant_id=scope.tenant_id, creator_id=creator_id, computed_at=scope.now
        )
    row.results = dump_brief(_StoredResults(creator_id, replace(results, best=())))
    row.computed_at = scope.now
    scope.add(row)


def load_results(scope: Scope, creator_id: UUID) -> MeasuredResults | None:
    """Return the stored results of a creator, or None before the first night."""
    row = _find_row(scope, creator_id)
    return load_brief(_StoredResults, creator_id, row.results).results if row is not None else None


def _find_row(scope: Scope, creator_id: UUID) -> CreatorResults | None:
    return scope.session.exec(
        select(CreatorResults).where(
            CreatorResults.tenant_id == scope.tenant_id, CreatorResults.creator_id == creator_id
        )
    ).one_or_none()


def lessons_about(
    results: MeasuredResults, form: PostFormat, tags: Collection[str]
) -> list[ResultLesson]:
    """Return the lessons that a suggestion of this form with these hashtags follows; pure."""
    folded = {tag.casefold() for tag in tags}
    return [
        one
        for one in results.lessons
        if (one.kind == "form" and one.name == str(form))
        or (one.kind == "tag" and one.name.casefold() in folded)
    ]


def best_hours(
    results: MeasuredResults, channels: Collection[UUID], *, weekend: bool
) -> list[HourResult]:
    """Return the best hours of these accounts on workdays or at weekends, best first; pure."""
    found = [one for one in results.hours if one.channel_id in channels and one.weekend is weekend]
    return sorted(found, key=lambda one: (-one.lift_percent, one.clock, one.channel_id))


def find_unknown_figure(text: str, known: Sequence[str]) -> str | None:
    """Return the first figure of a generated text that no known text contains, or None; pure."""
    figures = {figure for one in known for figure in _FIGURE.findall(one)}
    return next((one for one in _FIGURE.findall(text) if one not in figures), None)
