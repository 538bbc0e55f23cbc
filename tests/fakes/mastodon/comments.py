"""Notifications, blocks and reports of the fake Mastodon.

It reproduces behaviour of the real server that clients often get wrong: pages after `min_id` move
forward but are returned newest first; a private message from an account one does not follow is
filtered from the notifications, the default since 4.3; a blocked account disappears from the
notifications, sees nothing and cannot reply; the same report twice creates two reports, and a
report of a missing post creates none. Sources:
https://docs.joinmastodon.org/methods/notifications/,
https://docs.joinmastodon.org/user/moderating/#block,
https://github.com/mastodon/mastodon/blob/main/app/services/after_block_service.rb,
…/report_service.rb
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.mastodon import responses
from tests.fakes.mastodon.state import Json, MastodonState, Member, Refusal, not_found, stamp

USUAL, MOST = 40, 80


def heard(
    world: MastodonState, mine: Member, query: Mapping[str, str], kinds: Sequence[str]
) -> list[Json]:
    """Return a page of notifications, newest first, without deleted posts."""
    told = [one for one in mine.notices if one["status"].id in one["by"].statuses]
    told = [one for one in told if not kinds or one["type"] in kinds]
    if query.get("include_filtered") not in {"true", "1"}:
        told = [
            one
            for one in told
            if one["status"].visibility != "direct" or one["by"].id in mine.follows
        ]
    limit = min(abs(_number(query.get("limit", "")) or USUAL), MOST, world.most_notices)
    lowest = max(_number(query.get(name, "")) for name in ("min_id", "since_id"))
    highest = _number(query.get("max_id", "")) or 2**63
    page = sorted(
        (one for one in told if lowest < int(one["id"]) < highest), key=lambda one: int(one["id"])
    )
    page = page[:limit] if query.get("min_id") else page[-limit:]
    return [responses.notice(world, one, mine) for one in reversed(page)]


def block(world: MastodonState, mine: Member, target_id: str) -> Json:
    """Block an account and return the relationship. Raise Refusal."""
    target = _other(world, target_id)
    mine.blocks.add(target.id)
    mine.notices[:] = [one for one in mine.notices if one["by"] is not target]
    names = (
        "following",
        "notifying",
        "followed_by",
        "blocked_by",
        "muting",
        "muting_notifications",
    )
    more = ("requested", "requested_by", "domain_blocking", "endorsed", "showing_reblogs")
    off: Json = dict.fromkeys((*names, *more), False)
    return off | {"id": target.id, "blocking": True, "note": "", "languages": None}


def report(world: MastodonState, mine: Member, said: Mapping[str, Any]) -> Json:
    """Report an account and its posts to the moderators. Raise Refusal."""
    target, wanted = (
        _other(world, str(said.get("account_id") or "")),
        [str(one) for one in said.get("status_ids") or ()],
    )
    if any(one not in target.statuses for one in wanted):
        raise not_found()
    if len(str(said.get("comment") or "")) > 1000:
        raise Refusal(422, "Validation failed: Comment is too long (maximum is 1000 characters)")
    made: Json = {
        "id": world.snowflake(),
        "action_taken": False,
        "action_taken_at": None,
        "category": str(said.get("category") or "other"),
        "comment": str(said.get("comment") or ""),
        "forwarded": False,
        "created_at": stamp(world.clock()),
        "status_ids": wanted,
        "rule_ids": None,
        "target_account": responses.account(world, target),
    }
    world.reports.append((mine.id, made))
    return made


def _other(world: MastodonState, member_id: str) -> Member:
    found = world.members.get(member_id)
    if found is None:
        raise not_found()
    return found


def _number(told: str) -> int:
    return int(told) if told.isdecimal() else 0
