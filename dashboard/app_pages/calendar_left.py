"""What stayed where it was when many were moved at once: named after the press, each with its reason."""

from collections.abc import Sequence

from channels import reads as channel_reads
from dashboard.frame import Page
from foundation.database import Scope
from foundation.words import Message
from schedules.shifting import Left

FEW = 5
"""Posts that are named; of more, how many they are."""
BEGINNING = 60
"""Characters by which people know a post again."""


def said(page: Page, scope: Scope, done: Message, left: Sequence[Left]) -> Message:
    """What was done, and which posts stayed and why; that alone where none did."""
    if not left:
        return done
    names, which = channel_reads.names(scope), []
    for one in left[:FEW]:
        words = " ".join(one.words.split())[:BEGINNING] or "…"
        account, why = names.get(one.channel_id, "?"), page.voice.say(one.why)
        which.append(page.word("shift.stayed_one", post=words, account=account, why=why))
    if len(left) > FEW:
        which.append(page.word("shift.more", count=len(left) - FEW))
    return Message("shift.stayed", {"done": page.voice.say(done), "which": " ".join(which)})
