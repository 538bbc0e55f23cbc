"""Posts of an inactive creator are held with one reason, and published after the reactivation if
they are not too late. The number of posts per day is a limit of the creator."""

from datetime import timedelta
from uuid import UUID

from schedules.posts.states import DeliveryState
from schedules.publishing import preflight
from schedules.rescheduling import held_posts
from schedules.rescheduling.held_posts import HeldPostAction
from tenants.agencies import creators
from tenants.agencies.creators import CreatorChanges
from tenants.agencies.states import CreatorState
from tests.schedules.builders import SandboxAgency

HELD = (DeliveryState.HELD, "delivery.creator_inactive")


def set_state(lea: SandboxAgency, state: CreatorState) -> None:
    lea.act(creators.change_creator_state, lea.creator_id, state)
    lea.run()


def outcome(lea: SandboxAgency, delivery_id: UUID) -> tuple[DeliveryState, str]:
    return lea.state(delivery_id), lea.why(delivery_id)


def test_post_waits_for_the_reactivation_without_a_notice(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(media=(lea.photo(),), after=60)
    set_state(lea, CreatorState.INACTIVE)
    lea.live(minutes=5)
    assert outcome(lea, delivery_id) == HELD
    assert (lea.posts(), lea.notices()) == ([], {})
    with lea.scope() as scope:
        preview = held_posts.preview_held_posts(scope, lea.creator_id, HeldPostAction.NOW)
    assert [one.why.code for one in preview.left] == ["delivery.creator_inactive"]
    set_state(lea, CreatorState.ARCHIVED)
    lea.live(minutes=5)
    assert outcome(lea, delivery_id) == HELD
    set_state(lea, CreatorState.ACTIVE)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert len(lea.posts()) == 1


def test_post_that_is_too_late_at_the_reactivation_needs_a_decision(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(late_ok=timedelta(minutes=5), after=60)
    set_state(lea, CreatorState.INACTIVE)
    lea.live(minutes=20)
    assert outcome(lea, delivery_id) == HELD
    set_state(lea, CreatorState.ACTIVE)
    lea.live(minutes=1)
    assert outcome(lea, delivery_id) == (DeliveryState.HELD, "delivery.too_late")
    assert lea.posts() == []


def test_short_deactivation_before_the_due_time_changes_nothing(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery(after=600)
    set_state(lea, CreatorState.INACTIVE)
    lea.live(minutes=1)
    assert lea.state(delivery_id) is DeliveryState.SCHEDULED
    with lea.scope() as scope:
        connectors = lea.services.connectors
        troubles = preflight.troubles_of_delivery(scope, delivery_id, connectors)
    assert [one.code for one in troubles] == ["delivery.creator_inactive"]
    assert lea.notices() == {}
    set_state(lea, CreatorState.ACTIVE)
    lea.live(minutes=12)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED


def test_posts_beyond_the_daily_limit_are_held(lea: SandboxAgency) -> None:
    lea.act(creators.change_creator, lea.creator_id, CreatorChanges(posts_per_day=1))
    first = lea.delivery("one", after=1)
    second = lea.delivery("two", after=60)
    lea.live(minutes=5)
    assert lea.state(first) is DeliveryState.PUBLISHED
    assert outcome(lea, second) == (DeliveryState.HELD, "delivery.posts_per_day")
    assert lea.texts() == ["one"]
    third = lea.delivery("three", after=86_400)
    lea.live(hours=25)
    assert lea.state(third) is DeliveryState.PUBLISHED
