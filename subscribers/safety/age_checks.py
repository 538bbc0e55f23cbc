"""Messages about age checks: a link to the check, or the fact that none is available here."""

from uuid import UUID

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.age_verification import age_checks
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.people import age_requests
from gate.policy import active_policy
from gate.viewers import age_assurance
from gate.viewers.events import AgeAssuranceWithdrawn
from subscribers.conversations import conversation_rows
from subscribers.conversations.models import Conversation
from subscribers.fans import directory

AGE_CHECK_MESSAGES = {
    "passed": "service.age.thanks",
    "ended": "service.age.ended",
    "unfit": "service.age.not_taken",
    "recalled": "service.age.recalled",
}
"""Messages about the result of a check. A failed check is handled by the rules for minors instead.
"""


def age_check_message(
    scope: Scope,
    talk: Conversation,
    channel: Channel,
    fan: directory.FanIdentityView,
    *,
    pages: str,
) -> Message:
    """Return the message for a fan who wants to prove their age, with a personal link if a provider
    is connected.

    `pages` is the base URL of our pages.
    """
    if age_assurance.get_assurance(scope, channel.platform, fan.native_id).over_18:
        return Message(AGE_CHECK_MESSAGES["passed"])
    token = age_checks.create_check_link(
        scope,
        channel.platform,
        fan.native_id,
        channel_id=channel.id,
        language=directory.answer_language(talk.language),
    )
    if token is not None:
        return Message(
            "service.age.open", {"age_page": f"{pages.rstrip('/')}{age_checks.AGE_PATH}{token}"}
        )
    test = active_policy.current_bundle(scope).is_test_network(channel.platform)
    return Message("service.age.how" if test else "service.age.none_here")


def request_age_confirmation(scope: Scope, conversation_id: UUID, *, reference: str) -> None:
    """Request that the agency's custodians confirm this fan's age, as the acting member.

    `reference` helps the custodian to find their record. Raises NotFound, Refused if the member may
    not review, BadInput for an invalid reference, and Conflict without a custodian or if a request
    is pending.
    """
    platform, user_id = _get_viewer(scope, conversation_id)
    age_requests.request_viewer_check(scope, platform, user_id, reference=reference)


def request_assurance_withdrawal(scope: Scope, conversation_id: UUID, *, key: UUID) -> None:
    """Request that a fan's proof of age is withdrawn, as the acting member; a worker applies it if
    they may review. Raises NotFound."""
    platform, user_id = _get_viewer(scope, conversation_id)
    wanted = AgeAssuranceWithdrawn(scope.tenant_id, key, platform, user_id, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"proof_withdrawn:{key}")


def _get_viewer(scope: Scope, conversation_id: UUID) -> tuple[str, str]:
    """Return the platform and the platform's user ID of a conversation's fan."""
    talk = conversation_rows.get_conversation(scope, conversation_id)
    fan = directory.get_fan_identity(scope, talk.fan_id, talk.channel_id)
    return queries.get_channel(scope, talk.channel_id).platform, fan.native_id
