"""Labels of posts: named groups of an agency, such as campaigns or themes.

A label is never sent to a platform. It is stored apart from the post: adding one changes neither
digest nor version, and no approval is requested again. The audit log records every change under the
name that the label had at the time, also after the label is deleted.
"""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import col, delete, func, select
from sqlmodel.sql.expression import SelectOfScalar

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.visible_text import is_one_line
from foundation.ids import derived_uuid, uuid7
from schedules.posts.models import LabelRow, Post, PostLabel
from tenants import audit

COLOURS = ("grey", "red", "orange", "green", "blue", "purple")
"""Colours of labels, shown together with the name. Their texts are `post_label.colour.<name>`."""

MAX_LABEL_NAME_LENGTH = 40
MAX_LABELS = 200
"""Maximum number of labels of one agency."""

MAX_LABELS_PER_POST = 20
MAX_POSTS_PER_LABELLING = 200
"""Maximum number of posts in one bulk change."""


@dataclass(frozen=True)
class Label:
    """A label for display."""

    id: UUID
    name: str
    colour: str


def _label_from_row(row: LabelRow) -> Label:
    return Label(row.id, row.name, row.colour)


def clean_label_name(name: str) -> str:
    """Return a name in its stored form: one line, NFC.

    Raises BadInput if it is empty or too long.
    """
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if not found or len(found) > MAX_LABEL_NAME_LENGTH or not is_one_line(found):
        raise BadInput("post_label.name_wrong", most=MAX_LABEL_NAME_LENGTH).about("name")
    return found


