"""What somebody means who says where they saw a picture, or what it looks like: its bytes, by
creator of one agency."""

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
"""Of one picture: as it is, turned and mirrored, and the negatives of these eight."""

_FILE = re.compile(r"([0-9a-f]{64})\.[a-z0-9]{2,5}")


def parse_fingerprints(typed: str) -> tuple[str, ...]:
    """The fingerprints a form carries, with commas between them; what is none, or tells nothing, is
    left out."""
    listed = (look.strip().lower() for look in typed[: 17 * MAX_FINGERPRINTS].split(","))
    return tuple(dict.fromkeys(look for look in listed if lookalikes.is_distinctive_hash(look)))[
        :MAX_FINGERPRINTS
    ]


def parse_typed_url(typed: str) -> str:
    """The address of a form as one line. Raises BadInput for one no browser would open."""
    address = "".join(
        letter for letter in typed.strip() if letter.isprintable() and not letter.isspace()
    )
    if address and (len(address) > MAX_ADDRESS_LENGTH or parse_address(address) is None):
        raise BadInput("report.address")
    return address


def find_pictures(
    scope: Scope, address: str, fingerprints: Sequence[str], *, base: str
) -> MediaDigestsByCreator:
    """The bytes of this agency that an address shows or a fingerprint tells of; our own pages lie
    under `base`."""
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
