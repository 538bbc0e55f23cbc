"""Rank models of accounts: fitted every night on past posts, used wherever a draft is ranked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import numpy as np

from foundation.db.database import Scope
from insights.metrics.queries import post_results
from insights.predictions import draft_ranks
from insights.predictions.draft_ranks import DraftRank, Floats, RankedText, RankModel
from insights.predictions.evidence import NotEnoughData
from insights.predictions.states import PredictionState, PredictionTask
from insights.predictions.storage import (
    ModelCard,
    StoredPrediction,
    list_predictions,
    waiting_prediction,
)
from schedules.posts import live_posts
from schedules.posts.live_posts import LivePostContent, find_hashtags

RANK_AGE = 24
"""Age in hours at which past posts are compared."""

VERSION = 1
METHOD = "ridge"
BASELINE = "chance"


@dataclass(frozen=True)
class RankedDraft:
    """The rank of a draft on an account. Without a rank, `missing` says how many past posts there
    are; if nothing is missing, ranks of this account are not better than chance."""

    rank: DraftRank | None
    missing: NotEnoughData | None


@dataclass(frozen=True)
class PastPosts:
    """The texts of an account's posts, oldest first, and their results in logarithms relative to
    the account's usual one; `missing` if they are too few."""

    channel_id: UUID
    texts: Sequence[RankedText] = ()
    results: Floats | None = None
    missing: NotEnoughData | None = None


def collect_past_posts(scope: Scope, creator_id: UUID, channel_id: UUID) -> PastPosts:
    """Return the posts of an account on which its model is fitted."""
    values = post_results(scope, channel_id, age_hours=RANK_AGE, most=draft_ranks.MAX_POSTS)
    posts: list[LivePostContent] = []
    if len(values) >= draft_ranks.MIN_POSTS:
        posts = live_posts.list_live_posts(scope, creator_id, values)
    have = min(len(values), len(posts)) if posts else len(values)
    if have < draft_ranks.MIN_POSTS:
        missing = NotEnoughData(have, draft_ranks.MIN_POSTS, "posts")
        return PastPosts(channel_id, missing=missing)
    posts.sort(key=lambda one: (one.at, one.delivery_id))
    results = np.log1p(np.array([values[one.delivery_id] for one in posts], dtype=np.float64))
    return PastPosts(
        channel_id, [_live_text(one) for one in posts], results - float(np.median(results))
    )


def fit_rank_model(creator_id: UUID, past: PastPosts, now: datetime) -> StoredPrediction:
    """Return the fitted model of an account. It takes a tenth of a second."""
    subject = str(past.channel_id)
    if past.results is None:
        return waiting_prediction(creator_id, PredictionTask.RANKS, subject, past.missing, now)
    model = RankModel(past.texts, past.results)
    card = ModelCard(
        method=METHOD,
        baseline=BASELINE,
        own_error=None,
        baseline_error=None,
        error_unit="",
        coverage=None,
        first_day=None,
        last_day=None,
        split="latest_part",
        samples=len(past.texts),
        version=VERSION,
    )
    state = PredictionState.SERVED if model.is_proven else PredictionState.BASELINE
    return StoredPrediction(
        creator_id, PredictionTask.RANKS, subject, state, card, None, model.store(), now
    )


def load_rank_model(
    scope: Scope, creator_id: UUID, channel_id: UUID
) -> tuple[RankModel | None, NotEnoughData | None]:
    """Return the rank model of an account, None if it is not better than chance, or what is
    missing. Before the first night it is fitted at once."""
    (one,) = _load_predictions(scope, creator_id, [channel_id])
    served = one.state is PredictionState.SERVED
    return (RankModel.restore(one.result) if served else None), one.lacking


def _load_predictions(
    scope: Scope, creator_id: UUID, channels: Sequence[UUID]
) -> list[StoredPrediction]:
    """Return the models of accounts, in this order, fitted if they are not stored."""
    subjects = [str(one) for one in channels]
    stored = {
        one.subject: one
        for one in list_predictions(scope, [creator_id], [PredictionTask.RANKS], subjects=subjects)
    }
    return [
        stored.get(str(one))
        or fit_rank_model(creator_id, collect_past_posts(scope, creator_id, one), scope.now)
        for one in channels
    ]


def rank_draft(
    scope: Scope, creator_id: UUID, texts: Mapping[UUID, RankedText]
) -> dict[UUID, RankedDraft]:
    """Return the rank of a draft on each account, from its text there."""
    channels = list(texts)
    found = {}
    for channel_id, one in zip(
        channels, _load_predictions(scope, creator_id, channels), strict=True
    ):
        served = one.state is PredictionState.SERVED
        rank = RankModel.restore(one.result).rank(texts[channel_id]) if served else None
        found[channel_id] = RankedDraft(rank, one.lacking)
    return found


def draft_text(title: str, body: str, media: Collection[object]) -> RankedText:
    """Return what a draft is ranked by."""
    return _text(title, body, media, find_hashtags(body))


def _live_text(one: LivePostContent) -> RankedText:
    return _text(one.title, one.words, one.media, one.tags)


def _text(title: str, body: str, media: Collection[object], tags: Collection[str]) -> RankedText:
    form = "picture" if media else "text"
    return RankedText(f"{title} {body}", (f"form:{form}", *(f"#{one}" for one in tags)))
