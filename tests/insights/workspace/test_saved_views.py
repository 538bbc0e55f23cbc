"""Saved views and annotations: one's own, shared with the agency, never of other members."""

from datetime import timedelta

import pytest

from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from insights.workspace import annotations, saved_views
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency


def test_views_are_private_until_shared_and_replaced_by_name(lumiere: Agency) -> None:
    manager, accountant = (lumiere.members[one] for one in (Role.MANAGER, Role.ACCOUNTANT))

    def save(name: str, *, view: str, is_shared: bool) -> None:
        with lumiere.scope() as scope:
            saved_views.save_view(
                scope,
                member_id=manager,
                name=name,
                parameters={"view": view},
                is_shared=is_shared,
                key=uuid7(),
            )

    save("Monday", view="overview", is_shared=False)
    save("Launch", view="content", is_shared=True)
    save("  monday ", view="channels", is_shared=False)
    with lumiere.scope() as scope:
        mine = saved_views.list_views(scope, manager)
        theirs = saved_views.list_views(scope, accountant)
    assert [(one.name, one.parameters["view"]) for one in mine] == [
        ("Launch", "content"),
        ("monday", "channels"),
    ]
    assert [(one.name, one.can_delete) for one in theirs] == [("Launch", False)]
    with lumiere.scope() as scope, pytest.raises(NotFound):
        saved_views.delete_view(scope, theirs[0].id, member_id=accountant)
    with lumiere.scope() as scope:
        saved_views.delete_view(scope, theirs[0].id, member_id=lumiere.members[Role.OWNER])
        assert saved_views.list_views(scope, accountant) == []


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("", {}), ("x\u202ey", {}), ("a" * 61, {}), ("a", {"V": "x"}), ("a", {"view": "<b>"})],
)
def test_invalid_views_are_refused(lumiere: Agency, name: str, parameters: dict[str, str]) -> None:
    with lumiere.scope() as scope, pytest.raises(BadInput):
        saved_views.save_view(
            scope,
            member_id=lumiere.members[Role.MANAGER],
            name=name,
            parameters=parameters,
            is_shared=False,
            key=uuid7(),
        )


def test_annotations_of_all_creators_need_access_to_all(lumiere: Agency) -> None:
    member, key = lumiere.members[Role.MANAGER], uuid7()
    with lumiere.scope() as scope:
        today = scope.now.date()
        said = {"member_id": member, "day": today}
        for _ in range(2):  # the press is repeated
            annotations.add_annotation(scope, **said, creator_id=None, text=" New  price ", key=key)
        annotations.add_annotation(
            scope, **said, creator_id=lumiere.creator_id, text="Launch", key=uuid7()
        )
        with pytest.raises(BadInput):
            annotations.add_annotation(scope, **said, creator_id=None, text="a\x07b", key=uuid7())
        scope.run("""UPDATE members SET creators = '["mia"]' WHERE id = :m""", m=member)
    with lumiere.scope() as scope:
        found = annotations.list_annotations(scope, [lumiere.creator_id], today, today)
        assert {one.text for one in found} == {"New price", "Launch"}
        assert len(annotations.list_annotations(scope, [uuid7()], today, today)) == 1
        later = today + timedelta(days=1)
        assert annotations.list_annotations(scope, [lumiere.creator_id], later, later) == []
        with pytest.raises(Refused):
            annotations.delete_annotation(scope, key, member_id=member)
