"""Notices of posts that are pending approval: one for each creator, renewed when the number grows,
and only informing."""

from foundation.ids import uuid7
from schedules.notices import review_requests
from schedules.publishing.events import SweepDue
from schedules.publishing.handlers import sweep_deliveries
from tenants.agencies import queries
from tenants.notices import member_notices
from tenants.notices.member_notices import MemberNotice
from tests.schedules.builders import SandboxAgency

DAYS = 3 * 86_400


def swept(at: SandboxAgency) -> list[MemberNotice]:
    """Run the sweep and return the notifications of the approver."""
    sweep_deliveries(SweepDue(at.tenant_id, uuid7()), tenant=at.services.tenant)
    with at.scope() as scope:
        found = member_notices.list_notifications(scope, queries.get_member(scope, at.manager))
    return [one for one in found if one.notice.cause.startswith(review_requests.CAUSE)]


def read(at: SandboxAgency) -> None:
    with at.scope(f"member:{at.manager}") as scope:
        member_notices.mark_all_read(scope, queries.get_member(scope, at.manager))


def test_pending_posts_are_one_item_that_is_unread_again_when_more_arrive(
    lea: SandboxAgency,
) -> None:
    first, second = lea.write("Bonjour"), lea.write("Bonsoir")
    lea.wish(first, after=DAYS)
    (one,) = swept(lea)
    assert (one.notice.message.code, one.kind.path) == ("approval.submitted_one", "/approvals")
    read(lea)
    assert [one.is_read for one in swept(lea)] == [True]
    lea.pass_time(seconds=1)
    lea.wish(second, after=DAYS)
    (one,) = swept(lea)
    assert (one.is_read, one.notice.message.params["count"], one.times) == (False, 2, 1)
    read(lea)
    lea.approve(first)
    (one,) = swept(lea)
    assert (one.is_read, one.notice.message.code) == (True, "approval.submitted_one")
    lea.approve(second)
    assert swept(lea) == []
    assert lea.notices() == {}
