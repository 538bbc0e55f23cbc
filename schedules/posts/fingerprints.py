"""Fingerprints of posts, which are used to find repeated posts. They cover every version of a
post."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, or_, select

from foundation.db.database import Scope
from foundation.ids import uuid7
from schedules.posts import channel_overrides, text_similarity
from schedules.posts.channel_overrides import ChannelOverride, PostContent
from schedules.posts.models import Post, PostFingerprint
from schedules.posts.text_similarity import Fingerprint, FingerprintMark

AT_ONCE = 2_000
"""Maximum number of posts whose fingerprints are stored in one statement or backfilled in one call.
"""


@dataclass(frozen=True)
class PostMarks:
    """A post that has no fingerprints yet, with its marks."""

    creator_id: UUID
    post_id: UUID
    marks: Sequence[FingerprintMark]


def list_content_variants(
    said: PostContent, others: Sequence[ChannelOverride]
) -> Iterator[PostContent]:
    """Yield every version of a post: the post itself, each override, and each account on each
    platform."""
    places = [one for one in others if not _is_account(one.place)]
    accounts = [one for one in others if _is_account(one.place)]
    versions = [said, *(channel_overrides.apply_override(said, one) for one in places)]
    yield from versions
    # The platform of an account is not known here, so its override is combined with every version.
    for one in accounts:
        yield from (channel_overrides.apply_override(version, one) for version in versions)


def _is_account(place: str) -> bool:
    try:
        UUID(place)
    except ValueError:
        return False
    return True


def marks_of_fingerprints(said: Iterable[Fingerprint]) -> list[FingerprintMark]:
    """Return the index marks of these fingerprints, each once."""
    return list(dict.fromkeys(mark for one in said for mark in text_similarity.index_marks(one)))


def store_fingerprints(scope: Scope, owner: Post) -> None:
    """Replace the fingerprints of a post."""
    scope.run(
        "DELETE FROM post_prints WHERE tenant_id = :tenant AND post_id = :post",
        tenant=scope.tenant_id,
        post=owner.id,
    )
    store_new_fingerprints(scope, [owner])


_KEEP = """
INSERT INTO post_prints (tenant_id, id, creator_id, post_id, mark, kind, letters, created_at,
updated_at)
SELECT :tenant, one.*, house.now, house.now
FROM (SELECT house_now() AS now OFFSET 0) house, unnest(CAST(:ids AS uuid[]), CAST(:creators AS
uuid[]),
  CAST(:posts AS uuid[]), CAST(:marks AS bigint[]), CAST(:kinds AS text[]), CAST(:letters AS
  bigint[])) one
"""
"""Inserts fingerprints. `house_now()` is called once in a subquery; calling it for both columns of
fifty thousand rows took a tenth of the time of an import."""


def store_new_fingerprints(scope: Scope, owners: Sequence[Post]) -> None:
    """Store the fingerprints of posts that have none yet."""
    for start in range(0, len(owners), AT_ONCE):
        store_marks(
            scope,
            [
                PostMarks(one.creator_id, one.id, _build_post_marks(one))
                for one in owners[start : start + AT_ONCE]
            ],
        )


def _build_post_marks(owner: Post) -> list[FingerprintMark]:
    said = list_content_variants(
        channel_overrides.base_content(owner), channel_overrides.overrides_of_post(owner)
    )
    return marks_of_fingerprints(map(text_similarity.fingerprint_content, said))


def store_marks(scope: Scope, posts: Iterable[PostMarks]) -> None:
    """Store marks that are already computed, in one statement."""
    rows = [
        (creator, post, mark)
        for creator, post, marks in (
            (str(one.creator_id), str(one.post_id), one.marks) for one in posts
        )
        for mark in marks
    ]
    if rows:
        scope.run(
            _KEEP,
            tenant=scope.tenant_id,
            ids=[str(uuid7()) for _ in rows],
            creators=[creator for creator, _, _ in rows],
            posts=[post for _, post, _ in rows],
            marks=[mark.mark for _, _, mark in rows],
            kinds=[str(mark.kind) for _, _, mark in rows],
            letters=[mark.letters for _, _, mark in rows],
        )


def backfill_fingerprints(scope: Scope, *, most: int = AT_ONCE) -> int:
    """Store missing fingerprints of posts, newest first, and return the number of posts."""
    printed = select(PostFingerprint.id).where(
        PostFingerprint.tenant_id == Post.tenant_id, PostFingerprint.post_id == Post.id
    )
    shows = or_(col(Post.body) != "", col(Post.title) != "", col(Post.media) != [])
    rows = scope.session.exec(
        select(Post)
        .where(Post.tenant_id == scope.tenant_id, shows, ~printed.exists())
        .order_by(col(Post.created_at).desc(), col(Post.id))
        .limit(most)
    ).all()
    store_new_fingerprints(scope, rows)
    return len(rows)
