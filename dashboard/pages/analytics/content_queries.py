"""One post of the Content view with its metrics at each age and the orders after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.ops.wall_time import local_day
from insights.metrics.events import READING_AGES
from insights.rollups import metric_queries, post_results
from insights.rollups.post_results import PostResult
from subscribers.orders import sales
from subscribers.orders.sales import SaleFilter, SaleRow

ORDER_WINDOW = timedelta(hours=24)
"""Time after a post within which orders on its channel are listed beside it."""
MAX_ORDERS = 20


@dataclass(frozen=True)
class PostDetail:
    """A post with its metrics by age in hours, and the orders on its channel in the hours after it.
    The post did not necessarily cause them."""

    post: PostResult
    ages: Mapping[int, Mapping[str, int]]
    orders: Sequence[SaleRow]
    now: datetime


def load_post_detail(scope: Scope, page: PageContext, delivery_id: UUID) -> PostDetail | None:
    """Return a post of the member's creators, or None."""
    mine = page.list_creators(scope)
    post = post_results.get_post_result(scope, mine, delivery_id)
    if post is None:
        return None
    ages = {
        age: found[delivery_id]
        for age in sorted(READING_AGES)
        if (found := metric_queries.load_post_values_of(scope, [delivery_id], age_hours=age))
    }
    first = local_day(post.at, post.creator.zone)
    last = local_day(post.at + ORDER_WINDOW, post.creator.zone)
    asked = SaleFilter(
        creators=(post.creator,),
        first=first,
        last=last,
        channel=str(post.channel_id),
        sees_fans=False,
    )
    rows = sales.list_sales(scope, asked, descending=False, limit=200).rows
    orders = [
        row
        for row in rows
        if post.at <= row.at <= post.at + ORDER_WINDOW and row.order_id is not None
    ]
    return PostDetail(post, ages, orders[:MAX_ORDERS], scope.now)
