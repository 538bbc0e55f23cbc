"""Pending decisions: every place that shows a number counts what the member may decide."""

from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schedules.approvals import decisions, pending_decisions, review_queue
from schedules.approvals.pending_decisions import PendingCounts
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.schedules.approvals.test_decisions import member
from tests.schedules.builders import ZONE, SandboxAgency

HOUR = 3600.0


def counted(at: SandboxAgency, member_id: UUID) -> PendingCounts:
    with at.scope(f"member:{member_id}") as scope:
        return pending_decisions.count_pending_decisions(
            scope, queries.get_member(scope, member_id)
        )


def other_creator(at: SandboxAgency, slug: str) -> None:
    with at.scope() as scope:
        agencies.add_creator(
            scope, slug=slug, name=slug.title(), kind="human", zone=ZONE, languages=["fr"]
        )


def test_author_and_members_of_other_creators_have_nothing_to_decide(lea: SandboxAgency) -> None:
    other_creator(lea, "nova")
    elsewhere = member(lea, creators=("nova",))
    chatter, guest = member(lea, Role.CHATTER), member(lea, Role.GUEST)
    lea.wish(lea.write(), after=HOUR)
    assert counted(lea, lea.manager) == PendingCounts(posts=1)
    for nothing in (lea.author, elsewhere, chatter, guest):
        assert counted(lea, nothing) == PendingCounts()


def test_posts_beyond_the_first_page_are_counted(lea: SandboxAgency) -> None:
    for number in range(65):
        lea.wish(lea.write(f"post {number}"), after=HOUR + number)
    assert counted(lea, lea.manager).posts == 65
    assert counted(lea, lea.author).posts == 0


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.sampled_from(["none", "yes", "no", "change", "withdrawn"]), max_size=4))
def test_count_of_a_member_is_the_number_of_posts_they_can_approve(
    lea: SandboxAgency, verdicts: list[str]
) -> None:
    deputy = member(lea)
    for verdict in verdicts:
        post_id = lea.write()
        lea.wish(post_id, after=HOUR)
        with lea.scope(f"member:{deputy}") as scope:
            if verdict in ("yes", "withdrawn"):
                decisions.approve_post(scope, post_id, member_id=deputy)
            if verdict == "withdrawn":
                decisions.withdraw_verdict(scope, post_id, member_id=deputy)
            if verdict == "no":
                decisions.reject_post(scope, post_id, member_id=deputy, note="no")
            if verdict == "change":
                decisions.request_changes(scope, post_id, member_id=deputy, note="no")
    for one in (lea.manager, lea.author, deputy):
        with lea.scope(f"member:{one}") as scope:
            who = queries.get_member(scope, one).principal_id
            able = [
                each
                for each in review_queue.list_review_queue(scope, [lea.creator_id], limit=1000)
                if each.can_be_approved_by(who)
            ]
        assert counted(lea, one).posts == len(able)


def test_total_is_the_sum_of_all_sections() -> None:
    found = PendingCounts(1, 2, 3, 4, 5, 6, 7)
    assert (found.posts, found.others, found.total) == (1, 27, 28)
