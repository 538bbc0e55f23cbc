"""Normalization of names and email addresses of members."""

import re
import unicodedata

from foundation.errors import BadInput

MAX_NAME_LENGTH = 120
"""Maximum length of a name in characters."""

MAX_EMAIL_LENGTH = 254
"""Maximum length of an address in characters (RFC 5321 §4.5.3.1.3, without the angle brackets)."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates, which also reorder the text around a name (UAX #9)."""

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")
"""A single address. A comma would make it several, a line break a new header."""


def normalize_name(typed: str) -> str:
    """Return a name on one line in Unicode form NFC, with single spaces.

    Raises BadInput if the name has no visible character, is too long, or contains control
    characters or characters that reorder text.
    """
    name = " ".join(unicodedata.normalize("NFC", typed).split())
    kinds = {unicodedata.category(letter) for letter in name}
    is_visible = any(kind[0] in "LNPS" for kind in kinds)
    if (
        not is_visible
        or len(name) > MAX_NAME_LENGTH
        or kinds & {"Cc", "Cs"}
        or not _REORDERING.isdisjoint(name)
    ):
        raise BadInput("name.unfit", most=MAX_NAME_LENGTH)
    return name


def normalize_email(typed: str) -> str:
    """Return an email address without surrounding whitespace. Raise BadInput unless it is a single
    address."""
    email = typed.strip()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise BadInput("member.unfit")
    return email
