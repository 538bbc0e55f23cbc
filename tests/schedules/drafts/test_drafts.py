"""Drafts: the preview equals the published post, a key creates one post, and an edit needs another
approval."""

from uuid import UUID

import pytest

from connectors.registry import loader
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from gate.contract.units import Rating
from schedules.approvals.release import eligible_approvers, release_post
from schedules.drafts import drafts
from schedules.drafts import previews as previewing
from schedules.drafts.drafts import Draft, PlannedPost
from schedules.drafts.previews import PostPreview
from schedules.posts import deliveries
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency, wall_time_after
from workers.wiring import Services

CONNECTORS = loader.load_connectors()


def draft(
    lea: SandboxAgency,
    body: str = "hello",
    *,
    media: tuple[UUID, ...] = (),
    ai: str = "none",
    title: str = "",
) -> Draft:
    return Draft(lea.creator_id, title, body, media, tuple(lea.channels.values()), ai)


def previews(lea: SandboxAgency, what: Draft) -> list[PostPreview]:
    with lea.scope(f"member:{lea.author}") as scope:
        return previewing.preview_draft(
            scope, what, author=f"member:{lea.author}", connectors=CONNECTORS
        )


def plan(
    lea: SandboxAgency, what: Draft, *, key: UUID | None = None, after: float = 0
) -> PlannedPost:
    author = f"member:{lea.author}"
    with lea.scope(author) as scope:
        return drafts.plan_draft(
            scope, what, key=key or uuid7(), at=wall_time_after(scope.now, after), author=author
        )


def codes(one: PostPreview) -> list[str]:
    return [reason.code for reason in one.reasons]


def test_preview_equals_published_post(lea: SandboxAgency) -> None:
    """Text, title, media and flags are identical on each account."""
    lea.connect("keyed", keys=True)
    written = draft(
        lea, "Été 🌊\nà la mer", media=(lea.photo(1), lea.photo(2)), ai="generated", title="Été"
    )
    shown = previews(lea, written)
    assert [one.account for one in shown] == ["main", "keyed"]
    assert all(not one.reasons for one in shown), [codes(one) for one in shown]
    planned = plan(lea, written)
    lea.approve(planned.post_id)
    lea.plan(planned.post_id)
    lea.run()
    for one in shown:
        (post,) = lea.posts(one.account)
        assert (post["text"], post["title"]) == (one.body, one.title)
        assert [medium["sha256"] for medium in post["media"]] == [
            medium.sha256 for medium in one.media
        ]
        assert sorted(post["flags"]) == sorted(one.flags)


def test_preview_lists_every_refusal_reason(lea: SandboxAgency) -> None:
    unrated = lea.photo(3, rating=None)
    (one,) = previews(lea, draft(lea, "x" * 5000, media=(unrated,)))
    assert codes(one)[0] == "connectors.text_too_long"
    assert "gate.RATING_MISSING" in codes(one)
    assert (one.length, one.most) == (5000, 4096)
    (explicit,) = previews(lea, draft(lea, media=(lea.photo(4, rating=Rating.E),)))
    assert {"gate.RATING_EXCEEDS_CREATOR", "gate.PERSON_UNRESOLVED"} <= set(codes(explicit))
    (empty,) = previews(lea, draft(lea, ""))
    assert codes(empty) == []


def test_preview_writes_nothing(lea: SandboxAgency) -> None:
    previews(lea, draft(lea, media=(lea.photo(5),)))
    with lea.scope() as scope:
        for name in ("posts", "deliveries", "decisions", "permits"):
            assert (
                scope.run(
                    f"SELECT count(*) FROM {name} WHERE tenant_id = :t", t=lea.tenant_id
                ).scalar_one()
                == 0
            )


def test_joint_previews_equal_single_previews(lea: SandboxAgency) -> None:
    """Facts are read once for all accounts, without an effect on the result."""
    lea.connect("keyed", keys=True)
    lea.connect_to("page", account="lea", token="t", platform="own_page", surface="own_page.public")
    written = draft(
        lea, "voir https://example.test/x", media=(lea.photo(6, rating=Rating.S),), ai="generated"
    )
    together = previews(lea, written)
    alone = [
        previews(
            lea,
            Draft(lea.creator_id, "", written.body, written.media, (one.channel_id,), "generated"),
        )[0]
        for one in together
    ]
    assert together == alone
    assert all("gate.LINK_UNREGISTERED" in codes(one) for one in together)


