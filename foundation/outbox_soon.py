"""Something happened, perhaps many times in a row: what is to be done about it is done once, after the last of them."""

from datetime import UTC, datetime, timedelta

from foundation import outbox
from foundation.database import Scope
from foundation.outbox import Event


def put(scope: Scope, event: Event, *, within: timedelta) -> datetime:
    """Put `event` for the end of the stretch of time (`within`, whole seconds) that is running; returns that end.

    Whoever comes in the same stretch finds it waiting. A row that ran already began after all who came before it: a
    key without the time would be taken while one runs, and what happened since would be left to the next.
    """
    size = int(within.total_seconds())
    end = (int(scope.now.timestamp()) // size + 1) * size
    at = datetime.fromtimestamp(end, UTC)
    outbox.put(scope, event, at=at, dedupe=f"soon:{event.kind}:{event.subject_id}:{end}")
    return at
