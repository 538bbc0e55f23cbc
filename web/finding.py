"""What somebody means who says where they saw a picture, or what it looks like: its bytes, by creator of one agency."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from foundation.database import Scope
from foundation.errors import BadInput
from gate import looks
from gate.receipts import LONGEST_ADDRESS
from schedules.finding import Meant, parts_of, posted_at
from web import items, sites

MOST_LOOKS = 16
"""Of one picture: as it is, turned and mirrored, and the negatives of these eight."""

_FILE = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,5}")


def looks_typed(typed: str) -> tuple[str, ...]:
    """The fingerprints a form carries, with commas between them; what is none, or tells nothing, is left out."""
    listed = (look.strip().lower() for look in typed[: 17 * MOST_LOOKS].split(","))
    return tuple(dict.fromkeys(look for look in listed if looks.telling(look)))[:MOST_LOOKS]


def address_typed(typed: str) -> str:
    """The address of a form as one line. Raises BadInput for one no browser would open."""
    address = "".join(letter for letter in typed.strip() if letter.isprintable() and not letter.isspace())
    if address and (len(address) > LONGEST_ADDRESS or parts_of(address) is None):
        raise BadInput("report.address")
    return address


def meant(scope: Scope, address: str, fingerprints: Sequence[str], *, base: str) -> Meant:
    """The bytes of this agency that an address shows or a fingerprint tells of; our own pages lie under `base`."""
    found: Meant = looks.showing(scope, fingerprints) if fingerprints else {}
    parts = parts_of(address)
    if parts is None:
        return found
    own = _on_our_pages(scope, parts) if parts.netloc.lower() == urlsplit(base).netloc.lower() else {}
    for creator_id, digests in (own or posted_at(scope, address)).items():
        found.setdefault(creator_id, set()).update(digests)
    return found


def _on_our_pages(scope: Scope, parts: SplitResult) -> Meant:
    match [step for step in parts.path.split("/") if step]:
        case [slug, "p", content_id] | [slug, _, "p", content_id]:
            found = sites.here(scope, slug)
            digests = items.named(scope, found, content_id) if found is not None else ()
            return {found.creator_id: set(digests)} if found is not None and digests else {}
        case ["files", name] | [_, _, "files", name] if (file := _FILE.fullmatch(name)) is not None:
            return {creator_id: {file[1]} for creator_id in items.owners(scope, file[1])}
        case _:
            return {}
