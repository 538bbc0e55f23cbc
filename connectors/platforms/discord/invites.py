"""Uses of a server's invites, and the time at which a user joined.

Listing the invites needs the permission *Manage Server*. Sources:
https://docs.discord.com/developers/resources/guild#get-guild-invites and
https://docs.discord.com/developers/resources/guild#get-guild-member
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from connectors.contract.connector import Response, Send, StepKind, StepResult
from connectors.contract.invites import INVITES_STEP, MAX_INVITES, MEMBER_STEP
from connectors.contract.metrics import parse_count
from connectors.platforms.discord.ids import parse_account
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import quote_segment, success_body

READ = "metrics"
_CODE = re.compile(r"[A-Za-z0-9-]{2,32}", re.ASCII)


def list_invites(account: str, answers: tuple[StepResult, ...]) -> Send | Mapping[str, int] | None:
    """Return the next request, or the uses of each invite by its code."""
    if not answers:
        path = f"/guilds/{quote_segment(parse_account(account).guild)}/invites"
        return Send(bot_request(INVITES_STEP, StepKind.CONTROL, "GET", path, action=READ))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, list):
        return None
    found = (_parse_invite(one) for one in last.body[:MAX_INVITES])
    return dict(one for one in found if one is not None)


def _parse_invite(told: Any) -> tuple[str, int] | None:
    if not isinstance(told, dict) or not isinstance(code := told.get("code"), str):
        return None
    uses = parse_count(told.get("uses"))
    return (code, uses) if uses is not None and _CODE.fullmatch(code) else None


def find_join_time(
    account: str, fan: str, answers: tuple[StepResult, ...]
) -> Send | datetime | None:
    """Return the next request, or the time at which a user joined the server."""
    if not answers:
        guild = quote_segment(parse_account(account).guild)
        path = f"/guilds/{guild}/members/{quote_segment(fan)}"
        return Send(bot_request(MEMBER_STEP, StepKind.CONTROL, "GET", path, action=READ))
    joined = success_body(answers[-1]).get("joined_at")
    try:
        at = datetime.fromisoformat(joined) if isinstance(joined, str) else None
    except ValueError:
        return None
    return at.astimezone(UTC) if at is not None and at.tzinfo is not None else None