def fold_label_name(name: str) -> str:
    """Return the form by which two names are compared."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def list_labels(scope: Scope) -> list[Label]:
    """Return the labels of the agency, by name."""
    rows = scope.session.exec(
        select(LabelRow)
        .where(LabelRow.tenant_id == scope.tenant_id)
        .order_by(col(LabelRow.folded))
        .execution_options(populate_existing=True)
    )
    return [_label_from_row(row) for row in rows]


def get_label(scope: Scope, label_id: UUID) -> Label:
    """Return a label.

    Raises NotFound, also for a label of another tenant.
    """
    return _label_from_row(_get_label_row(scope, label_id))


def lock_label(scope: Scope, label_id: UUID) -> Label:
    """Return a label locked until the transaction ends. Raises NotFound."""
    # Before the row lock, as in every function that changes labels: another order could deadlock.
    scope.lock(f"{scope.tenant_id}:labels")
    return _label_from_row(_get_label_row(scope, label_id, lock=True))


def _get_label_row(scope: Scope, label_id: UUID, *, lock: bool = False) -> LabelRow:
    query = select(LabelRow).where(LabelRow.tenant_id == scope.tenant_id, LabelRow.id == label_id)
    query = query.with_for_update() if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("post_label.unknown")
    return row


def create_label(scope: Scope, name: str, colour: str) -> UUID:
    """Create a label and return its ID.

    Raises BadInput for an invalid name or colour or too many labels, and Conflict if the name
    exists, ignoring case.
    """
    name = clean_label_name(name)
    _check_colour(colour)
    # Concurrent calls could exceed the limit or create one name twice.
    scope.lock(f"{scope.tenant_id}:labels")
    if (
        scope.session.exec(
            select(func.count()).where(col(LabelRow.tenant_id) == scope.tenant_id)
        ).one()
        >= MAX_LABELS
    ):
        raise BadInput("post_label.too_many", most=MAX_LABELS)
    _check_name_unused(scope, name)
    row = LabelRow(
        tenant_id=scope.tenant_id,
        id=uuid7(),
        name=name,
        folded=fold_label_name(name),
        colour=colour,
    )
    scope.add(row)
    audit.record(scope, "label.named", f"label:{row.id}", name=name)
    return row.id


def update_label(scope: Scope, label_id: UUID, *, name: str, colour: str) -> None:
    """Change the name or colour of a label. Raises the same errors as `create_label`, and
    NotFound."""
    name = clean_label_name(name)
    _check_colour(colour)
    scope.lock(f"{scope.tenant_id}:labels")
    row = _get_label_row(scope, label_id, lock=True)
    _check_name_unused(scope, name, but=label_id)
    if (row.name, row.colour) == (name, colour):
        return
    audit.record(scope, "label.changed", f"label:{label_id}", before=row.name, name=name)
    row.name = name
    row.folded = fold_label_name(name)
    row.colour = colour
    scope.add(row)


def _check_colour(colour: str) -> None:
    if colour not in COLOURS:
        raise BadInput("post_label.colour_unknown", colours=", ".join(COLOURS))


def _check_name_unused(scope: Scope, name: str, *, but: UUID | None = None) -> None:
    same = select(LabelRow.id).where(
        LabelRow.tenant_id == scope.tenant_id, LabelRow.folded == fold_label_name(name)
    )
    if scope.session.exec(same).first() not in (None, but):
        raise Conflict("post_label.taken", name=name)


def delete_label(scope: Scope, label_id: UUID, *, creators: Collection[UUID]) -> int:
    """Delete a label, remove it from every post and return how many posts had it.

    The audit log keeps its history. Raises NotFound, and Conflict if a post of a creator outside
    `creators` has it.
    """
    # A concurrent change that adds the label finishes first; a later one finds no label.
    row = _get_label_row(scope, label_id, lock=True)
    of_label = (col(PostLabel.tenant_id) == scope.tenant_id, col(PostLabel.label_id) == label_id)
    theirs = (
        select(PostLabel.id)
        .where(*of_label, col(PostLabel.creator_id).not_in(list(creators)))
        .limit(1)
    )
    if scope.session.exec(theirs).first() is not None:
        raise Conflict("post_label.elsewhere", name=row.name)
    posts = scope.session.exec(delete(PostLabel).where(*of_label)).rowcount
    audit.record(scope, "label.removed", f"label:{label_id}", name=row.name, posts=posts)
    scope.session.delete(row)
    scope.session.flush()
    return int(posts)


def labels_of_posts(scope: Scope, posts: Collection[UUID]) -> dict[UUID, tuple[Label, ...]]:
    """Return the labels of each of these posts, by name; posts without labels are absent."""
    rows = scope.session.exec(
        select(PostLabel.post_id, LabelRow)
        .join(
            LabelRow,
            (col(LabelRow.tenant_id) == scope.tenant_id)
            & (col(LabelRow.id) == col(PostLabel.label_id)),
        )
        .where(
            PostLabel.tenant_id == scope.tenant_id, col(PostLabel.post_id) == func.any(list(posts))
        )
        .order_by(col(LabelRow.folded))
        .execution_options(populate_existing=True)
    )
    found: dict[UUID, tuple[Label, ...]] = {}
    for post_id, row in rows:
        found[post_id] = (*found.get(post_id, ()), _label_from_row(row))
    return found


def label_ids_of_post(scope: Scope, post_id: UUID) -> tuple[UUID, ...]:
    """Return the IDs of the labels of a post, to copy them to another version of it."""
    return tuple(one.id for one in labels_of_posts(scope, [post_id]).get(post_id, ()))


def posts_with_label_query(scope: Scope, label_id: UUID) -> SelectOfScalar[UUID]:
    """Return a subquery of the posts that have a label. Raises NotFound for an unknown label."""
    _get_label_row(scope, label_id)
    return select(PostLabel.post_id).where(
        PostLabel.tenant_id == scope.tenant_id, PostLabel.label_id == label_id
    )


def filter_posts_with_label(
    scope: Scope, label_id: UUID, posts: Collection[UUID]
) -> frozenset[UUID]:
    """Return the given posts that have a label; no post has an unknown or deleted label."""
    rows = scope.session.exec(
        select(PostLabel.post_id).where(
            PostLabel.tenant_id == scope.tenant_id,
            PostLabel.label_id == label_id,
            col(PostLabel.post_id) == func.any(list(posts)),
        )
    )
    return frozenset(rows)


def set_post_labels(scope: Scope, post_id: UUID, wanted: Iterable[UUID]) -> None:
    """Replace the labels of a post. Approvals stay valid.

    Raises BadInput for too many labels, NotFound for an unknown post or label.
    """
    chosen = set(wanted)
    owner = scope.session.get(Post, (scope.tenant_id, post_id))
    if owner is None:
        raise NotFound("post.unknown")
    held = _lock_labels(scope, chosen)
    if len(chosen) > MAX_LABELS_PER_POST:
        raise BadInput("post_label.too_many_of_post", most=MAX_LABELS_PER_POST)
    before = {one.id: one for one in labels_of_posts(scope, [post_id]).get(post_id, ())}
    for label_id in sorted(chosen - before.keys()):
        _insert_post_labels(scope, held[label_id], {post_id: owner.creator_id})
    for label_id in sorted(before.keys() - chosen):
        _delete_post_labels(scope, before[label_id], [post_id])


def add_label_to_posts(
    scope: Scope, posts: Sequence[UUID], label_id: UUID, *, creators: Collection[UUID]
) -> int:
    """Add a label to several posts of these creators and return how many did not have it.

    Raises BadInput for too many posts or too many labels of one post, NotFound for a post of
    another creator.
    """
    held = _lock_labels(scope, [label_id])[label_id]
    owners = _load_creators_by_post(scope, posts, creators)
    has = labels_of_posts(scope, list(owners))
    fresh = {
        one: creator
        for one, creator in owners.items()
        if label_id not in {x.id for x in has.get(one, ())}
    }
    if any(len(has.get(one, ())) >= MAX_LABELS_PER_POST for one in fresh):
        raise BadInput("post_label.too_many_of_post", most=MAX_LABELS_PER_POST)
    return _insert_post_labels(scope, held, fresh)


def remove_label_from_posts(
    scope: Scope, posts: Sequence[UUID], label_id: UUID, *, creators: Collection[UUID]
) -> int:
    """Remove a label from several posts of these creators and return how many had it.

    Raises the same errors as `add_label_to_posts`.
    """
    held = _lock_labels(scope, [label_id])[label_id]
    owners = _load_creators_by_post(scope, posts, creators)
    had = filter_posts_with_label(scope, label_id, list(owners))
    return _delete_post_labels(scope, held, sorted(had))


def build_label_rows(
    scope: Scope, wanted: Mapping[UUID, tuple[UUID, Sequence[UUID]]], *, file: str
) -> list[dict[str, object]]:
    """Return the rows that add labels to the new posts of an import file.

    `wanted` maps each post to its creator and labels. The audit log gets one entry for each label.
    Raises NotFound if a label was deleted in the meantime.
    """
    counts = Counter(one for _, chosen in wanted.values() for one in chosen)
    for label_id, one in _lock_labels(scope, counts).items():
        audit.record(scope, "label.given_by_file", file, name=one.name, posts=counts[label_id])
    return [
        {
            "id": derived_uuid(post_id, label_id),
            "creator_id": creator_id,
            "post_id": post_id,
            "label_id": label_id,
        }
        for post_id, (creator_id, chosen) in wanted.items()
        for label_id in chosen
    ]


def _lock_labels(scope: Scope, wanted: Collection[UUID]) -> dict[UUID, Label]:
    """Lock labels against deletion until the transaction ends, in the order of their IDs.

    Raises NotFound.
    """
    rows = scope.session.exec(
        select(LabelRow)
        .where(LabelRow.tenant_id == scope.tenant_id, col(LabelRow.id).in_(list(wanted)))
        .order_by(col(LabelRow.id))
        # FOR KEY SHARE: callers do not block each other, but a deletion waits.
        .with_for_update(read=True, key_share=True)
        .execution_options(populate_existing=True)
    )
    found = {row.id: _label_from_row(row) for row in rows}
    if len(found) < len(set(wanted)):
        raise NotFound("post_label.unknown")
    return found


def _load_creators_by_post(
    scope: Scope, posts: Sequence[UUID], creators: Collection[UUID]
) -> dict[UUID, UUID]:
    """Return the creator of each post.

    Raises BadInput for too many posts, and NotFound for a post of another creator.
    """
    if len(posts) > MAX_POSTS_PER_LABELLING:
        raise BadInput("post_label.too_many_posts", most=MAX_POSTS_PER_LABELLING)
    rows = scope.session.exec(
        select(Post.id, Post.creator_id).where(
            Post.tenant_id == scope.tenant_id,
            col(Post.id).in_(list(posts)),
            col(Post.creator_id).in_(list(creators)),
        )
    ).all()
    found = dict(rows)
    if len(found) < len(set(posts)):
        raise NotFound("post.unknown")
    return found


def _insert_post_labels(scope: Scope, one: Label, posts: Mapping[UUID, UUID]) -> int:
    """Add a label to posts (mapped to their creators), with an audit entry for each new one."""
    given = 0
    for post_id, creator_id in sorted(posts.items()):
        row = {
            "tenant_id": scope.tenant_id,
            "id": derived_uuid(post_id, one.id),
            "creator_id": creator_id,
        }
        statement = (
            insert(PostLabel)
            .values(**row, post_id=post_id, label_id=one.id)
            .on_conflict_do_nothing()
        )
        # Of two concurrent calls, only the one that inserts the row counts it.
        if scope.session.exec(statement).rowcount:
            given += 1
            audit.record(scope, "label.given", f"post:{post_id}", name=one.name)
    return given


def _delete_post_labels(scope: Scope, one: Label, posts: Sequence[UUID]) -> int:
    rows = scope.session.exec(
        delete(PostLabel)
        .where(
            col(PostLabel.tenant_id) == scope.tenant_id,
            col(PostLabel.label_id) == one.id,
            col(PostLabel.post_id).in_(list(posts)),
        )
        .returning(col(PostLabel.post_id))
    )
    taken = sorted(post_id for (post_id,) in rows)
    for post_id in taken:
        audit.record(scope, "label.taken", f"post:{post_id}", name=one.name)
    return len(taken)
