"""User input: paragraphs of plain text without control or format characters."""

import unicodedata

from foundation.errors import BadInput

MAX_APPEAL_LENGTH = 600
"""Characters of what somebody may write."""


def clean_paragraph(words: str) -> str:
    """What somebody wrote as one paragraph of plain text: no control, format or private characters.

    Raises BadInput for more than `LONGEST` characters.
    """
    kept = "".join(
        " " if c.isspace() else c for c in words if c.isspace() or unicodedata.category(c)[0] != "C"
    )
    said = " ".join(kept.split())
    if len(said) > MAX_APPEAL_LENGTH:
        raise BadInput("appeal.too_long", most=MAX_APPEAL_LENGTH)
    return said