def test_repeated_key_creates_one_post(lea: SandboxAgency) -> None:
    key = uuid7()
    first, second = plan(lea, draft(lea), key=key), plan(lea, draft(lea, "another"), key=key)
    assert first.post_id == second.post_id
    with lea.scope() as scope:
        (row,) = deliveries.deliveries_of_post(scope, first.post_id)
    assert row.state == DeliveryState.DRAFT


def test_scheduled_draft_names_eligible_approvers(lea: SandboxAgency) -> None:
    planned = plan(lea, draft(lea))
    assert (planned.left, planned.waiting) == (False, ("Marc",))


def test_draft_is_scheduled_without_approval_policy(
    services: Services, sandbox: RunningSandbox
) -> None:
    free = create_sandbox_agency(services, sandbox, tiers=0)
    planned = plan(free, draft(free, "sans attendre"), after=15)
    assert (planned.left, planned.waiting) == (True, ())
    free.live(seconds=16)
    assert free.texts() == ["sans attendre"]


def test_rewritten_post_needs_approval_and_publishes_latest_text(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("avant", after=600)
    with lea.scope(f"member:{lea.author}") as scope:
        post_id = get_delivery(scope, delivery_id).post_id
        assert not drafts.rewrite_post(
            scope, post_id, draft(lea, "après"), author=f"member:{lea.author}"
        )
    assert lea.state(delivery_id) is DeliveryState.DRAFT
    lea.approve(post_id)
    lea.plan(post_id)
    lea.live(seconds=601)
    assert lea.texts() == ["après"]


def test_changed_ai_disclosure_needs_approval(lea: SandboxAgency) -> None:
    planned = plan(lea, draft(lea), after=600)
    lea.approve(planned.post_id)
    with lea.scope(f"member:{lea.author}") as scope:
        drafts.rewrite_post(
            scope, planned.post_id, draft(lea, ai="generated"), author=f"member:{lea.author}"
        )
        assert eligible_approvers(scope, planned.post_id), (
            "another AI disclosure makes another version"
        )
    lea.approve(planned.post_id)
    lea.act(release_post, planned.post_id)
    lea.live(minutes=11)
    assert lea.posts()[0]["ai"] is True


def test_published_post_cannot_be_rewritten(lea: SandboxAgency) -> None:
    delivery_id = lea.delivery("dehors")
    lea.run()
    with lea.scope() as scope:
        post_id = get_delivery(scope, delivery_id).post_id
    with pytest.raises(Conflict, match=r"post\.left_already"), lea.scope() as scope:
        drafts.rewrite_post(scope, post_id, draft(lea, "trop tard"), author=f"member:{lea.author}")


def test_failed_post_can_be_retried(lea: SandboxAgency) -> None:
    lea.fault("status:422")
    delivery_id = lea.delivery("encore")
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.FAILED
    lea.act(drafts.retry_delivery, delivery_id)
    lea.run()
    assert lea.texts() == ["encore"]
    with pytest.raises(Conflict):
        lea.act(drafts.retry_delivery, delivery_id)


@pytest.mark.parametrize(
    "wrong", ["nothing", "no account", "past", "anothers picture", "anothers account"]
)
def test_invalid_draft_is_refused(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox, wrong: str
) -> None:
    other = create_sandbox_agency(services, sandbox)
    whole = draft(lea)
    cases = {
        "nothing": (Draft(lea.creator_id, "", "  ", (), whole.channels), BadInput),
        "no account": (Draft(lea.creator_id, "", "x", (), ()), BadInput),
        "past": (whole, BadInput),
        "anothers picture": (draft(lea, media=(other.photo(8),)), NotFound),
        "anothers account": (
            Draft(lea.creator_id, "", "x", (), (other.channels["main"],)),
            NotFound,
        ),
    }
    what, error = cases[wrong]
    with pytest.raises(error):
        plan(lea, what, after=-7200 if wrong == "past" else 0)
    with lea.scope() as scope:
        assert (
            scope.run(
                "SELECT count(*) FROM posts WHERE tenant_id = :t", t=lea.tenant_id
            ).scalar_one()
            == 0
        )
