"""Find the pictures that a removal request names, by URL or by perceptual hash, for each creator of
a tenant."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from foundation.db.database import Scope
from foundation.errors import BadInput
from gate.assets import lookalikes
from gate.removal.receipts import MAX_ADDRESS_LENGTH
from schedules.posts.queries import MediaDigestsByCreator, find_media_published_at, parse_address
from web.site import items, sites

MAX_FINGERPRINTS = 16
"""Perceptual hashes of one picture: eight orientations (rotated and mirrored), and their negatives.
"""

_FILE = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,5}")


def parse_fingerprints(typed: str) -> tuple[str, ...]:
    """Return the valid perceptual hashes of a comma-separated form field. Hashes that do not
    distinguish pictures are dropped."""
    listed = (look.strip().lower() for look in typed[: 17 * MAX_FINGERPRINTS].split(","))
    return tuple(dict.fromkeys(look for look in listed if lookalikes.is_distinctive_hash(look)))[
        :MAX_FINGERPRINTS
    ]


def parse_typed_url(typed: str) -> str:
    """Return the URL of a form field on one line. Raises BadInput if it is not a web URL or too
    long."""
    address = "".join(
        letter for letter in typed.strip() if letter.isprintable() and not letter.isspace()
    )
    if address and (len(address) > MAX_ADDRESS_LENGTH or parse_address(address) is None):
        raise BadInput("report.address")
    return address


def find_pictures(
    scope: Scope, address: str, fingerprints: Sequence[str], *, base: str
) -> MediaDigestsByCreator:
    """Return the digests of this tenant's media that a URL shows or a perceptual hash matches. URLs
    on the host of `base` are looked up in the sites' items, others in published posts."""
    found: MediaDigestsByCreator = (
        lookalikes.find_by_hashes(scope, fingerprints) if fingerprints else {}
    )
    parts = parse_address(address)
    if parts is None:
        return found
    own = (
        _digests_on_own_pages(scope, parts)
        if parts.netloc.lower() == urlsplit(base).netloc.lower()
        else {}
    )
    for creator_id, digests in (own or find_media_published_at(scope, address)).items():
        found.setdefault(creator_id, set()).update(digests)
    return found


def _digests_on_own_pages(scope: Scope, parts: SplitResult) -> MediaDigestsByCreator:
    match [step for step in parts.path.split("/") if step]:
        case [slug, "p", content_id] | [slug, _, "p", content_id]:
            found = sites.find_site_in_agency(scope, slug)
            digests = items.item_files(scope, found, content_id) if found is not None else ()
            return {found.creator_id: set(digests)} if found is not None and digests else {}
        case ["files", name] | [_, _, "files", name] if (file := _FILE.fullmatch(name)) is not None:
            return {creator_id: {file[1]} for creator_id in items.file_owners(scope, file[1])}
        case _:
            return {}
