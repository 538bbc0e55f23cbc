"""The reply window of a conversation, checked before a message is written."""

from connectors.contract.capabilities import Capabilities
from connectors.shared import reply_windows
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from subscribers.conversations.models import Conversation


def closed_reply_window_reason(
    scope: Scope, talk: Conversation, can: Capabilities
) -> Message | None:
    """Return the reason why the platform's reply window is closed, or None. Public conversations
    have no window."""
    return (
        reply_windows.closed_window_reason(can, talk.last_in_at, scope.now)
        if talk.kind == "private"
        else None
    )


def check_reply_window(scope: Scope, talk: Conversation, can: Capabilities | None) -> None:
    """Raise Refused if the reply window is closed. Without `can`, it is only checked when the
    message is sent."""
    why = closed_reply_window_reason(scope, talk, can) if can is not None else None
    if why is not None:
        raise Refused(why.code, **why.params)
