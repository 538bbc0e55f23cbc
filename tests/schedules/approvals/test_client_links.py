"""The second approval through a client link: one recipient, one version, one browser, one response."""

import threading
from typing import Any
from uuid import UUID

import pytest

from channels.accounts import queries as channel_reads
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from gate.contract.units import Rating
from schedules.approvals import client_links, decisions, revisions
from schedules.calendar import next_steps
from schedules.posts import queries as schedule_reads
from schedules.posts.states import DeliveryState
from studio.library import assets
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.gate.answers import rate_and_answer
from tests.schedules.approvals.test_review_comments import member
from tests.schedules.approvals.test_revisions import rewrite
from tests.schedules.builders import Killed, SandboxAgency, create_sandbox_agency

HERE = "the browser of the client"


@pytest.fixture
def two(services: Any, sandbox: Any) -> SandboxAgency:
    """Return an agency whose posts need two approvals."""
    return create_sandbox_agency(services, sandbox, tiers=2)


def waiting(
    at: SandboxAgency, body: str = "to be approved", *, after: float = 3600, **more: Any
) -> tuple[UUID, UUID]:
    """Create a post that has the manager's first approval, and return its ID and its delivery ID."""
    post_id = at.write(body, **more)
    delivery_id = at.wish(post_id, after=after)
    at.approve(post_id)
    return post_id, delivery_id


def link(at: SandboxAgency, post_id: UUID, name: str = "Anna", *, opened: bool = True) -> UUID:
    token = at.act(client_links.create_client_link, post_id, name=name)
    found = client_links.find_client_link(at.services.tenant, token)
    assert found is not None
    assert found[0] == at.tenant_id
    if opened:
        begin(at, found[1])
    return found[1]


def begin(at: SandboxAgency, link_id: UUID, session: str = HERE) -> None:
    with at.scope("system:web-client") as scope:
        client_links.open_client_link(scope, link_id, session)


def stands(at: SandboxAgency, link_id: UUID, session: str = HERE) -> str:
    with at.scope("system:web-client") as scope:
        return client_links.load_client_link(scope, link_id, session)[1]


def answer(
    at: SandboxAgency, link_id: UUID, session: str = HERE, *, yes: bool = True, **more: Any
) -> None:
    with at.scope("system:web-client") as scope:
        client_links.answer_client_link(scope, link_id, session, yes=yes, **more)


