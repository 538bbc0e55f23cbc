"""Settings of a Discord channel for the policy's destination checks."""

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.destination import Destination, DestinationReport
from connectors.contract.metrics import FOLLOWERS_STEP, parse_count
from connectors.contract.outcomes import Outcome
from connectors.platforms.discord.errors import outcome_of_failure
from connectors.platforms.discord.ids import is_id, parse_account
from connectors.platforms.discord.requests import bot_request
from connectors.shared.http_responses import quote_segment, success_body

LOOK = "look"
PARENT = "parent"
THREADS = frozenset({10, 11, 12})
"""Types of channels that have no age restriction of their own; the restriction of the parent
channel applies.

Source: https://discord.com/developers/docs/resources/channel#channel-object-channel-types
"""

REGISTERED = "guild registered by the tenant"
"""The policy's condition that a server is registered. Connecting an account registers its server.
"""

RESTRICTED = "channel.nsfw == true; for threads and forum posts the parent channel"
ITS_OWN = "guild-level age restriction alone does not count: Channel.nsfw can be false"
"""The policy's conditions, in the policy's own syntax, for a channel with content above General."""


def inspect_destination(
    to: Destination, answers: tuple[StepResult, ...]
) -> Send | DestinationReport | Outcome:
    """Request the channel and, for a thread, its parent channel."""
    own = parse_account(to.account)
    if not answers:
        return Send(_build_read_step(LOOK, f"/channels/{quote_segment(own.channel)}"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.is_success or not isinstance(last.body, dict):
        return outcome_of_failure(last, creates=False)
    if last.body.get("guild_id") != own.guild:
        return DestinationReport(fails=(REGISTERED, RESTRICTED, ITS_OWN))
    parent = last.body.get("parent_id")
    if last.step == LOOK and last.body.get("type") in THREADS:
        return (
            Send(_build_read_step(PARENT, f"/channels/{quote_segment(str(parent))}"))
            if is_id(parent)
            else DestinationReport((REGISTERED,))
        )
    marks = (RESTRICTED, ITS_OWN)
    return (
        DestinationReport((REGISTERED, *marks))
        if last.body.get("nsfw") is True
        else DestinationReport((REGISTERED,), marks)
    )


def count_followers(account: str, answers: tuple[StepResult, ...]) -> Send | int | None:
    """Return the next request, or the approximate number of the server's members. Single channels
    have no followers.

    Source: https://discord.com/developers/docs/resources/guild#get-guild
    """
    if not answers:
        path = f"/guilds/{quote_segment(parse_account(account).guild)}?with_counts=true"
        return Send(_build_read_step(FOLLOWERS_STEP, path, action="metrics"))
    return parse_count(success_body(answers[-1]).get("approximate_member_count"))


def _build_read_step(name: str, path: str, *, action: str = LOOK) -> WireStep:
    return bot_request(name, StepKind.CONTROL, "GET", path, action=action)
