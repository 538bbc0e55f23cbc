"""A post that exceeds a limit of a channel is neither scheduled nor approved, and the reason names
the channel and the excess."""

from collections.abc import Callable
from datetime import time
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.accounts import queries
from connectors.registry import loader
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, load_catalogue, render_message
from foundation.ids import uuid7
from gate.contract.units import Subject, Text, Unit
from schedules.approvals import decisions
from schedules.availability import slots
from schedules.calendar import versioned_actions
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import channel_limits
from schedules.posts.thread_parts import ThreadPart
from schedules.recurrence import series
from schedules.recurrence.rules import Recurrence
from schedules.rescheduling import queue
from tests.schedules.builders import ZONE, SandboxAgency, wall_time_after
from tests.schedules.series_builders import WEEKLY

MOST = 280
TOO_LONG = "x" * (MOST + 20)


@pytest.fixture
def narrow(lea: SandboxAgency) -> UUID:
    """An account with a limit of 280 characters."""
    account = f"narrow-{str(lea.tenant_id)[-8:]}"
    lea.network.account(account)
    token = lea.network.tokens[account]
    return lea.connect_to("narrow", account=account, token=token, surface="sandbox.as_x")


def draft_of(lea: SandboxAgency, body: str, *channels: UUID) -> Draft:
    return Draft(lea.creator_id, "", body, (), channels)


def plan(lea: SandboxAgency, body: str, *channels: UUID, key: UUID | None = None) -> UUID:
    author = f"member:{lea.author}"
    with lea.scope(author) as scope:
        at = wall_time_after(scope.now, 3600)
        draft = draft_of(lea, body, *channels)
        return drafts.plan_draft(scope, draft, key=key or uuid7(), at=at, author=author).post_id


def refusal(act: Callable[[], object]) -> BadInput:
    with pytest.raises(BadInput) as refused:
        act()
    return refused.value


def test_post_over_a_limit_is_not_scheduled(lea: SandboxAgency, narrow: UUID) -> None:
    key = uuid7()
    reason = refusal(lambda: plan(lea, TOO_LONG, lea.channels["main"], narrow, key=key)).message
    assert render_message(reason, "en") == (
        "narrow: the text has 300 characters, 20 more than the limit of 280."
        " Shorten it, or customize it for this channel."
    )
    assert plan(lea, TOO_LONG, lea.channels["main"], key=key)  # nothing was stored before


def _queue(scope: Scope, draft: Draft, author: str) -> None:
    slots.add_slot(scope, draft.channels[0], weekday=1, clock=time(10), zone=ZONE)
    queue.queue_draft(scope, draft, key=uuid7(), author=author)


def _plan_series(scope: Scope, draft: Draft, author: str) -> None:
    at = wall_time_after(scope.now, 3600)
    repeat = Recurrence(WEEKLY, at.day, at.clock, ZONE)
    series.plan_series(scope, draft, repeat, key=uuid7(), author=author, confirmed=True)


def _add_channel(scope: Scope, draft: Draft, author: str) -> None:
    post_id = drafts.write_draft(scope, draft, key=uuid7(), author=author)
    at = wall_time_after(scope.now, 3600)
    versioned_actions.schedule_post_on_channels(scope, post_id, channels=draft.channels, at=at)


@pytest.mark.parametrize("way", [_queue, _plan_series, _add_channel])
def test_every_way_to_schedule_checks_the_limits(
    lea: SandboxAgency, narrow: UUID, way: Callable[[Scope, Draft, str], None]
) -> None:
    author = f"member:{lea.author}"

    def act() -> None:
        with lea.scope(author) as scope:
            way(scope, draft_of(lea, TOO_LONG, narrow), author)

    assert refusal(act).message.params["over"] == 20


def test_scheduled_post_is_not_changed_beyond_a_limit(lea: SandboxAgency, narrow: UUID) -> None:
    post_id = plan(lea, "short", narrow)

    def rewrite() -> None:
        with lea.scope(f"member:{lea.author}") as scope:
            changed = draft_of(lea, TOO_LONG, narrow)
            drafts.rewrite_post(scope, post_id, changed, author=f"member:{lea.author}")

    assert refusal(rewrite).message.code == "limit.text"


def test_post_over_a_limit_is_not_approved(lea: SandboxAgency) -> None:
    """The platform may lower its limit between scheduling and approval."""
    post_id = plan(lea, TOO_LONG, lea.channels["main"])
    with lea.scope() as scope:
        scope.run(
            "UPDATE channels SET surface = 'sandbox.as_x' WHERE id = :id", id=lea.channels["main"]
        )

    def approve() -> None:
        with lea.scope(f"member:{lea.manager}") as scope:
            decisions.approve_post(scope, post_id, member_id=lea.manager)

    assert refusal(approve).message.params == {
        "where": "main",
        "length": 300,
        "most": 280,
        "over": 20,
    }
    lea.act(drafts.rewrite_post, post_id, draft_of(lea, "short"), author=f"member:{lea.author}")
    approve()


def test_draft_over_a_limit_is_not_released(lea: SandboxAgency, narrow: UUID) -> None:
    post_id = lea.write(TOO_LONG)
    lea.wish(post_id, "narrow", after=3600)
    assert refusal(lambda: lea.act(drafts.schedule_draft, post_id)).message.code == "limit.text"


def test_excess_of_a_part_names_the_part(lea: SandboxAgency, narrow: UUID) -> None:
    author = f"member:{lea.author}"

    def act() -> None:
        with lea.scope(author) as scope:
            long = Draft(lea.creator_id, "", "one", (), (narrow,), parts=(ThreadPart(TOO_LONG),))
            at = wall_time_after(scope.now, 3600)
            drafts.plan_draft(scope, long, key=uuid7(), at=at, author=author)

    assert refusal(act).message.params["where"] == "narrow 2/2"


def test_excess_is_the_length_above_the_limit(lea: SandboxAgency, narrow: UUID) -> None:
    with lea.scope() as scope:
        channel, now = queries.get_channel(scope, narrow), scope.now
    connector = loader.load_connectors()["sandbox"]

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 3 * MOST))
    def check(length: int) -> None:
        unit = Unit(
            tenant_id=lea.tenant_id,
            creator_id=lea.creator_id,
            subject=Subject("delivery", uuid4()),
            platform="sandbox",
            surface=channel.surface,
            channel_id=narrow,
            account=channel.account,
            audience="public",
            texts=(Text("body", "x" * length),),
            media=(),
        )
        problem = channel_limits.find_limit_problem([unit], channel, connector, now)
        over = problem.params["over"] if problem is not None else 0
        assert over == max(length - MOST, 0)

    check()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_limit_has_a_text_with_the_channel(language: str) -> None:
    texts = load_catalogue(language)
    assert all(texts[code].startswith("{where}") for code in channel_limits.LIMIT_CODES.values())
    assert set(channel_limits.LIMIT_CODES) <= texts.keys()
