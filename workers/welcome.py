"""The addresses a newcomer is sent to: the demo's owner link, one creator's page, another's chat."""

from foundation.errors import NotFound
from foundation.settings import Settings
from workers import demo, demo_channels
from workers.demo_cast import LUMIERE

CREATOR, COMPANION = "mia", "nova"


def addresses(settings: Settings) -> dict[str, str]:
    """`dashboard` with a one-time link, `page`, `chat`; empty once the demo was removed."""
    try:
        link = demo.owner_link(settings)
    except NotFound:
        return {}
    parts = {part.slug: part for part in LUMIERE.parts}
    page = f"{settings.web.public_url.rstrip('/')}/{parts[CREATOR].slug}"
    return {"dashboard": link, "page": page, "chat": demo_channels.chat_url(settings, parts[COMPANION])}
