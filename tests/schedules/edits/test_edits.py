"""Edits of live posts: approval, the gate's decision, the edit request, and its lookup."""

from dataclasses import replace
from uuid import UUID

import pytest

from channels.attempts import published_units
from foundation.errors import BadInput, Conflict
from foundation.i18n.translation import Message
from gate.contract.units import Reference, Subject
from gate.copies import copy_edits as gate_editing
from gate.copies import live_copies, post_references
from gate.log import subject_history
from gate.policy import emergency_stops
from gate.removal import recall
from schedules.approvals import decisions, review_queue
from schedules.posts import queries as post_reads
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.states import DeliveryState
from schedules.posts.thread_parts import ThreadPart
from schedules.publishing import edit_requests, post_removal
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.schedules.edits.edit_builders import (
    edit_live_post,
    get_edit_reason,
    get_edit_state,
    list_edit_visibility,
    list_edits,
    publish_post,
)


def test_approved_edit_is_published(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea, media=(lea.photo(),))
    asked = edit_live_post(lea, delivery_id, "new words", approve=False)
    assert (asked.changed, asked.not_there, asked.waiting) == (1, 0, ("Marc",))
    lea.run()
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("waiting", ["old words"])
    lea.approve(_post(lea, delivery_id))
    lea.run()
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("done", ["new words"])
    (post,) = lea.posts()
    assert (post["said_before"], len(post["media"])) == (["old words"], 1)
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    assert list_edit_visibility(lea, delivery_id) == [True]
    assert [one.outcome for one in lea.attempts(delivery_id, "edit")] == ["published"]


def test_edit_is_published_at_once_without_approval_policy(lea: SandboxAgency) -> None:
    mia = create_sandbox_agency(lea.services, lea.network, tiers=0)
    delivery_id = mia.delivery("old words")
    mia.run()
    assert edit_live_post(mia, delivery_id, "new words", approve=False).waiting == ()
    mia.run()
    assert mia.texts() == ["new words"]


def test_edit_changes_scheduled_delivery_and_needs_approval(lea: SandboxAgency) -> None:
    lea.connect("second")
    post_id = lea.write("old words")
    first, second = lea.wish(post_id), lea.wish(post_id, "second", after=600)
    lea.approve(post_id)
    lea.plan(post_id)
    lea.run()
    edit_live_post(lea, first, "new words", approve=False)
    assert lea.state(second) is DeliveryState.DRAFT
    lea.approve(post_id)
    lea.plan(post_id)
    lea.live(minutes=11)
    assert (lea.texts(), lea.texts("second")) == (["new words"], ["new words"])
    assert [one.outcome for one in lea.attempts(second, "edit")] == []


def test_edit_refused_by_gate_keeps_old_text(lea: SandboxAgency) -> None:
    """The gate judges the text when it is sent. After a refusal the old text stays live and members
    are notified."""
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words on https://nobody.example/registered")
    lea.run()
    assert get_edit_state(lea, delivery_id) == "refused"
    assert get_edit_reason(lea, delivery_id).startswith("gate.")
    assert lea.texts() == ["old words"]
    assert lea.notices()[f"edit:{delivery_id}"] == "edit.told_refused"
    assert lea.attempts(delivery_id, "edit") == []


