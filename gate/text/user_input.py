"""User input: paragraphs of plain text without control or format characters."""

from foundation.errors import BadInput
from foundation.i18n.visible_text import remove_invisible

MAX_APPEAL_LENGTH = 600
"""Characters of what somebody may write."""


def clean_paragraph(words: str) -> str:
    """What somebody wrote as one paragraph of plain text: no control, format or private characters.

    Raises BadInput for more than `LONGEST` characters.
    """
    said = " ".join(remove_invisible(words).split())
    if len(said) > MAX_APPEAL_LENGTH:
        raise BadInput("appeal.too_long", most=MAX_APPEAL_LENGTH)
    return said
