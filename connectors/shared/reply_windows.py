"""Reply windows: platforms that allow messages only for some hours after the user's last one, or
with a separate permission."""

from datetime import datetime, timedelta

from connectors.contract.capabilities import Capabilities
from foundation.i18n.translation import Message

WINDOW_CLOSED = "connectors.window_closed"
"""Message code: the window is closed. The user must write again, or a member replies in the
platform's app."""

MESSAGES_NOT_ALLOWED = "connectors.no_messages"
"""Message code: the token may not read or write messages. Posts are not affected; the account must
be connected again."""


def closed_window_reason(
    can: Capabilities, last_in_at: datetime | None, now: datetime
) -> Message | None:
    """Return the reason why a user cannot be messaged any more, or None. `last_in_at` is the time
    of their last message (UTC-aware), or None for never."""
    if not can.reply_hours:
        return None
    open_until = last_in_at + timedelta(hours=can.reply_hours) if last_in_at is not None else now
    return Message(WINDOW_CLOSED, {"hours": can.reply_hours}) if now >= open_until else None