def test_emergency_stop_delays_edit(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.act(
        emergency_stops.close_switch, "channel", str(lea.channels["main"]), "sending", reason="test"
    )
    lea.live(minutes=2)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("due", ["old words"])
    lea.act(
        emergency_stops.reopen_switch,
        "channel",
        str(lea.channels["main"]),
        "sending",
        reason="test",
    )
    lea.live(minutes=1)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("done", ["new words"])


@pytest.mark.parametrize(
    "mode", ["reset_after", "reset_before", "accept_then_hang", "status:503", "status:503_after"]
)
def test_edit_is_repeated_after_lost_response(lea: SandboxAgency, mode: str) -> None:
    """A repeated edit request with the same text has no further effect. Until the response arrives,
    the visible text is recorded as unknown."""
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault(mode, on="edits")
    lea.run()
    assert get_edit_state(lea, delivery_id) == "due"
    assert list_edit_visibility(lea, delivery_id) == [False]
    lea.live(minutes=3)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("done", ["new words"])
    assert list_edit_visibility(lea, delivery_id) == [True]
    assert lea.posts()[0]["said_before"] == ["old words"]


def test_edit_refused_by_platform_is_reported_and_not_repeated(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("refuse", on="edits")
    lea.live(minutes=10)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("refused", ["old words"])
    assert len(lea.asked(kind="edits")) == 1
    assert list_edit_visibility(lea, delivery_id) == []
    lea.act(edit_requests.retry_edit, delivery_id)
    lea.run()
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("done", ["new words"])
    assert f"edit:{delivery_id}" not in lea.notices()


def test_refusal_after_lost_response_makes_edit_uncertain(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("reset_after", on="edits")
    lea.fault("refuse", on="edits")
    lea.live(minutes=10)
    assert get_edit_state(lea, delivery_id) == "unsure"
    with pytest.raises(Conflict):
        lea.act(edit_requests.abandon_edit, delivery_id)
    lea.act(edit_requests.resolve_uncertain_edit, delivery_id, came=True, member_id=lea.manager)
    lea.run()
    assert get_edit_state(lea, delivery_id) == "done"
    assert list_edit_visibility(lea, delivery_id) == [True]


def test_uncertain_edit_can_be_resolved_as_not_applied(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("reset_before", on="edits")
    lea.fault("refuse", on="edits")
    lea.live(minutes=10)
    assert get_edit_state(lea, delivery_id) == "unsure"
    lea.act(edit_requests.resolve_uncertain_edit, delivery_id, came=False, member_id=lea.manager)
    lea.run()
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("refused", ["old words"])
    assert list_edit_visibility(lea, delivery_id) == []
    lea.act(edit_requests.abandon_edit, delivery_id)
    with lea.scope() as scope:
        assert post_reads.get_stored_post(scope, _post(lea, delivery_id)).body == "old words"
    assert get_edit_state(lea, delivery_id) == "dropped"


def test_later_edit_replaces_pending_edit(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "first")
    edit_live_post(lea, delivery_id, "second")
    lea.run()
    assert [one.state for one in list_edits(lea, delivery_id)] == ["dropped", "done"]
    assert [one.before["body"] for one in list_edits(lea, delivery_id)] == [
        "old words",
        "old words",
    ]
    edit_live_post(lea, delivery_id, "third")
    lea.run()
    assert lea.posts()[0]["said_before"] == ["old words", "second"]
    assert list_edit_visibility(lea, delivery_id) == [True]
    assert list_edits(lea, delivery_id)[-1].before["body"] == "second"


def test_next_edit_waits_until_lost_request_expires(lea: SandboxAgency) -> None:
    """Otherwise the older text could arrive late and replace the newer one."""
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "first")
    lea.fault("reset_before", on="edits")
    lea.run()
    edit_live_post(lea, delivery_id, "second")
    lea.live(seconds=40)
    assert (get_edit_state(lea, delivery_id), len(lea.asked(kind="edits"))) == ("due", 1)
    lea.live(minutes=1)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("done", ["second"])
    assert list_edit_visibility(lea, delivery_id) == [True]


def test_edit_back_to_live_text_sends_no_request(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words", approve=False)
    edit_live_post(lea, delivery_id, "old words", approve=False)
    lea.run()
    assert [one.state for one in list_edits(lea, delivery_id)] == ["dropped"]
    assert lea.asked(kind="edits") == []


def test_rejected_edit_is_not_published(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.act(decisions.reject_post, _post(lea, delivery_id), member_id=lea.manager, note="no")
    lea.live(minutes=1)
    assert (get_edit_state(lea, delivery_id), lea.texts()) == ("waiting", ["old words"])


def test_removed_post_is_not_edited(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.act(post_removal.request_post_removal, delivery_id)
    lea.run()
    assert (lea.state(delivery_id), get_edit_state(lea, delivery_id)) == (
        DeliveryState.REMOVED,
        "dropped",
    )
    assert lea.asked(kind="edits") == []
    with pytest.raises(Conflict):
        edit_live_post(lea, delivery_id, "again", approve=False)


def test_removal_covers_post_and_its_edits(lea: SandboxAgency) -> None:
    """One removal covers the live copy and its edits."""
    delivery_id = publish_post(lea, media=(lea.photo(),))
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    assert lea.act(post_removal.request_post_removal, delivery_id) == 1
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    assert list_edit_visibility(lea, delivery_id) == []
    with lea.scope() as scope:
        left = subject_history.list_permits(scope, Subject("delivery", delivery_id))
    assert all(one.gone_at is not None or one.step.startswith("stage") for one in left)


def test_recall_finds_edited_post_once(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea, media=(lea.photo(),))
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    with lea.scope() as scope:
        kept = [
            one
            for one in live_copies.list_consumed_permits(scope, Subject("delivery", delivery_id))
            if one.native_ids
        ]
        shown = live_copies.live_copies_of_bytes(scope, kept[0].media[0])
        assert [one.jti for one in shown if one.native_ids] == [kept[0].jti]
        said = published_units.published_unit(scope, lea.channels["main"], kept[0].native_ids[0])
    assert said is not None
    assert said.text_of("body") == "new words"


def test_reference_to_edited_post_uses_its_live_text(lea: SandboxAgency) -> None:
    """A post whose text is uncertain cannot be referenced."""
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("reset_after", on="edits")
    lea.run()
    assert _pointed_at(lea, delivery_id) == []
    lea.live(minutes=1)
    assert _pointed_at(lea, delivery_id) == [("new words",)]


def test_takedown_of_edit_removes_live_copy(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    with lea.scope() as scope:
        (copy,) = live_copies.list_copies(scope, Subject("delivery", delivery_id))
        (change,) = gate_editing.list_copy_edits(scope, copy.jti)
        changed = live_copies.find_copy(scope, change.jti)
        assert changed is not None
        assert recall.open_takedowns(scope, [changed], Message("recall.blocked")) == [copy.jti]
        assert recall.open_takedowns(scope, [copy], Message("recall.blocked")) == []
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED
    assert list_edit_visibility(lea, delivery_id) == []


def _pointed_at(lea: SandboxAgency, delivery_id: UUID) -> list[tuple[str, ...]]:
    with lea.scope() as scope:
        native_id = str(lea.entry(delivery_id).native_id)
        unit = published_units.published_unit(scope, lea.channels["main"], native_id)
        assert unit is not None
        pointing = replace(unit, references=(Reference("quote", native_id),))
        return [one.texts for one in post_references.resolve_references(scope, pointing)]


def test_edit_of_externally_deleted_post_is_refused(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    lea.network.api("DELETE", lea.accounts["main"], f"posts/{lea.entry(delivery_id).native_id}")
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    assert (get_edit_state(lea, delivery_id), get_edit_reason(lea, delivery_id)) == (
        "refused",
        "connectors.edit_gone",
    )


def test_invalid_edit_request_is_refused(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    with pytest.raises(BadInput, match="same_words"):
        edit_live_post(lea, delivery_id, "old words", approve=False)
    with pytest.raises(BadInput, match="empty"):
        edit_live_post(lea, delivery_id, " ", approve=False)
    with pytest.raises(Conflict, match="nowhere"):
        edit_live_post(lea, delivery_id, "new words", approve=False, able=frozenset())
    unsent = lea.delivery("later", after=600)
    with pytest.raises(Conflict, match="nothing_stands"):
        edit_live_post(lea, unsent, "sooner", approve=False)


def test_edit_is_refused_if_channel_has_override(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea, others=(ChannelOverride("sandbox", body="said otherwise"),))
    with pytest.raises(Conflict, match="own_words"):
        edit_live_post(lea, delivery_id, "new words", approve=False)
    with lea.scope() as scope:
        assert post_reads.get_stored_post(scope, _post(lea, delivery_id)).body == "old words"


def test_pending_edit_is_in_review_queue(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words", approve=False)
    with lea.scope() as scope:
        assert [one.post_id for one in review_queue.list_review_queue(scope, [lea.creator_id])] == [
            _post(lea, delivery_id)
        ]
    lea.approve(_post(lea, delivery_id))
    with lea.scope() as scope:
        assert review_queue.list_review_queue(scope, [lea.creator_id]) == []


def test_edit_changes_first_part_of_thread_only(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea, parts=(ThreadPart("second part", ()),))
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    assert get_edit_state(lea, delivery_id) == "done"
    assert lea.texts() == ["new words", "second part"]
    assert lea.act(post_removal.request_post_removal, delivery_id) >= 2
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.REMOVED


def test_edits_are_invisible_to_another_agency(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    mia = create_sandbox_agency(lea.services, lea.network)
    assert list_edits(mia, delivery_id) == []


def _post(lea: SandboxAgency, delivery_id: UUID) -> UUID:
    with lea.scope() as scope:
        return post_reads.post_id_of_delivery(scope, delivery_id)


def test_sweep_finds_edit_without_outbox_row(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    with lea.scope() as scope:
        scope.run(
            "DELETE FROM outbox WHERE tenant_id = :tenant AND kind = 'delivery.edit'",
            tenant=lea.tenant_id,
        )
    route = lea.routes.by_kind["delivery.sweep"]
    route.handler(route.event(lea.tenant_id, lea.tenant_id))
    lea.run()
    assert get_edit_state(lea, delivery_id) == "done"


def test_rate_limited_edit_waits(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("status:429", on="edits", retry_after=90)
    lea.run()
    assert (get_edit_state(lea, delivery_id), list_edit_visibility(lea, delivery_id)) == ("due", [])
    lea.live(seconds=80)
    assert len(lea.asked(kind="edits")) == 1
    lea.live(minutes=2)
    assert get_edit_state(lea, delivery_id) == "done"


def test_edit_becomes_uncertain_after_a_day_of_failures(lea: SandboxAgency) -> None:
    delivery_id = publish_post(lea)
    edit_live_post(lea, delivery_id, "new words")
    lea.fault("status:503", on="edits", times=2000)
    lea.fault("status:503", on="lookups", times=2000)
    lea.run()
    lea.pass_time(hours=25)
    lea.live(minutes=5)
    assert get_edit_state(lea, delivery_id) == "unsure"
    assert lea.notices()[f"edit:{delivery_id}"] == "edit.told_unsure"


def test_edit_with_other_flags_is_refused(lea: SandboxAgency) -> None:
    """An edit cannot change the flags sent with the post; a removal and a new post can."""
    delivery_id = publish_post(lea)
    with lea.scope() as scope:
        scope.run(
            "UPDATE posts SET text_ai = 'generated' WHERE tenant_id = :tenant", tenant=lea.tenant_id
        )
    edit_live_post(lea, delivery_id, "new words")
    lea.run()
    assert (get_edit_state(lea, delivery_id), get_edit_reason(lea, delivery_id)) == (
        "refused",
        "edit.other_marks",
    )
    assert lea.texts() == ["old words"]
