"""Event handler of feeds: download, parse, create drafts, schedule the next reading.

No transaction is open during the download.
"""

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from schedules.feeds import sources
from schedules.feeds.download import DownloadFeed, FeedUnchanged
from schedules.feeds.events import FeedReadDue
from schedules.feeds.rss_atom import parse_feed
from schedules.feeds.sources import FEED_AUTHOR


def read_feed(event: FeedReadDue, *, tenant: OpenScope, fetch: DownloadFeed) -> None:
    """Read a feed if it is due; a repeat of the event is ignored."""
    with tenant(event.tenant_id, FEED_AUTHOR) as scope:
        reading = sources.begin_feed_reading(scope, event.subject_id)
    if reading is None:
        return
    answer = fetch(reading.url, reading.etag, reading.modified)
    if isinstance(answer, FeedUnchanged):
        with tenant(event.tenant_id, FEED_AUTHOR) as scope:
            sources.record_unchanged_feed(scope, event.subject_id)
        return
    try:
        document = (
            None
            if isinstance(answer, Message)
            else parse_feed(answer.body, address=answer.address, content_type=answer.content_type)
        )
    except BadInput as wrong:
        answer = wrong.message
        document = None
    with tenant(event.tenant_id, FEED_AUTHOR) as scope:
        if isinstance(answer, Message):
            sources.record_feed_failure(scope, event.subject_id, answer)
        elif document is not None:
            sources.create_drafts_from_feed(
                scope, event.subject_id, document, etag=answer.etag, modified=answer.modified
            )


def reschedule_feed(event: FeedReadDue, *, tenant: OpenScope) -> None:
    """Schedule the next reading after internal errors, so that the feed is not lost."""
    with tenant(event.tenant_id, FEED_AUTHOR) as scope:
        sources.record_feed_failure(scope, event.subject_id, Message("feed.our_error"))
