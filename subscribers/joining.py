"""Who asks to be let into a place of an account: in at once with a right to it, and told how to get it without.

What they ask for stays open: it is granted as soon as they have the right. A minor, or somebody who is blocked, is
turned away without a word.
"""

from collections.abc import Callable

from channels import ages, roles
from channels.reads import Channel
from channels.roles import Giver
from connectors.contract import Update
from connectors.roles import LETS_IN
from foundation.database import Scope
from foundation.words import Message
from gate import viewers
from subscribers import bearing, directory, drafts, subscribing, talks
from subscribers.models import Conversation

Notice = Callable[[Scope, Conversation, directory.Identity, bool], None]
"""Says what a fan must read before anything else, where it is due; told whether a session is new."""


def asked(scope: Scope, channel: Channel, update: Update, *, notice: Notice) -> None:
    """Take in that somebody asks to be let in; the same thing a second time changes nothing."""
    if update.ref != channel.destination or not channel.options.get(LETS_IN):
        return
    giver = next((one for one in roles.givers(scope) if one.channel_id == channel.id), None)
    if giver is None:
        return
    fan = directory.find_or_add(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
    )
    if fan.status != "active" or not viewers.level(scope, channel.platform, fan.native_id).welcome:
        roles.turn_away(scope, giver, fan.native_id)
        return
    talk = talks.opened(scope, fan, channel)
    session = talk.session_at
    if not talks.heard(scope, talk, native_id=f"update:{update.key}", kind=update.kind, body=""):
        return
    directory.rebuild_facts(scope, fan.fan_id)
    bearing.agree(scope, platform=channel.platform, only=fan.native_id)
    if roles.again(scope, channel.id, fan.native_id, anyway=True):
        return
    notice(scope, talk, fan, talk.session_at != session)
    drafts.say_service(scope, talk, Message(f"service.join.{_lacks(scope, giver, fan)}"))


def _lacks(scope: Scope, giver: Giver, fan: directory.Identity) -> str:
    """What they have to do: subscribe, prove their age, or both; only a person helps where nobody checks ages."""
    proven = viewers.adults(scope, giver.platform, only=fan.native_id)
    paying = not giver.paying or subscribing.paying(scope, giver.inbox, only=fan.native_id)
    if giver.adult and not proven and ages.connected(scope) is None:
        return "age_by_hand"
    if giver.adult and not proven:
        return "age" if paying else "both"
    return "subscription"
