"""Attacks on the transport: real claims, the real transport, and a platform that reports every
request."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from channels.accounts import queries as channel_reads
from channels.sending.step_runner import PreparedStep
from connectors.contract.connector import StepKind, WireStep
from connectors.contract.outcomes import Outcome, Published
from connectors.transport.transport import EgressForbidden
from foundation.ids import uuid7
from gate.contract.permit import RemovalOrder
from tests.attacks.harness import Result
from tests.channels.builders import World

Wired = Callable[[World, bool], Result]
WIRED: dict[str, Wired] = {}

MEANS = {
    "photo.unsupported": "CONTAINER_UNSUPPORTED",
    "film.several": "CONTAINER_UNSUPPORTED",
    "egress.file_changed": "HASH_MISMATCH",
    "egress.wrong_authority": "PERMIT_MISSING",
    "egress.not_these_bytes": "PERMIT_BINDING",
    "egress.other_account": "PERMIT_BINDING",
    "egress.mark_missing": "FLAG_MISSING",
    "egress.remote_reference": "REMOTE_REFERENCE",
    "egress.native_scheduling": "NATIVE_SCHEDULING",
    "egress.carries_content": "REMOVAL_CARRIES_CONTENT",
    "connectors.answer_lost": "DELIVERY_UNCERTAIN",
}
"""The corpus's reason for each refusal of the library or the transport, and for an uncertain
delivery."""


def register_wire_attack(name: str) -> Callable[[Wired], Wired]:
    """Register a scenario under an ID of the corpus."""

    def register(scenario: Wired) -> Wired:
        WIRED[name] = scenario
        return scenario

    return register


def send_outcome(lea: World, act: Callable[[], Any]) -> Result:
    """Return the result, with the number of posts that the platform accepted."""
    try:
        end = act()
    except EgressForbidden as refused:
        return Result("B", frozenset({MEANS[refused.message.code]}), count_taken_posts(lea))
    if isinstance(end, Published):
        return Result("A", frozenset(), count_taken_posts(lea))
    return Result(
        "B", frozenset({MEANS.get(end.reason.code, end.reason.code)}), count_taken_posts(lea)
    )


def count_taken_posts(lea: World) -> int:
    """Return the number of posts that the platform accepted."""
    return len(lea.posts())


def run_send(lea: World, armed: Any) -> Outcome:
    """Run the steps after the claim, as a handler does."""
    assert isinstance(armed, PreparedStep), armed
    end = lea.carry(armed)
    assert isinstance(end, Outcome)
    return end


@register_wire_attack("M-03")
def bytes_swapped_after_the_rating(lea: World, harm: bool) -> Result:
    unit = lea.unit("swapped", pictures=1)
    armed = lea.arm(unit)
    if harm:
        lea.files[unit.media[0].sha256] = b"another picture altogether"
    return send_outcome(lea, lambda: run_send(lea, armed))


@register_wire_attack("P-06")
def words_in_a_removal(lea: World, harm: bool) -> Result:
    unit = lea.unit("stays or goes", pictures=0)
    published = send_outcome(lea, lambda: lea.publish(unit))
    with lea.scope() as scope:
        account = channel_reads.transport_account(channel_reads.get_channel(scope, lea.channel_id))
    words = {"caption": "removed, see EXPLICIT-MARKER-A"} if harm else None
    step = WireStep(
        "delete", StepKind.RESTRICT, "DELETE", "/api/{account}/posts/1", words, action="delete"
    )
    order = RemovalOrder(lea.tenant_id, lea.channel_id, "delete", uuid7())
    try:
        lea.transport().send(step, order, account=account)
    except EgressForbidden as refused:
        return Result("B", frozenset({MEANS[refused.message.code]}), published.sent - 1)
    return published


@register_wire_attack("P-08")
def permit_used_on_another_account(lea: World, harm: bool) -> Result:
    armed = lea.arm(lea.unit("for one account"))
    if harm:
        assert isinstance(armed, PreparedStep)
        other = lea.network.account(f"other-{str(lea.tenant_id)[-6:]}")
        armed = replace(armed, channel=replace(armed.channel, account=other))
    return send_outcome(lea, lambda: run_send(lea, armed))


@register_wire_attack("P-11")
def script_without_a_permit(lea: World, harm: bool) -> Result:
    armed = lea.arm(lea.unit("for nobody"))
    if harm:
        assert isinstance(armed, PreparedStep)
        order = RemovalOrder(lea.tenant_id, lea.channel_id, "delete", uuid7())
        armed = replace(armed, authority=order)
    return send_outcome(lea, lambda: run_send(lea, armed))


@register_wire_attack("Z-07")
def sent_again_blindly(lea: World, harm: bool) -> Result:
    unit = lea.unit("once")
    if not harm:
        return send_outcome(lea, lambda: lea.publish(unit))
    lea.network.fault("reset_after", account=lea.account)
    first = send_outcome(lea, lambda: lea.publish(unit))
    assert count_taken_posts(lea) == 1, "the post arrived without a response"
    again = lea.arm(unit, braked=True)
    assert not isinstance(again, PreparedStep), "an uncertain delivery is never resent"
    lea.pass_time(61)
    lea.look(unit)
    assert count_taken_posts(lea) == 1
    return replace(first, sent=count_taken_posts(lea) - 1)
