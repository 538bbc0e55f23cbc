"""Join requests: a user with the right to join is admitted at once; any other gets a message about
the requirements.

The request remains pending and is granted as soon as they have the right. A minor or a blocked user
is declined without a message.
"""

from channels.accounts.queries import Channel
from channels.age_verification import age_checks
from channels.roles import reader_roles
from channels.roles.reader_roles import RoleGiver
from connectors.contract.chats import ChatUpdate
from connectors.contract.reader_roles import ADMISSION_FIELD
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.viewers import age_assurance
from subscribers.conversations import conversation_rows, outgoing_messages
from subscribers.fans import directory
from subscribers.replies import speaker_notices
from subscribers.safety import role_eligibility
from subscribers.subscriptions import subscription_rows


def handle_join_request(scope: Scope, channel: Channel, update: ChatUpdate) -> None:
    """Process a join request. A repeated update changes nothing."""
    if update.ref != channel.destination_id or not channel.options.get(ADMISSION_FIELD):
        return
    giver = next(
        (one for one in reader_roles.role_givers(scope) if one.channel_id == channel.id), None
    )
    if giver is None:
        return
    fan = directory.find_or_create_fan(
        scope,
        creator_id=channel.creator_id,
        channel_id=channel.id,
        native_id=update.fan,
        handle=update.handle,
        language=update.language,
    )
    if (
        fan.status != "active"
        or not age_assurance.get_assurance(scope, channel.platform, fan.native_id).can_be_messaged
    ):
        reader_roles.deny_role(scope, giver, fan.native_id)
        return
    talk = conversation_rows.find_or_create_conversation(scope, fan, channel)
    session = talk.session_at
    if not conversation_rows.record_fan_line(
        scope, talk, native_id=f"update:{update.key}", kind=update.kind, body=""
    ):
        return
    directory.rebuild_facts(scope, fan.fan_id)
    role_eligibility.apply_account_roles(scope, platform=channel.platform, only=fan.native_id)
    if reader_roles.retry_role(scope, channel.id, fan.native_id, anyway=True):
        return
    speaker_notices.send_speaker_notice(scope, talk, is_new_session=talk.session_at != session)
    outgoing_messages.send_automated_message(
        scope, talk, Message(f"service.join.{_find_missing_requirement(scope, giver, fan)}")
    )


def _find_missing_requirement(
    scope: Scope, giver: RoleGiver, fan: directory.FanIdentityView
) -> str:
    """Return the missing requirement: subscription, proof of age, both, or a manual age check if no
    provider is connected."""
    proven = age_assurance.list_verified_adults(scope, giver.platform, only=fan.native_id)
    paying = not giver.paying or subscription_rows.paying_fans(
        scope, giver.inbox, only=fan.native_id
    )
    if giver.adult and not proven and age_checks.active_provider(scope) is None:
        return "age_by_hand"
    if giver.adult and not proven:
        return "age" if paying else "both"
    return "subscription"
