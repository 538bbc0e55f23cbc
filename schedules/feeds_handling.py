"""What the event of a feed does: ask, read, and be due again. No transaction is open while it is asked."""

from foundation.database import OpenScope
from foundation.errors import BadInput
from foundation.words import Message
from schedules import feeds
from schedules.events import FeedRead
from schedules.feeds import AUTHOR
from schedules.feeds_fetching import Fetch, Unchanged
from schedules.feeds_parsing import parse


def read(event: FeedRead, *, tenant: OpenScope, fetch: Fetch) -> None:
    """Read a feed if it is due; a repeat of the same event finds that it is not any more."""
    with tenant(event.tenant_id, AUTHOR) as scope:
        reading = feeds.reading(scope, event.subject_id)
    if reading is None:
        return
    answer = fetch(reading.url, reading.etag, reading.modified)
    if isinstance(answer, Unchanged):
        with tenant(event.tenant_id, AUTHOR) as scope:
            feeds.unchanged(scope, event.subject_id)
        return
    try:
        document = None if isinstance(answer, Message) else parse(answer.body)
    except BadInput as wrong:
        answer, document = wrong.message, None
    with tenant(event.tenant_id, AUTHOR) as scope:
        if isinstance(answer, Message):
            feeds.failed(scope, event.subject_id, answer)
        elif document is not None:
            feeds.read(scope, event.subject_id, document, etag=answer.etag, modified=answer.modified)


def gave_up(event: FeedRead, *, tenant: OpenScope) -> None:
    """It failed too often for a fault of ours: it is tried again at its pace, so that no feed falls silent."""
    with tenant(event.tenant_id, AUTHOR) as scope:
        feeds.failed(scope, event.subject_id, Message("feed.our_error"))
