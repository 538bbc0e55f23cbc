"""Expected results of a post beside it: the range of a running post, and the rank of a draft with
its reasons."""

from collections.abc import Collection, Sequence
from uuid import UUID

from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from insights.predictions import post_forecasts, rank_models
from insights.predictions.draft_ranks import DraftRank
from insights.predictions.evidence import NotEnoughData
from insights.predictions.growth import GrowthModel
from insights.predictions.post_forecasts import RunningPost
from insights.predictions.rank_models import RankedDraft
from schedules.drafts.previews import PostPreview

BEST_SHARE = 0.9


def load_ranks(
    scope: Scope, creator_id: UUID, previews: Sequence[PostPreview]
) -> dict[UUID, RankedDraft]:
    """Return the rank of a draft on each of its accounts; none for an empty draft."""
    texts = {
        one.channel_id: rank_models.draft_text(one.said.title, one.said.body, one.said.all_assets)
        for one in previews
        if one.said.title or one.said.body
    }
    return rank_models.rank_draft(scope, creator_id, texts)


def render_rank(page: PageContext, one: RankedDraft | None) -> None:
    """Render the rank of a draft on one account with its reasons, or what it needs."""
    if one is not None:
        draw_template("shell/templates/note.html", note=describe_rank(page, one))


def describe_rank(page: PageContext, one: RankedDraft) -> str:
    """Return the rank of a draft with its reasons, or what it needs."""
    texts = [page.text("post_forecasts.rank", rank=rank_text(page, one.rank, one.missing))]
    if one.rank is not None:
        for code, terms in (("raises", one.rank.better), ("lowers", one.rank.worse)):
            named = name_reasons(page, terms)
            if named is not None:
                texts.append(page.text(f"post_forecasts.{code}", terms=named))
    return " ".join(texts)


def load_running(
    scope: Scope, creator_id: UUID, deliveries: Collection[UUID]
) -> dict[UUID, RunningPost]:
    """Return the expected results of those of these deliveries that were published in the last
    seven days."""
    found = post_forecasts.describe_deliveries(scope, creator_id, deliveries)
    return {one.post.delivery_id: one for one in found}


def running_text(page: PageContext, one: RunningPost) -> str:
    """Return the expected count of a running post with its range, or what the range needs."""
    number = page.localizer.format_number
    metric = page.text(f"variants.metric.{one.metric}")
    known = {"metric": metric, "count": number(one.count), "hours": number(one.age_hours)}
    if one.range is None:
        have, need = (one.missing.have, one.missing.need) if one.missing else (0, 0)
        lacks = page.text("post_forecasts.missing", have=number(have), need=number(need))
        return page.text("post_forecasts.running_unknown", **known, lacks=lacks)
    return page.text(
        "post_forecasts.running",
        **known,
        expected=number(one.range.expected),
        low=number(one.range.low),
        high=number(one.range.high),
    )


def basis_text(
    page: PageContext, model: GrowthModel | None, missing: NotEnoughData | None, *, is_pooled: bool
) -> str:
    """Return a text about the posts that a range rests on and its error on them."""
    number = page.localizer.format_number
    if model is None:
        have, need = (missing.have, missing.need) if missing else (0, 0)
        return page.text("post_forecasts.missing", have=number(have), need=number(need))
    return page.text(
        "post_forecasts.pooled" if is_pooled else "post_forecasts.own",
        posts=number(model.posts),
        error=number(round(100 * model.error)),
        baseline=number(round(100 * model.baseline_error)),
    )


def rank_text(page: PageContext, rank: DraftRank | None, missing: NotEnoughData | None) -> str:
    """Return the rank of a draft among past posts, or why there is none."""
    if rank is not None:
        code = "post_forecasts.top" if rank.share >= BEST_SHARE else "post_forecasts.beats"
        return page.text(code, share=page.localizer.format_number(round(100 * rank.share)))
    if missing is not None:
        number = page.localizer.format_number
        have = number(missing.have)
        need = number(missing.need)
        return page.text("post_forecasts.missing", have=have, need=need)
    return page.text("post_forecasts.unproven")


def name_reasons(page: PageContext, terms: Sequence[str]) -> str | None:
    """Return the words and features as a text. They come from posts and are escaped when drawn."""
    named = [
        page.text(f"post_forecasts.form.{one[5:]}") if one in ("form:picture", "form:text") else one
        for one in terms
    ]
    return ", ".join(named) or None