def test_client_approval_schedules_post(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    assert two.state(delivery_id) is DeliveryState.DRAFT
    link_id = link(two, post_id)
    answer(two, link_id)
    assert two.state(delivery_id) is DeliveryState.SCHEDULED
    assert stands(two, link_id) == "yes"
    two.live(minutes=61)
    assert two.texts() == ["to be approved"]
    with two.scope() as scope:
        assert list(client_links.client_names(scope, [two.creator_id]).values()) == ["Anna"]


def test_client_change_request_needs_note_and_notifies_author(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    for wrong in ({"note": " "}, {"note": "x", "why": "?"}):
        with pytest.raises(BadInput):
            answer(two, link_id, yes=False, **wrong)
    assert stands(two, link_id) == "open"  # an invalid response does not use the link up
    answer(two, link_id, yes=False, why="picture", note="another picture")
    assert stands(two, link_id) == "change"
    assert two.state(delivery_id) is DeliveryState.DRAFT
    with two.scope() as scope:
        assert [
            (one.tier, one.why, one.note) for one in revisions.list_change_requests(scope, post_id)
        ] == [(2, "picture", "another picture")]
        assert [one.message.code for one in list_open_notices(scope)] == ["approval.change_wanted"]


def test_second_client_response_is_refused(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    answer(two, link_id)
    for more in ({"yes": True}, {"yes": False, "note": "after all"}):
        with pytest.raises(Conflict) as told:
            answer(two, link_id, **more)
        assert told.value.message.code == "client.stands.yes"
    assert two.state(delivery_id) is DeliveryState.SCHEDULED


def test_one_of_concurrent_client_responses_counts(two: SandboxAgency) -> None:
    post_id, _ = waiting(two)
    link_id, ends = link(two, post_id), []

    def press(yes: bool) -> None:
        try:
            answer(two, link_id, yes=yes, note="words")
            ends.append("yes" if yes else "change")
        except Conflict:
            pass

    pressing = [threading.Thread(target=press, args=(number % 2 == 0,)) for number in range(4)]
    for each in pressing:
        each.start()
    for each in pressing:
        each.join(30)
    assert len(ends) == 1
    assert stands(two, link_id) == ends[0]


def test_client_link_is_bound_to_first_browser(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id, opened=False)
    assert stands(two, link_id) == stands(two, link_id, "") == "sealed"
    with pytest.raises(Conflict):
        answer(two, link_id)
    begin(two, link_id)
    begin(two, link_id, "another browser")
    assert stands(two, link_id) == "open"
    for other in ("another browser", ""):
        assert stands(two, link_id, other) == "elsewhere"
        with pytest.raises(Conflict):
            answer(two, link_id, other)
    assert two.state(delivery_id) is DeliveryState.DRAFT
    answer(two, link_id)
    # another browser does not learn the response
    assert stands(two, link_id, "another browser") == "over"


def test_edited_post_invalidates_client_link(two: SandboxAgency) -> None:
    post_id, _ = waiting(two)
    link_id = link(two, post_id)
    rewrite(two, post_id, "another text")
    assert stands(two, link_id) == "changed"
    with pytest.raises(Conflict):
        answer(two, link_id)
    with pytest.raises(Refused):  # the first approval was for another version
        link(two, post_id)
    two.approve(post_id)
    again = link(two, post_id)
    assert (stands(two, link_id), stands(two, again)) == ("replaced", "open")


def test_changed_alt_text_invalidates_client_link(two: SandboxAgency) -> None:
    shot = two.photo()
    post_id, _ = waiting(two, media=(shot,))
    link_id = link(two, post_id)
    two.act(assets.set_alt_text, shot, "something else")
    assert stands(two, link_id) == "changed"


def test_client_link_expires_or_is_revoked(two: SandboxAgency) -> None:
    post_id, _ = waiting(two, after=86400 * 30)
    first = link(two, post_id)
    two.act(client_links.revoke_client_link, post_id)
    second = link(two, post_id)
    two.pass_time(days=7, seconds=1)
    assert (stands(two, first), stands(two, second)) == ("taken_back", "expired")
    for each in (first, second):
        with pytest.raises(Conflict):
            answer(two, each)


@pytest.mark.parametrize("how", ["refused", "approved", "cancelled"])
def test_client_link_closes_after_final_verdict(two: SandboxAgency, how: str) -> None:
    post_id, _ = waiting(two)
    link_id, other = link(two, post_id), member(two, Role.MANAGER)
    with two.scope(f"member:{other.id}") as scope:
        if how == "approved":
            decisions.approve_post(scope, post_id, member_id=other.id, tier=2)
        else:
            act = decisions.decline_post if how == "cancelled" else decisions.reject_post
            act(scope, post_id, member_id=other.id, note="no")
    assert stands(two, link_id) == "over"


def test_only_permitted_members_create_client_link(two: SandboxAgency) -> None:
    post_id, _ = waiting(two)

    def make(who: UUID, name: str = "Anna") -> str:
        with two.scope(f"member:{who}") as scope:
            return client_links.create_client_link(scope, post_id, name=name)

    # an author would hold the second approval of a post they wrote
    with pytest.raises(Refused) as told:
        make(two.author)
    assert told.value.message.code == "approval.link_own"
    for role in (Role.CHATTER, Role.GUEST, Role.ACCOUNTANT):
        with pytest.raises(Refused):
            make(member(two, role).id)
    with pytest.raises(NotFound):
        make(member(two, Role.MANAGER, creators=("zoe",)).id)
    with pytest.raises(Refused), two.scope("system:publishing") as scope:
        client_links.create_client_link(scope, post_id, name="Anna")
    for name in ("", "  ", "x" * 81, "a\x00b", "a\u202eb"):
        with pytest.raises(BadInput):
            make(two.manager, name)
    assert len(make(two.manager)) == 43


def test_client_link_needs_two_tiers_and_first_approval(
    lea: SandboxAgency, two: SandboxAgency
) -> None:
    post_id, _ = waiting(lea)
    with pytest.raises(BadInput):
        link(lea, post_id)
    bare = two.write()
    with pytest.raises(Conflict):
        link(two, bare)
    two.wish(bare, after=600)
    with pytest.raises(Refused) as told:
        link(two, bare)
    assert told.value.message.code == "approval.link_first"


@pytest.mark.parametrize("rating", [Rating.N, Rating.E, None])
def test_adult_media_is_refused_in_client_link(two: SandboxAgency, rating: Rating | None) -> None:
    post_id, _ = waiting(two, media=(two.photo(3), two.photo(4, rating=rating)))
    with pytest.raises(Refused) as told:
        link(two, post_id)
    assert told.value.message.code == "approval.link_adults"


def test_adult_text_is_refused_in_client_link(two: SandboxAgency) -> None:
    post_id, _ = waiting(two, "EXPLICIT-MARKER-A")
    with pytest.raises(Refused) as told:
        link(two, post_id)
    assert told.value.message.code == "approval.link_adults"


def test_media_rated_adult_later_is_hidden_and_blocks_client_approval(two: SandboxAgency) -> None:
    shots = two.photo(5, rating=Rating.S), two.photo(6)
    post_id, _ = waiting(two, media=shots)
    link_id = link(two, post_id)

    with two.scope() as scope:
        assert len(client_links.load_client_view(scope, post_id).files) == 2
        digest = assets.get_asset(scope, shots[1]).sha256
    with two.scope(f"member:{two.manager}") as scope:
        rate_and_answer(scope, digest, Rating.E, source=f"member:{two.manager}")
    with two.scope() as scope:
        found = client_links.load_client_view(scope, post_id)
    assert not found.whole
    assert digest not in found.files
    with pytest.raises(Refused) as told:
        answer(two, link_id)
    assert told.value.message.code == "client.not_whole"
    answer(two, link_id, yes=False, note="I cannot see it")


def test_client_link_is_invisible_to_another_agency(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    other = create_sandbox_agency(two.services, two.network, tiers=2)
    with pytest.raises(NotFound):
        link(other, post_id)
    for act in (
        lambda scope: client_links.load_client_link(scope, link_id, HERE),
        lambda scope: client_links.answer_client_link(scope, link_id, HERE, yes=True),
    ):
        with pytest.raises(NotFound), other.scope() as scope:
            act(scope)
    with other.scope() as scope:
        client_links.open_client_link(scope, link_id, "theirs")
        assert client_links.latest_client_link(scope, post_id) is None
        assert client_links.client_names(scope, [two.creator_id]) == {}
    assert stands(two, link_id) == "open"
    assert two.state(delivery_id) is DeliveryState.DRAFT


@pytest.mark.parametrize("typed", ["", "x", "a" * 44, "é" * 43, "A" * 43])
def test_invalid_client_token_finds_no_link(two: SandboxAgency, typed: str) -> None:
    assert client_links.find_client_link(two.services.tenant, typed) is None


def test_client_approval_alone_does_not_approve_post(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)
    two.act(decisions.withdraw_verdict, post_id, member_id=two.manager)
    answer(two, link_id)
    assert two.state(delivery_id) is DeliveryState.DRAFT
    two.approve(post_id)
    assert two.state(delivery_id) is DeliveryState.APPROVED


def test_failed_client_response_keeps_link_open(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two)
    link_id = link(two, post_id)

    def broken_off(scope: Scope) -> None:
        client_links.answer_client_link(scope, link_id, HERE, yes=True)
        raise Killed

    with pytest.raises(Killed), two.scope("system:web-client") as scope:
        broken_off(scope)
    assert (stands(two, link_id), two.state(delivery_id)) == ("open", DeliveryState.DRAFT)


def awaits(at: SandboxAgency, delivery_id: UUID) -> next_steps.NextStep:
    with at.scope() as scope:
        post_id = schedule_reads.post_id_of_delivery(scope, delivery_id)
        [entry] = schedule_reads.entries_of_post(
            scope, post_id, names=channel_reads.channel_names(scope)
        )
        return next_steps.next_step_of_delivery(scope, entry, at.services.connectors).next


def test_next_step_names_recipient_of_open_client_link(two: SandboxAgency) -> None:
    post_id, delivery_id = waiting(two, after=86400 * 30)
    assert awaits(two, delivery_id) == next_steps.NextStep("calendar.next.draft_no_second")
    link_id = link(two, post_id, opened=False)
    assert awaits(two, delivery_id) == next_steps.NextStep("calendar.next.draft_until", "Anna"), (
        "a link counts as an invited approver"
    )
    begin(two, link_id)
    assert awaits(two, delivery_id) == next_steps.NextStep("calendar.next.draft_until", "Anna")
    two.act(client_links.revoke_client_link, post_id)
    assert awaits(two, delivery_id) == next_steps.NextStep("calendar.next.draft_no_second")
    link(two, post_id)
    two.pass_time(days=7, seconds=1)
    assert awaits(two, delivery_id) == next_steps.NextStep("calendar.next.draft_no_second"), (
        "the link has expired"
    )
