"""What a channel of Discord is set to, for the policy's probes. Pure."""

from connectors.answers import segment, told_by
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.discord_asking import step
from connectors.discord_ids import is_id, place
from connectors.discord_meaning import said
from connectors.following import FOLLOWERS, number
from connectors.outcomes import Outcome
from connectors.places import Destination, Seen

LOOK, PARENT = "look", "parent"
THREADS = frozenset({10, 11, 12})
"""Channel types that have no age restriction of their own, whatever their name says: their parent's counts.

Source: https://discord.com/developers/docs/resources/channel#channel-object-channel-types
"""

REGISTERED = "guild registered by the tenant"
"""An account is connected for one channel of one server: that registers it."""

RESTRICTED = "channel.nsfw == true; for threads and forum posts the parent channel"
ITS_OWN = "guild-level age restriction alone does not count: Channel.nsfw can be false"
"""What the policy asks of a channel for more than General, in its own words."""


def see(to: Destination, answers: tuple[Answer, ...]) -> Send | Seen | Outcome:
    """Ask for the channel and, where it is a thread, for its parent."""
    own = place(to.account)
    if not answers:
        return Send(_asked(LOOK, f"/channels/{segment(own.channel)}"))
    last = answers[-1]
    if not isinstance(last, Response) or not last.ok or not isinstance(last.body, dict):
        return said(last, creates=False)
    if last.body.get("guild_id") != own.guild:
        return Seen(fails=(REGISTERED, RESTRICTED, ITS_OWN))
    parent = last.body.get("parent_id")
    if last.step == LOOK and last.body.get("type") in THREADS:
        return Send(_asked(PARENT, f"/channels/{segment(str(parent))}")) if is_id(parent) else Seen((REGISTERED,))
    marks = (RESTRICTED, ITS_OWN)
    return Seen((REGISTERED, *marks)) if last.body.get("nsfw") is True else Seen((REGISTERED,), marks)


def followers(account: str, answers: tuple[Answer, ...]) -> Send | int | None:
    """How many are on the account's server, about; nobody follows one channel of it by itself.

    Source: https://discord.com/developers/docs/resources/guild#get-guild
    """
    if not answers:
        path = f"/guilds/{segment(place(account).guild)}?with_counts=true"
        return Send(_asked(FOLLOWERS, path, action="metrics"))
    return number(told_by(answers[-1]).get("approximate_member_count"))


def _asked(name: str, path: str, *, action: str = LOOK) -> WireStep:
    return step(name, StepKind.CONTROL, "GET", path, action=action)
