"""Totals of posts per label in a period, from reported metrics only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from foundation.db.database import Scope
from insights.metrics.readings import INTERACTION_METRICS
from schedules.posts import labels
from schedules.posts.labels import Label
from schedules.posts.queries import DeliveryEntry


@dataclass(frozen=True)
class LabelTotals:
    """Totals of the posts with a label; a post with two labels counts for both. `label` is None for
    posts without labels.

    `places` is the number of deliveries and `told` the number of those with any metric. Totals are
    None if no platform reported a value.
    """

    label: Label | None
    posts: int
    places: int
    told: int
    views: int | None
    interactions: int | None


def sum_by_label(
    scope: Scope, out: Sequence[DeliveryEntry], numbers: Mapping[UUID, Mapping[str, int]]
) -> list[LabelTotals]:
    """Return the totals of live posts by label name, posts without labels last; empty if no post
    has a label.

    `numbers` are the latest metrics by delivery, see `metrics.queries.latest_metrics`.
    """
    has = labels.labels_of_posts(scope, {one.post_id for one in out})
    if not has:
        return []
    every = sorted(
        {one for each in has.values() for one in each},
        key=lambda one: labels.fold_label_name(one.name),
    )
    groups = [(label, [one for one in out if label in has.get(one.post_id, ())]) for label in every]
    rest = [one for one in out if one.post_id not in has]
    found = [_compute_label_totals(label, mine, numbers) for label, mine in groups]
    return [*found, _compute_label_totals(None, rest, numbers)] if rest else found


def _compute_label_totals(
    label: Label | None, mine: Sequence[DeliveryEntry], numbers: Mapping[UUID, Mapping[str, int]]
) -> LabelTotals:
    told = [numbers[one.delivery_id] for one in mine if numbers.get(one.delivery_id)]
    views = _sum_known_metrics(told, ("views",))
    interactions = _sum_known_metrics(told, INTERACTION_METRICS)
    return LabelTotals(
        label, len({one.post_id for one in mine}), len(mine), len(told), views, interactions
    )


def _sum_known_metrics(told: Sequence[Mapping[str, int]], names: Sequence[str]) -> int | None:
    values = [one[name] for one in told for name in names if name in one]
    return sum(values) if values else None
