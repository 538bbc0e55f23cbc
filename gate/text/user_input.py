"""User input: paragraphs of plain text without control or format characters."""

from foundation.errors import BadInput
from foundation.i18n.visible_text import remove_invisible

MAX_APPEAL_LENGTH = 600
"""Maximum number of characters in a paragraph that a user may enter."""


def clean_paragraph(words: str) -> str:
    """Return user input as one paragraph without control, format or private-use characters.

    Raises BadInput if it has more than `MAX_APPEAL_LENGTH` characters.
    """
    said = " ".join(remove_invisible(words).split())
    if len(said) > MAX_APPEAL_LENGTH:
        raise BadInput("appeal.too_long", most=MAX_APPEAL_LENGTH).about("reason")
    return said
