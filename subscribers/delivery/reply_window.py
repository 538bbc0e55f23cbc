"""Whether the platform of a conversation still lets anybody write in it, before anything is
written."""

from connectors.contract.capabilities import Capabilities
from connectors.shared import reply_windows
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from subscribers.conversations.models import Conversation


def closed_reply_window_reason(
    scope: Scope, talk: Conversation, can: Capabilities
) -> Message | None:
    """Why nothing may be written there any more: the person wrote too long ago. What is public has
    no such end."""
    return (
        reply_windows.closed_window_reason(can, talk.last_in_at, scope.now)
        if talk.kind == "private"
        else None
    )


def check_reply_window(scope: Scope, talk: Conversation, can: Capabilities | None) -> None:
    """Raises Refused where nothing may be written any more; without `can` it is only found out as
    it would leave."""
    why = closed_reply_window_reason(scope, talk, can) if can is not None else None
    if why is not None:
        raise Refused(why.code, **why.params)
