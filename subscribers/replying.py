"""Whether the platform of a conversation still lets anybody write in it, before anything is written."""

from connectors import windows
from connectors.capabilities import Capabilities
from foundation.database import Scope
from foundation.errors import Refused
from foundation.words import Message
from subscribers.models import Conversation


def over(scope: Scope, talk: Conversation, can: Capabilities) -> Message | None:
    """Why nothing may be written there any more: the person wrote too long ago. What is public has no such end."""
    return windows.closed(can, talk.last_in_at, scope.now) if talk.kind == "private" else None


def check(scope: Scope, talk: Conversation, can: Capabilities | None) -> None:
    """Raises Refused where nothing may be written any more; without `can` it is only found out as it would leave."""
    why = over(scope, talk, can) if can is not None else None
    if why is not None:
        raise Refused(why.code, **why.params)
