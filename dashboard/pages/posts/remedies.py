"""Remedies of posts."""

from dashboard.pages.home.attention_items import CURES, can_open_page
from foundation.i18n.translation import Message
from tenants.agencies.queries import Member


def find_remedy(reason: Message, member: Member) -> tuple[str, str]:
    """Where what keeps a post back is put right, and the sentence that leads there; nothing where no page does it, or
    this member cannot go."""
    href, to = CURES.get(reason.code, ("", ""))
    return (href, to) if href and can_open_page(member, href) else ("", "")
