"""Where somebody may be written to only for some hours after they wrote, and with a right for
messages alone. Pure."""

from datetime import datetime, timedelta

from connectors.contract.capabilities import Capabilities
from foundation.i18n.translation import Message

WINDOW_CLOSED = "connectors.window_closed"
"""Those hours are over: the person has to write again, or somebody answers in the platform's own
app."""

MESSAGES_NOT_ALLOWED = "connectors.no_messages"
"""The account's token may not read or write messages: posts are not affected, and only connecting
again helps."""


def closed_window_reason(
    can: Capabilities, last_in_at: datetime | None, now: datetime
) -> Message | None:
    """Why nothing may be written to a person any more, who wrote last at `last_in_at` (UTC; None
    for never)."""
    if not can.reply_hours:
        return None
    open_until = last_in_at + timedelta(hours=can.reply_hours) if last_in_at is not None else now
    return Message(WINDOW_CLOSED, {"hours": can.reply_hours}) if now >= open_until else None
