"""What the fake X bills for what it did: https://docs.x.com/x-api/getting-started/pricing, read in 2026-11."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

POST, LINK_POST, POST_READ, PERSON_READ, DELETE = (Decimal(each) for each in ("1.5", "20", "0.5", "1", "1"))
"""Cents of a dollar: a post, one with a link, a post and a person that were read, a deletion."""


def billed(method: str, parts: Sequence[str], told: Mapping[str, Any], urls: Sequence[Mapping[str, object]]) -> Decimal:
    """Cents for one request that was answered with a success; `urls` are those of a post that it made."""
    if (method, list(parts)) == ("POST", ["2", "tweets"]):
        return LINK_POST if any("media_key" not in one for one in urls) else POST
    if method == "DELETE":
        return DELETE
    if method != "GET" or parts[1:2] == ["media"]:
        return Decimal(0)
    data = told.get("data", [])
    found = data if isinstance(data, list) else [data]
    return len(found) * (PERSON_READ if parts[1:3] == ["users", "me"] else POST_READ)
