"""Saved views of Analytics: the parameters of an address under a name, for one member or shared
with the agency. They contain no data, so opening one shows what the reader may see."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.visible_text import is_one_line
from insights.workspace.models import SavedViewRow
from tenants.agencies import queries
from tenants.agencies.rights import Right, has_right

MAX_VIEW_NAME_LENGTH = 60
MAX_SAVED_VIEWS = 50
"""Maximum number of saved views of a member."""
MAX_PARAMETERS = 20
_NAME = re.compile(r"[a-z_]{1,30}")
_VALUE = re.compile(r"[\w.:-]{1,80}")


@dataclass(frozen=True)
class SavedView:
    """A saved view. `can_delete` is True if the reader may delete it."""

    id: UUID
    name: str
    parameters: Mapping[str, str]
    is_shared: bool
    can_delete: bool


def save_view(
    scope: Scope,
    *,
    member_id: UUID,
    name: str,
    parameters: Mapping[str, str],
    is_shared: bool,
    key: UUID,
) -> UUID:
    """Save a view as a member, once per `key`, and return its ID. A view of the member with this
    name is replaced.

    Raises BadInput for an invalid name or parameters, and Conflict for too many views.
    """
    called = " ".join(unicodedata.normalize("NFC", name).split())
    if not called or len(called) > MAX_VIEW_NAME_LENGTH or not is_one_line(called):
        raise BadInput("saved_view.name_wrong", most=MAX_VIEW_NAME_LENGTH).about("name")
    if len(parameters) > MAX_PARAMETERS or not all(
        _NAME.fullmatch(one) and _VALUE.fullmatch(value) for one, value in parameters.items()
    ):
        raise BadInput("saved_view.parameters_wrong")
    queries.get_member(scope, member_id)
    scope.lock(f"{scope.tenant_id}:{member_id}:saved_views")
    mine = select(SavedViewRow).where(
        SavedViewRow.tenant_id == scope.tenant_id, SavedViewRow.member_id == member_id
    )
    rows = scope.session.exec(mine.execution_options(populate_existing=True)).all()
    if any(row.id == key for row in rows):
        return key
    row = next((row for row in rows if row.name.casefold() == called.casefold()), None)
    if row is None:
        if len(rows) >= MAX_SAVED_VIEWS:
            raise Conflict("saved_view.too_many", most=MAX_SAVED_VIEWS)
        row = SavedViewRow(tenant_id=scope.tenant_id, id=key, member_id=member_id, name=called)
    row.name = called
    row.parameters = dict(parameters)
    row.is_shared = is_shared
    scope.add(row)
    return row.id


def delete_view(scope: Scope, view_id: UUID, *, member_id: UUID) -> None:
    """Delete a saved view as a member: one's own, or a shared one with the right to manage members.

    Raises NotFound for any other.
    """
    row = scope.session.get(SavedViewRow, (scope.tenant_id, view_id))
    if row is None or not (
        row.member_id == member_id
        or (row.is_shared and has_right(queries.get_member(scope, member_id).role, Right.STAFF))
    ):
        raise NotFound("saved_view.unknown")
    scope.session.delete(row)
    scope.session.flush()


def get_view(scope: Scope, view_id: UUID, *, member_id: UUID) -> SavedView:
    """Return a view that a member sees. Raises NotFound."""
    found = next((one for one in list_views(scope, member_id) if one.id == view_id), None)
    if found is None:
        raise NotFound("saved_view.unknown")
    return found


def list_views(scope: Scope, member_id: UUID) -> list[SavedView]:
    """Return the views of a member and those that others share, by name."""
    manages = has_right(queries.get_member(scope, member_id).role, Right.STAFF)
    rows = scope.session.exec(
        select(SavedViewRow)
        .where(
            SavedViewRow.tenant_id == scope.tenant_id,
            or_(SavedViewRow.member_id == member_id, col(SavedViewRow.is_shared)),
        )
        .order_by(func.lower(SavedViewRow.name), col(SavedViewRow.id))
        .execution_options(populate_existing=True)
    )
    return [
        SavedView(
            row.id, row.name, row.parameters, row.is_shared, row.member_id == member_id or manages
        )
        for row in rows
    ]
