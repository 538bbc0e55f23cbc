"""Labels of posts: what an agency calls those that belong together, and which post has which.

A label never reaches a platform: nothing of what is approved changes by one. So it stands beside
the post, giving one changes neither its digest nor its version, and no yes is asked for again.
Every giving and taking is in the audit under the name the label had, and stays there when the label
goes.
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
"""Beside its name, never instead of it: `post_label.colour.<name>` says each."""

MAX_LABEL_NAME_LENGTH = 40
MAX_LABELS = 200
"""Labels of an agency."""

MAX_LABELS_PER_POST = 20
MAX_POSTS_PER_LABELLING = 200
"""Posts of one gesture."""


@dataclass(frozen=True)
class Label:
    """A label as people see it."""

    id: UUID
    name: str
    colour: str


def _label_from_row(row: LabelRow) -> Label:
    return Label(row.id, row.name, row.colour)


def clean_label_name(name: str) -> str:
    """A name as it is kept: on one line, letters composed. Raises BadInput for none, and for too
    long a one."""
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if not found or len(found) > MAX_LABEL_NAME_LENGTH or not is_one_line(found):
        raise BadInput("post_label.name_wrong", most=MAX_LABEL_NAME_LENGTH)
    return found


def fold_label_name(name: str) -> str:
    """What two names are the same by."""
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def list_labels(scope: Scope) -> list[Label]:
    """The labels of the agency, by name."""
    rows = scope.session.exec(
        select(LabelRow)
        .where(LabelRow.tenant_id == scope.tenant_id)
        .order_by(col(LabelRow.folded))
        .execution_options(populate_existing=True)
    )
    return [_label_from_row(row) for row in rows]


def get_label(scope: Scope, label_id: UUID) -> Label:
    """One label. Raises NotFound; another tenant's looks the same."""
    return _label_from_row(_get_label_row(scope, label_id))


def lock_label(scope: Scope, label_id: UUID) -> Label:
    """The same, as nobody else changes it until this transaction ends. Raises NotFound."""
    scope.lock(f"{scope.tenant_id}:labels")  # before its row, as whoever changes one
    return _label_from_row(_get_label_row(scope, label_id, lock=True))


def _get_label_row(scope: Scope, label_id: UUID, *, lock: bool = False) -> LabelRow:
    query = select(LabelRow).where(LabelRow.tenant_id == scope.tenant_id, LabelRow.id == label_id)
    query = query.with_for_update() if lock else query
    row = scope.session.exec(query.execution_options(populate_existing=True)).first()
    if row is None:
        raise NotFound("post_label.unknown")
    return row


def create_label(scope: Scope, name: str, colour: str) -> UUID:
    """Name a label. Raises BadInput for a name, a colour or a number of labels that cannot be,
    Conflict for a name that is there already, without regard to case."""
    name = clean_label_name(name)
    _check_colour(colour)
    scope.lock(
        f"{scope.tenant_id}:labels"
    )  # two at once would make one too many, or one name twice
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
    """Give a label another name or colour; posts that have it keep it. Raises as `make` does, and
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
    """Take a label off every post, and away; how many posts had it. What was done with it stays in
    the audit.

    Raises NotFound, and Conflict where posts of others than these creators have it.
    """
    row = _get_label_row(
        scope, label_id, lock=True
    )  # whoever gives it just now is waited for, and then finds none
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
    """The labels of each of these posts, by name; those without any are absent."""
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
    """The labels of a post, by id: what a further version of it is given too."""
    return tuple(one.id for one in labels_of_posts(scope, [post_id]).get(post_id, ()))


def posts_with_label_query(scope: Scope, label_id: UUID) -> SelectOfScalar[UUID]:
    """The posts that have a label, as part of a statement. Raises NotFound for one nobody has."""
    _get_label_row(scope, label_id)
    return select(PostLabel.post_id).where(
        PostLabel.tenant_id == scope.tenant_id, PostLabel.label_id == label_id
    )


def filter_posts_with_label(
    scope: Scope, label_id: UUID, posts: Collection[UUID]
) -> frozenset[UUID]:
    """Those of these posts that have a label; none of a label nobody has (any more)."""
    rows = scope.session.exec(
        select(PostLabel.post_id).where(
            PostLabel.tenant_id == scope.tenant_id,
            PostLabel.label_id == label_id,
            col(PostLabel.post_id) == func.any(list(posts)),
        )
    )
    return frozenset(rows)


def set_post_labels(scope: Scope, post_id: UUID, wanted: Iterable[UUID]) -> None:
    """Let a post have these labels and no others. Raises BadInput for too many, NotFound for a post
    or a label that is not here; nothing of what is approved changes by it."""
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
    """Give several posts of these creators a label; how many had it not. Raises BadInput for too
    many posts, or for too many labels of one of them; NotFound for a post of others."""
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
    """Take a label off several posts of these creators; how many had it. Raises as `give` does."""
    held = _lock_labels(scope, [label_id])[label_id]
    owners = _load_creators_by_post(scope, posts, creators)
    had = filter_posts_with_label(scope, label_id, list(owners))
    return _delete_post_labels(scope, held, sorted(had))


def build_label_rows(
    scope: Scope, wanted: Mapping[UUID, tuple[UUID, Sequence[UUID]]], *, file: str
) -> list[dict[str, object]]:
    """Rows that give the new posts of a file (by id, each with its creator) their labels, for many
    in one statement. The audit has one entry for each label of the file. Raises NotFound for a
    label that went meanwhile."""
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
    """These labels, kept from being removed until this transaction ends, in one order. Raises
    NotFound."""
    rows = scope.session.exec(
        select(LabelRow)
        .where(LabelRow.tenant_id == scope.tenant_id, col(LabelRow.id).in_(list(wanted)))
        .order_by(col(LabelRow.id))
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
    """Whose each of these posts is. Raises BadInput for too many, NotFound for one of others."""
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
    """Give posts (each with its creator) a label; each that is new to it stands in the audit."""
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
        if scope.session.exec(statement).rowcount:  # two at once give it once
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
