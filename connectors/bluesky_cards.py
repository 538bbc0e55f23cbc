"""The card of a page below the words of a Bluesky post, said by whoever writes the post: nobody here asks the page.
Pure.

Its address is the first one of the words, so it was judged and leads where they lead.
Source: https://docs.bsky.app/docs/advanced-guides/posts#website-card-embeds, lexicon app.bsky.embed.external
"""

from connectors import options
from connectors.bluesky_text import first_link
from connectors.capabilities import Option
from connectors.folding import Card
from foundation.words import Message
from gate.units import Unit

TITLE, TEXT = "card_title", "card_text"
OPTIONS = (
    Option(TITLE, "text", most=100, read=True, example="My calendar"),
    Option(TEXT, "text", most=300, read=True, example="Every picture of the year"),
)
PICTURE_BYTES = 1_000_000


def card(unit: Unit) -> Card | None:
    """What the card of a unit says; None where it has none."""
    said = options.said(unit)
    address = first_link(unit.text("body"))
    return Card(address, said.text(TITLE), said.text(TEXT)) if said.text(TITLE) and address else None


def unfit(unit: Unit) -> Message | None:
    """Why a unit cannot have the card that somebody chose."""
    said = options.said(unit)
    if said.text(TEXT) and not said.text(TITLE):
        return Message("bluesky.card_untitled")
    if not said.text(TITLE):
        return None
    if not first_link(unit.text("body")):
        return Message("bluesky.card_unlinked")
    if len(unit.media) > 1 or any(not medium.mime.startswith("image/") for medium in unit.media):
        return Message("bluesky.card_pictures")
    heavy = next((medium for medium in unit.media if medium.size > PICTURE_BYTES), None)
    return Message("connectors.medium_unfit", {"mime": heavy.mime, "size": heavy.size}) if heavy is not None else None
