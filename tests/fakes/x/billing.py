"""Costs that the fake X bills: https://docs.x.com/x-api/getting-started/pricing, read in 2026-11.

The real API bills an object once per day (UTC) even if it is returned twice. The fake does so only
for messages, which clients poll all day.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

POST, LINK_POST, MESSAGE, POST_READ, PERSON_READ, MESSAGE_READ, DELETE = (
    Decimal(each) for each in ("1.5", "20", "1.5", "0.5", "1", "1", "1")
)
"""Costs in US cents: a post, a post with a link, a message; a post, a user and a message that were
read; a deletion."""


@dataclass
class Bills:
    """Costs in cents by account."""

    cents: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    told: set[tuple[str, str, str]] = field(default_factory=set)
    """Billed messages: account, message and day."""

    def __getitem__(self, member: str) -> Decimal:
        return self.cents[member]

    def add(
        self,
        member: str,
        now: datetime,
        asked: tuple[str, Sequence[str]],
        told: Mapping[str, Any],
        urls: Sequence[Mapping[str, object]],
    ) -> None:
        """Bill a successful request. `urls` are those of a created post."""
        if asked[0] == "GET" and asked[1][1:2] in (["dm_events"], ["dm_conversations"]):
            fresh = {
                (member, str(one["id"]), f"{now:%Y%m%d}") for one in told.get("data", [])
            } - self.told
            self.told |= fresh
            self.cents[member] += len(fresh) * MESSAGE_READ
        else:
            self.cents[member] += _billed(*asked, told, urls)


def _billed(
    method: str, parts: Sequence[str], told: Mapping[str, Any], urls: Sequence[Mapping[str, object]]
) -> Decimal:
    if (method, list(parts)) == ("POST", ["2", "tweets"]):
        return LINK_POST if any("media_key" not in one for one in urls) else POST
    if (method, parts[1:2]) == ("POST", ["dm_conversations"]):
        return MESSAGE
    if method == "DELETE":
        return DELETE
    if method != "GET" or parts[1:2] == ["media"]:
        return Decimal(0)
    data = told.get("data", [])
    found = data if isinstance(data, list) else [data]
    return len(found) * (PERSON_READ if parts[1:3] == ["users", "me"] else POST_READ)
