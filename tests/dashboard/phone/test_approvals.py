"""Approvals on a phone: cards of pending posts, verdicts by form, and one count on all pages."""

import re
from uuid import UUID

import httpx
import pytest

from foundation.i18n.translation import Message, render_message
from foundation.ids import uuid7
from schedules.approvals import pending_decisions
from schedules.posts.states import DeliveryState
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tests.dashboard.phone.conftest import add_member, paired
from tests.dashboard.streamlit_client import stream
from tests.schedules.builders import SandboxAgency

HOUR = 3600.0


def word(code: str, **params: str | int) -> str:
    return render_message(Message(code, params), "fr")


def field(page: str, post_id: UUID, name: str) -> str:
    card = page[page.index(f'data-to="/phone/approvals/{post_id}"') :]
    found = re.search(f'name="{name}" value="([^"]+)"', card)
    assert found is not None
    return found[1]


def decide(
    phone: httpx.Client, post_id: UUID, verdict: str, page: str, **more: str
) -> httpx.Response:
    given = {name: field(page, post_id, name) for name in ("key", "digest")}
    return phone.post(f"/phone/approvals/{post_id}", data={**given, "verdict": verdict, **more})


def test_swiped_post_is_approved_once_and_can_be_undone(lea: SandboxAgency, address: str) -> None:
    post_id = lea.write("Le phare <b>ce soir</b>")
    delivery_id = lea.wish(post_id, after=HOUR)
    with paired(lea, address) as phone:
        assert word("home.to_approve_one") in phone.get("/phone").text
        page = phone.get("/phone/approvals").text
        assert "Le phare &lt;b&gt;ce soir" in page
        for _ in range(2):  # the response of the first press was lost
            answer = decide(phone, post_id, "yes", page)
            assert (answer.status_code, answer.headers["location"]) == (303, "/phone/approvals")
        assert lea.state(delivery_id) is DeliveryState.SCHEDULED
        assert word("phone.approvals_none") in phone.get("/phone/approvals").text
        undo = {"verdict": "undo", "key": str(uuid7())}
        assert phone.post(f"/phone/approvals/{post_id}", data=undo).status_code == 303
        assert lea.state(delivery_id) is DeliveryState.DRAFT
        assert "Le phare" in phone.get("/phone/approvals").text


def test_rejection_needs_a_comment_and_keeps_what_was_typed(
    lea: SandboxAgency, address: str
) -> None:
    post_id, other = lea.write("Premier"), lea.write("Second")
    first, second = lea.wish(post_id, after=HOUR), lea.wish(other, after=2 * HOUR)
    with paired(lea, address) as phone:
        page = phone.get("/phone/approvals").text
        refused = decide(phone, post_id, "change", page, why="picture", note="  ")
        assert refused.status_code == 422
        assert word("approval.no_words") in refused.text
        assert '<option value="picture" selected>' in refused.text
        assert decide(phone, post_id, "change", page, why="picture", note="autre").is_redirect
        assert decide(phone, other, "no", page, why="taste", note="jamais").is_redirect
        stale = phone.post(
            f"/phone/approvals/{other}", data={"verdict": "yes", "key": str(uuid7())}
        )
        assert stale.status_code == 409
        assert word("approvals.settled_meanwhile") in stale.text
    assert lea.state(first) is DeliveryState.DRAFT
    assert lea.state(second) is DeliveryState.CANCELLED


def test_changed_post_is_not_approved_unread(lea: SandboxAgency, address: str) -> None:
    post_id = lea.write("Avant")
    delivery_id = lea.wish(post_id, after=HOUR)
    with paired(lea, address) as phone:
        answer = phone.post(
            f"/phone/approvals/{post_id}",
            data={"verdict": "yes", "key": str(uuid7()), "digest": "0" * 64},
        )
        assert answer.status_code == 409
        assert word("post.changed_meanwhile") in answer.text
    assert lea.state(delivery_id) is DeliveryState.DRAFT


def test_unrated_image_is_revealed_before_the_approval(lea: SandboxAgency, address: str) -> None:
    post_id = lea.write("Photo", media=(lea.photo(1, rating=None),))
    delivery_id = lea.wish(post_id, after=HOUR)
    with paired(lea, address) as phone:
        page = phone.get("/phone/approvals").text
        assert word("approvals.look_first") in page
        assert decide(phone, post_id, "yes", page).status_code == 409
        shown = phone.post(f"/phone/approvals/{post_id}/reveal").text
        assert "clear=" in shown
        assert decide(phone, post_id, "yes", shown).status_code == 303
    assert lea.state(delivery_id) is not DeliveryState.DRAFT


@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT])
def test_members_without_the_right_cannot_approve(
    lea: SandboxAgency, address: str, role: Role
) -> None:
    post_id = lea.write()
    delivery_id = lea.wish(post_id, after=HOUR)
    with paired(lea, address, add_member(lea, role)) as phone:
        assert "/phone/approvals" not in phone.get("/phone").text
        assert phone.get("/phone/approvals").status_code == 409
        answer = phone.post(
            f"/phone/approvals/{post_id}", data={"verdict": "yes", "key": str(uuid7())}
        )
        assert answer.status_code == 409
    assert lea.state(delivery_id) is DeliveryState.DRAFT


def test_menu_home_approvals_and_phone_show_the_same_numbers(
    lea: SandboxAgency, address: str
) -> None:
    for number in range(3):
        lea.wish(lea.write(f"Publication {number}"), after=HOUR + number)
    deputy = add_member(lea, Role.MANAGER)
    with lea.scope() as scope:
        members = {one: queries.get_member(scope, one) for one in (lea.manager, lea.author, deputy)}
        expected = {
            one: pending_decisions.count_pending_decisions(scope, member).posts
            for one, member in members.items()
        }
    assert sorted(expected.values()) == [0, 3, 3]
    for member_id, count in expected.items():
        with paired(lea, address, member_id) as phone:
            listed = phone.get("/phone/approvals").text.count("<article")
            cookie = "; ".join(f"{name}={value}" for name, value in phone.cookies.items())
            with stream(address, cookie) as page:
                home, approvals = page.open("/"), page.open("/approvals")
        assert listed == count
        total = word("approvals.counted", what=word("dashboard.page.approvals"), count=count)
        posts = word("approvals.counted", what=word("approvals.posts"), count=count)
        assert (total in home) == (word("home.to_approve", count=count) in home) == bool(count)
        assert posts in approvals
