"""Names and e-mail addresses of members, as people type them."""

import re
import unicodedata

from foundation.errors import BadInput

MAX_NAME_LENGTH = 120
"""Characters of a name."""

MAX_EMAIL_LENGTH = 254
"""Characters of an address (RFC 5321 §4.5.3.1.3, less the angle brackets)."""

_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Embeddings, overrides and isolates: they reorder the text around a name too (UAX #9)."""

_EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[^\s@,;:<>()\[\]\\\"]+")
"""One address: a comma or a line end would make it several, or a header."""


def normalize_name(typed: str) -> str:
    """Return a name on one line in Unicode form NFC, with single blanks.

    Raises BadInput for nothing visible, for too long a name, and for controls and marks that
    reorder text.
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
    """Return an e-mail address without blanks around it. Raises BadInput for what is not one
    address."""
    email = typed.strip()
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email) or not email.isprintable():
        raise BadInput("member.unfit")
    return email
