"""The published posts that a report lists, with the texts and addresses that its readers may see: a
link, a file or a message proves no age of who reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from foundation.db.database import Scope
from gate.contract.units import Text
from gate.surfaces.contents import Content, ShownContent
from gate.surfaces.decisions import show_allowed
from gate.text import link_readings
from insights.rollups import post_results
from insights.rollups.periods import AnalyticsPeriod, Comparison, DateRange
from insights.rollups.post_results import PostResult
from tenants.agencies.queries import Creator

PAGE_SURFACE = "page.report"
NOTICE_SURFACE = "notice.report"
TOP_POSTS = 10
MAX_TITLE = 120


@dataclass(frozen=True)
class PostFact:
    """A published post with its latest readings; None is a metric that was not read. Without a
    title, the post is named by its date and channel."""

    title: str
    creator: str
    channel: str
    at: str
    url: str
    views: int | None
    interactions: int | None


def load_top_posts(
    scope: Scope, creators: Sequence[Creator], period: DateRange
) -> tuple[PostFact, ...]:
    """Return the published posts of the period with the most views, at most `TOP_POSTS`, with their
    latest readings. Those whose text may not be shown have no title and no address."""
    days = AnalyticsPeriod(period.first, period.last, Comparison.NONE)
    published = post_results.list_post_results(
        scope, creators, days, age_hours=post_results.LATEST, most=None
    )
    posts = [(one, _post_fact(one)) for one in published]
    posts.sort(key=lambda pair: _rank(pair[1]))
    top = posts[:TOP_POSTS]
    shown = show_allowed(
        scope,
        # Only the title is shown; the text is what the address leads to. Its links were judged when
        # the post was published.
        [
            post_content(
                PAGE_SURFACE, one.creator.id, one.title, link_readings.remove_links(one.words)
            )
            for one, _ in top
        ],
    )
    return tuple(shown_fact(fact, part) for (_, fact), part in zip(top, shown, strict=True))


def post_content(surface: str, creator_id: UUID, title: str, body: str = "") -> Content:
    """Return a post of a report as content: its title, and the text that its address leads to."""
    texts = (Text("title", title), Text("body", body))
    return Content(surface, (creator_id,), tuple(text for text in texts if text.body.strip()))


def shown_fact(fact: PostFact, shown: ShownContent) -> PostFact:
    """Return the post with its title and address, if they may be shown."""
    return fact if shown.is_whole else replace(fact, title="", url="")


def _post_fact(one: PostResult) -> PostFact:
    interactions = one.metric("interactions")
    return PostFact(
        title=" ".join(one.title.split())[:MAX_TITLE],
        creator=one.creator.name,
        channel=one.channel,
        at=one.at.isoformat(),
        url=one.url or "",
        views=one.values.get("views"),
        interactions=round(interactions) if interactions is not None else None,
    )


def _rank(one: PostFact) -> tuple[int, str, str]:
    return (-(one.views if one.views is not None else -1), one.at, one.title)
