"""The timeline of a post: each line states what happened, and nothing else."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from connectors.platforms.sandbox.publisher import Sandbox
from dashboard.pages.calendar.queries import CalendarFilter, load_calendar
from dashboard.pages.posts.queries import PostView, load_post
from dashboard.pages.posts.timeline import build_timeline, next_step
from dashboard.shell.platforms import platform_connectors
from schedules.approvals import approval_policy, decisions
from schedules.calendar.next_steps import next_step_of_delivery
from schedules.drafts import drafts
from schedules.posts import queries as schedule_reads
from schedules.posts.states import DeliveryState
from schedules.publishing import settlement, uncertain_deliveries
from tenants.agencies import queries as tenant_reads
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.series_builders import build_recurrence, list_deliveries, start_series


def shown(at: SandboxAgency, delivery_id: UUID) -> PostView:
    with at.scope() as scope:
        mine = [tenant_reads.get_creator(scope, at.creator_id)]
        entry = at.entry(delivery_id)
        return load_post(
            scope,
            mine,
            schedule_reads.post_id_of_delivery(scope, delivery_id),
            entry.occurrence_key,
        )


def story(at: SandboxAgency, delivery_id: UUID) -> list[tuple[str, str]]:
    """Return the message code and the member name of each line, oldest first."""
    found = shown(at, delivery_id)
    place = next(one for one in found.places if one.entry.delivery_id == delivery_id)
    return [(line.message.code, line.by) for line in build_timeline(found, place)]


def codes(at: SandboxAgency, delivery_id: UUID) -> list[str]:
    return [code.removeprefix("calendar.") for code, _ in story(at, delivery_id)]


def test_publishing_step_precedes_request(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery()
    lea.run()
    begun = ["step.approved", "step.scheduled", "step.publishing", "asked.send", "step.published"]
    assert codes(lea, delivery_id)[:5] == begun


def test_each_attempt_follows_its_publishing_step(lea: SandboxAgency) -> None:
    lea.fault("reset_before")
    delivery_id = lea.delivery()
    lea.live(minutes=12)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    said = codes(lea, delivery_id)
    begun = [number for number, code in enumerate(said) if code == "step.publishing"]
    assert [said[number + 1] for number in begun] == ["asked.send", "asked.send"]
    assert "step.absent" in said, "the lookup proved it absent"


def test_decision_of_member_is_not_shown_as_proof(lea: SandboxAgency) -> None:
    lea.fault("reset_before")
    delivery_id = lea.delivery()
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.UNCERTAIN
    lea.act(
        uncertain_deliveries.resolve_uncertain_delivery, delivery_id, member_id=lea.manager, url=""
    )
    lea.act(settlement.resend_absent_delivery, delivery_id)
    assert story(lea, delivery_id)[-1] == ("calendar.step.not_there", "Marc")


class ShortTexts(Sandbox):
    """The test network after it lowered its limit."""

    capabilities = replace(Sandbox.capabilities, max_text=10)


def test_post_refused_by_own_check_was_never_sent(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("x" * 20, after=60)
    connectors = {**lea.services.connectors, "sandbox": ShortTexts()}
    lea.services = replace(lea.services, connectors=connectors)
    lea.live(minutes=2)
    assert (lea.state(delivery_id), lea.why(delivery_id)) == (
        DeliveryState.FAILED,
        "connectors.text_too_long",
    )
    assert lea.attempts(delivery_id) == lea.asked() == []
    assert codes(lea, delivery_id) == ["step.approved", "step.scheduled", "step.unsent"]


def test_post_refused_by_platform_is_shown_as_sent(lea: SandboxAgency) -> None:
    lea.fault("refuse")
    delivery_id = lea.delivery()
    lea.run()
    assert codes(lea, delivery_id)[-3:] == ["step.publishing", "asked.send", "step.failed"]


def test_changed_approval_policy_is_not_shown_as_edit(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=3600)
    lea.act(approval_policy.change_approval_policy, lea.creator_id, tiers=2, times=False)
    assert story(lea, delivery_id)[-1] == ("approval.rule_changed", "Marc")


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (decisions.request_changes, "approval.change_asked"),
        (decisions.reject_post, "approval.said_no"),
    ],
    ids=["change", "no"],
)
def test_change_request_is_not_shown_as_edit(lea: SandboxAgency, act: Any, said: str) -> None:
    delivery_id = lea.delivery(after=3600)
    lea.act(act, shown(lea, delivery_id).post.id, member_id=lea.manager, note="shorter, please")
    assert story(lea, delivery_id)[-1] == (said, "Marc")


@pytest.mark.parametrize(
    ("act", "verdict"), [(decisions.request_changes, "change"), (decisions.reject_post, "no")]
)
def test_returned_post_waits_for_its_author(lea: SandboxAgency, act: Any, verdict: str) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=3600)
    lea.act(act, post_id, member_id=lea.manager, note="shorter, please")
    found = shown(lea, delivery_id)
    coming = next_step(found, found.places[0])
    assert (coming.code, coming.who) == (f"calendar.next.draft_{verdict}", "Marc")
    with lea.scope() as scope:
        assert (
            next_step_of_delivery(scope, found.places[0].entry, platform_connectors()).next
            == coming
        ), "the API returns the same step"
    with lea.scope(f"member:{lea.manager}") as scope:
        scope.run(
            "UPDATE members SET active = false WHERE tenant_id = :t AND id = :m",
            t=lea.tenant_id,
            m=lea.manager,
        )
    found = shown(lea, delivery_id)
    assert next_step(found, found.places[0]).code == "calendar.next.draft_left"


def test_calendar_card_shows_who_has_to_act(lea: SandboxAgency) -> None:
    post_id, other = lea.write("sent back"), lea.write("waits")
    back, waits = (lea.entry(lea.wish(one, after=3600)) for one in (post_id, other))

    def cards() -> tuple[str, str]:
        with lea.scope() as scope:
            wanted = CalendarFilter(scope.now.date() - timedelta(days=1), 4)
            found = load_calendar(scope, [tenant_reads.get_creator(scope, lea.creator_id)], wanted)
        return found.state_code(back), found.state_code(waits)

    assert cards() == ("draft", "draft")
    lea.act(decisions.request_changes, post_id, member_id=lea.manager, note="shorter, please")
    assert cards() == ("sent_back", "draft")
    with lea.scope(f"member:{lea.author}") as scope:
        written = schedule_reads.get_stored_post(scope, post_id)
        draft = drafts.draft_of_post(written, (lea.channels["main"],))
        drafts.rewrite_post(
            scope, post_id, replace(draft, body="short"), author=f"member:{lea.author}"
        )
    assert cards() == ("draft", "draft"), "the new text is pending approval"


@pytest.mark.parametrize(
    ("tiers", "said"), [(0, ("approval.unasked", "")), (1, ("calendar.step.approved", ""))]
)
def test_occurrence_shows_if_approval_was_needed(
    services: Any, sandbox: Any, tiers: int, said: tuple[str, str]
) -> None:
    lea = create_sandbox_agency(services, sandbox, tiers=tiers)
    post_id = start_series(lea, build_recurrence(lea))
    if tiers:
        lea.approve(post_id)
    lea.run()
    assert story(lea, list_deliveries(lea, post_id)[1].id)[0] == said
