"""Labels: unique names, assignment to posts, independence from approvals, isolation between
agencies, and the audit log."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import UUID

import pytest

from foundation.errors import BadInput, Conflict, GreenroomError, NotFound
from foundation.ids import uuid7
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries, labels
from schedules.posts.states import DeliveryState
from tenants import audit
from tenants.agencies import agencies
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from workers.wiring import Services


def named(lea: SandboxAgency, *names: str) -> list[UUID]:
    with lea.scope(f"member:{lea.author}") as scope:
        return [labels.create_label(scope, one, "blue") for one in names]


def names_of(lea: SandboxAgency, post_id: UUID) -> list[str]:
    with lea.scope() as scope:
        return [one.name for one in labels.labels_of_posts(scope, [post_id]).get(post_id, ())]


def acts(lea: SandboxAgency) -> list[tuple[str, object]]:
    """Return the action and name of each audit entry about labels, oldest first."""
    with lea.scope() as scope:
        found = [
            one for one in reversed(audit.list_recent_acts(scope)) if one.act.startswith("label.")
        ]
    return [(one.act.removeprefix("label."), one.details.get("name")) for one in found]


def test_label_does_not_affect_approval_or_publishing(
    lea: SandboxAgency,
) -> None:
    post_id = lea.write("hello")
    lea.wish(post_id, after=3600)
    lea.approve(post_id)
    lea.plan(post_id)
    (spring,) = named(lea, "Spring")
    with lea.scope(f"member:{lea.author}") as scope:
        before = deliveries.get_post(scope, post_id)
        stood = (before.digest, before.version)
        labels.set_post_labels(scope, post_id, [spring])
    with lea.scope() as scope:
        after = deliveries.get_post(scope, post_id)
        assert (after.digest, after.version) == stood
        assert [one.state for one in deliveries.deliveries_of_post(scope, post_id)] == [
            DeliveryState.SCHEDULED
        ]
    assert names_of(lea, post_id) == ["Spring"]
    lea.live(days=1)
    assert lea.texts() == ["hello"], "labels are not sent to the platform"


def test_audit_entries_outlive_deleted_label(lea: SandboxAgency) -> None:
    one, other = lea.write("one"), lea.write("two")
    spring, autumn = named(lea, "Spring", "Autumn")
    with lea.scope(f"member:{lea.author}") as scope:
        assert (
            labels.add_label_to_posts(scope, [one, other, one], spring, creators={lea.creator_id})
            == 2
        )
        assert (
            labels.add_label_to_posts(scope, [one, other], spring, creators={lea.creator_id}) == 0
        )
        labels.set_post_labels(scope, one, [spring, autumn])
        labels.update_label(scope, spring, name="Easter", colour="red")
        assert (
            labels.remove_label_from_posts(scope, [one, other], autumn, creators={lea.creator_id})
            == 1
        )
        assert labels.delete_label(scope, spring, creators={lea.creator_id}) == 2
        assert [found.name for found in labels.list_labels(scope)] == ["Autumn"]
    assert (names_of(lea, one), names_of(lea, other)) == ([], [])
    assert acts(lea) == [
        *(("named", name) for name in ("Spring", "Autumn")),
        *(("given", name) for name in ("Spring", "Spring", "Autumn")),
        *(("changed", "Easter"), ("taken", "Autumn"), ("removed", "Easter")),
    ]


@pytest.mark.parametrize(
    ("name", "colour", "code"),
    [
        ("  ", "red", "post_label.name_wrong"),
        ("x" * 41, "red", "post_label.name_wrong"),
        ("a\x00b", "red", "post_label.name_wrong"),
        ("a\u202eb", "red", "post_label.name_wrong"),
        ("fine", "#ff0000", "post_label.colour_unknown"),
        (" NOE\u0308L ", "red", "post_label.taken"),
    ],
)
def test_label_names_are_validated_and_unique(
    lea: SandboxAgency, name: str, colour: str, code: str
) -> None:
    named(lea, "No\u00ebl")
    with lea.scope() as scope, pytest.raises((BadInput, Conflict)) as refused:
        labels.create_label(scope, name, colour)
    assert refused.value.message.code == code


def test_numbers_of_labels_are_limited(lea: SandboxAgency) -> None:
    post_id = lea.write("hello")
    made = named(lea, *map(str, range(labels.MAX_LABELS)))
    with lea.scope() as scope, pytest.raises(BadInput, match="too_many"):
        labels.create_label(scope, "more", "red")
    few = made[: labels.MAX_LABELS_PER_POST]
    with lea.scope() as scope:
        labels.set_post_labels(scope, post_id, few)
        with pytest.raises(BadInput, match="too_many_of_post"):
            labels.add_label_to_posts(scope, [post_id], made[-1], creators={lea.creator_id})
        with pytest.raises(BadInput, match="too_many_of_post"):
            labels.set_post_labels(scope, post_id, [*few, made[-1]])
        with pytest.raises(BadInput, match="too_many_posts"):
            labels.add_label_to_posts(
                scope,
                [uuid7() for _ in range(labels.MAX_POSTS_PER_LABELLING + 1)],
                made[0],
                creators={lea.creator_id},
            )


def test_label_of_another_agency_is_not_found(
    lea: SandboxAgency, services: Services, sandbox: RunningSandbox
) -> None:
    theirs = create_sandbox_agency(services, sandbox)
    post_id = lea.write("hello")
    (foreign,) = named(theirs, "Theirs")
    (own,) = named(lea, "Theirs")
    for act in (
        lambda scope: labels.set_post_labels(scope, post_id, [own, foreign]),
        lambda scope: labels.add_label_to_posts(
            scope, [post_id], foreign, creators={lea.creator_id}
        ),
        lambda scope: labels.add_label_to_posts(
            scope, [theirs.write("x")], own, creators={lea.creator_id, theirs.creator_id}
        ),
        lambda scope: labels.update_label(scope, foreign, name="Mine", colour="red"),
        lambda scope: labels.delete_label(
            scope, foreign, creators={lea.creator_id, theirs.creator_id}
        ),
    ):
        with lea.scope() as scope, pytest.raises(NotFound):
            act(scope)
    assert names_of(lea, post_id) == []
    with lea.scope() as scope:
        assert not labels.filter_posts_with_label(scope, foreign, [post_id])
    with theirs.scope() as scope:
        assert [one.name for one in labels.list_labels(scope)] == ["Theirs"]


def test_label_on_posts_of_other_creators_cannot_be_deleted(lea: SandboxAgency) -> None:
    with lea.scope() as scope:
        mia = agencies.add_creator(
            scope, slug="mia", name="Mia", kind="virtual", zone="Europe/Paris", languages=["fr"]
        )
        hers = drafts.write_draft(
            scope,
            Draft(mia, "", "hers", (), ()),
            key=uuid7(),
            author="system:test",
            origin="dashboard",
        )
    (both,) = named(lea, "Both")
    with lea.scope() as scope:
        labels.set_post_labels(scope, hers, [both])
        with pytest.raises(Conflict, match="elsewhere"):
            labels.delete_label(scope, both, creators={lea.creator_id})
        for act in (labels.add_label_to_posts, labels.remove_label_from_posts):
            with pytest.raises(NotFound):
                act(scope, [hers], both, creators={lea.creator_id})
    assert names_of(lea, hers) == ["Both"]


def test_concurrent_assignment_and_deletion_leave_no_label(lea: SandboxAgency) -> None:
    for turn in range(6):
        post_id = lea.write(f"hello {turn}")
        (label_id,) = named(lea, f"Turn {turn}")

        def act(which: int, post_id: UUID = post_id, label_id: UUID = label_id) -> str:
            try:
                with lea.scope() as scope:
                    if which:
                        labels.set_post_labels(scope, post_id, [label_id])
                    else:
                        labels.delete_label(scope, label_id, creators={lea.creator_id})
            except GreenroomError as refused:
                return refused.message.code
            return ""

        with ThreadPoolExecutor(3) as people:
            said = list(people.map(act, (1, 0, 1)))
        assert said[1] == ""
        assert set(said) <= {"", "post_label.unknown"}
        assert names_of(lea, post_id) == []


def test_draft_gets_labels_once_and_rewrite_can_keep_them(lea: SandboxAgency) -> None:
    spring, autumn = named(lea, "Spring", "Autumn")
    draft = Draft(lea.creator_id, "", "hello", (), (), labels=(spring,))
    key = uuid7()
    with lea.scope() as scope:
        post_id = drafts.write_draft(scope, draft, key=key, author="system:test")
        labels.set_post_labels(scope, post_id, [])
        assert drafts.write_draft(scope, draft, key=key, author="system:test") == post_id
    assert names_of(lea, post_id) == [], "a repeated request assigns no labels"
    with lea.scope() as scope:
        drafts.rewrite_post(
            scope, post_id, replace(draft, body="new", labels=(autumn,)), author="system:test"
        )
        drafts.rewrite_post(
            scope, post_id, replace(draft, body="newer", labels=None), author="system:test"
        )
    assert names_of(lea, post_id) == ["Autumn"]
