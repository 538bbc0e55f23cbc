"""What stands at an address that somebody pasted: the bytes of the posts we published there."""

from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from foundation.database import Scope
from gate import copies
from gate.units import Subject
from schedules import reads

Meant = dict[UUID, set[str]]
"""Digests by creator."""


def parts_of(address: str) -> SplitResult | None:
    """An address as a browser would open it, with or without what comes before `//`; None for what is none."""
    try:
        parts = urlsplit(address if "://" in address else f"https://{address}")
        known = parts.hostname is not None and (parts.port is None or parts.port > 0)
    except ValueError:  # brackets that never close, a port that is no number
        return None
    return parts if known and parts.scheme in ("http", "https") else None


def posted_at(scope: Scope, address: str) -> Meant:
    """The bytes of what this agency posted at an address; whatever follows `?` may be missing, or too much."""
    parts = parts_of(address)
    if parts is None:
        return {}
    rest = f"{parts.netloc.lower()}{parts.path}".rstrip("/")
    queried = f"{rest}?{parts.query}" if parts.query else rest
    hosted = [f"{one}{end}" for one in (rest, queried) for end in ("", "/")]
    addresses = [f"{way}://{one}" for way in ("https", "http") for one in hosted]
    found: Meant = {}
    for creator_id, delivery_id in reads.standing_at(scope, addresses):
        for copy in copies.traces(scope, Subject("delivery", delivery_id)):
            found.setdefault(creator_id, set()).update(copy.media)
    return {creator_id: digests for creator_id, digests in found.items() if digests}
