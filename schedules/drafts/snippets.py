"""Saved snippets of the composer: texts and sets of hashtags of one creator or of the agency.

A snippet is copied into a text when a member inserts it. Changing or deleting it changes no post.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, cast, get_args
from uuid import UUID

from sqlmodel import col, func, or_, select

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.i18n.visible_text import is_one_line
from schedules.drafts.models import SnippetRow
from schedules.posts.channel_overrides import MAX_BODY_LENGTH
from tenants.agencies import queries
from tenants.agencies.queries import Member

SnippetKind = Literal["text", "hashtags"]
SNIPPET_KINDS: tuple[SnippetKind, ...] = get_args(SnippetKind)

MAX_SNIPPETS = 200
"""Maximum number of snippets of an agency."""

MAX_SNIPPET_NAME_LENGTH = 60
MAX_SNIPPET_LENGTH = 5_000
"""Maximum length of a text in characters."""

MAX_SNIPPET_HASHTAGS = 60
MAX_HASHTAG_LENGTH = 100

_SEPARATOR = re.compile(r"[\s,;#＃]+")
_HASHTAG = re.compile(r"[\w·]+")
_HASHTAG_IN_TEXT = re.compile(r"[#＃]([\w·]+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Snippet:
    """A saved snippet; `creator_id` is None if all creators of the agency use it."""

    id: UUID
    creator_id: UUID | None
    kind: SnippetKind
    name: str
    text: str


def list_snippets(scope: Scope, creator_id: UUID) -> list[Snippet]:
    """Return the snippets of a creator and those of the agency, by name."""
    rows = scope.session.exec(
        select(SnippetRow)
        .where(
            SnippetRow.tenant_id == scope.tenant_id,
            or_(col(SnippetRow.creator_id).is_(None), SnippetRow.creator_id == creator_id),
        )
        .order_by(func.lower(SnippetRow.name), col(SnippetRow.id))
        .execution_options(populate_existing=True)
    )
    return [_snippet_from_row(row) for row in rows]


def save_snippet(
    scope: Scope,
    *,
    member_id: UUID,
    creator_id: UUID | None,
    kind: str,
    name: str,
    text: str,
    key: UUID,
) -> UUID:
    """Save a snippet of a creator, or of all creators, as a member; once per `key`. Return its ID.

    Raises BadInput for an invalid name or text, Conflict if the name is taken or the agency has too
    many snippets, NotFound for a creator of other members, and Refused for a snippet of all
    creators by a member who works for some of them.
    """
    _require_access(scope, creator_id, member_id)
    if kind not in SNIPPET_KINDS:
        raise BadInput("snippet.kind_wrong")
    called = _clean_name(name)
    cleaned = _clean_text(kind, text)
    # Concurrent calls could exceed the limit or use one name twice.
    scope.lock(f"{scope.tenant_id}:snippets")
    if scope.session.get(SnippetRow, (scope.tenant_id, key)) is not None:
        return key
    _require_free_name(scope, creator_id, called, other_than=None)
    count = select(func.count()).where(SnippetRow.tenant_id == scope.tenant_id)
    if scope.session.exec(count).one() >= MAX_SNIPPETS:
        raise Conflict("snippet.too_many", most=MAX_SNIPPETS)
    scope.add(
        SnippetRow(
            tenant_id=scope.tenant_id,
            id=key,
            creator_id=creator_id,
            kind=kind,
            name=called,
            text=cleaned,
        )
    )
    return key


def update_snippet(
    scope: Scope, snippet_id: UUID, *, member_id: UUID, name: str, text: str
) -> None:
    """Change the name and text of a snippet as a member.

    Raises NotFound, Refused as `save_snippet` does, and its other errors.
    """
    scope.lock(f"{scope.tenant_id}:snippets")
    row = _get_row(scope, snippet_id, member_id)
    called = _clean_name(name)
    cleaned = _clean_text(cast(SnippetKind, row.kind), text)
    _require_free_name(scope, row.creator_id, called, other_than=row.id)
    row.name = called
    row.text = cleaned
    scope.add(row)


def delete_snippet(scope: Scope, snippet_id: UUID, *, member_id: UUID) -> None:
    """Delete a snippet as a member. Raises NotFound, and Refused as `save_snippet` does."""
    scope.session.delete(_get_row(scope, snippet_id, member_id))
    scope.session.flush()


def insert_snippet(snippet: Snippet, text: str) -> str:
    """Return a text with a snippet at its end; pure.

    Hashtags that the text already contains are not repeated, whatever their case. A text that ends
    with the snippet is returned unchanged.
    """
    before = text.rstrip()
    added = snippet.text
    if snippet.kind == "hashtags":
        known = {_fold(one) for one in _HASHTAG_IN_TEXT.findall(before)}
        added = " ".join(one for one in added.split() if _fold(one.lstrip("#")) not in known)
    if not added or before.endswith(added):
        return text
    if not before:
        return added
    ends_with_hashtag = _HASHTAG_IN_TEXT.fullmatch(before.rsplit(maxsplit=1)[-1]) is not None
    separator = " " if snippet.kind == "hashtags" and ends_with_hashtag else "\n\n"
    return f"{before}{separator}{added}"[:MAX_BODY_LENGTH]


def parse_hashtags(text: str) -> list[str]:
    """Return the hashtags of a text without `#`, each once, in order; pure.

    They are separated by spaces, commas or `#`. Raises BadInput for one with other characters than
    letters, digits and underscores, and for too many.
    """
    found: dict[str, str] = {}
    for one in filter(None, _SEPARATOR.split(unicodedata.normalize("NFC", text))):
        if not _HASHTAG.fullmatch(one) or len(one) > MAX_HASHTAG_LENGTH:
            raise BadInput("snippet.hashtag_wrong", hashtag=one[:MAX_HASHTAG_LENGTH]).about("text")
        found.setdefault(_fold(one), one)
    if not found:
        raise BadInput("snippet.empty").about("text")
    if len(found) > MAX_SNIPPET_HASHTAGS:
        raise BadInput(
            "snippet.too_many_hashtags", count=len(found), most=MAX_SNIPPET_HASHTAGS
        ).about("text")
    return list(found.values())


def _fold(hashtag: str) -> str:
    return unicodedata.normalize("NFC", hashtag).casefold()


def _clean_name(name: str) -> str:
    found = " ".join(unicodedata.normalize("NFC", name).split())
    if not found or len(found) > MAX_SNIPPET_NAME_LENGTH or not is_one_line(found):
        raise BadInput("snippet.name_wrong", most=MAX_SNIPPET_NAME_LENGTH).about("name")
    return found


def _clean_text(kind: SnippetKind, text: str) -> str:
    """Return a text, or a set of hashtags as `#one #two`, in its stored form."""
    found = _CONTROL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if not found:
        raise BadInput("snippet.empty").about("text")
    if len(found) > MAX_SNIPPET_LENGTH:
        raise BadInput("snippet.too_long", count=len(found), most=MAX_SNIPPET_LENGTH).about("text")
    return " ".join(f"#{one}" for one in parse_hashtags(found)) if kind == "hashtags" else found


def can_share_snippets(member: Member) -> bool:
    """Return True if a member may save and change snippets of all creators."""
    return not member.creators


def _get_row(scope: Scope, snippet_id: UUID, member_id: UUID) -> SnippetRow:
    row = scope.session.get(SnippetRow, (scope.tenant_id, snippet_id))
    if row is None:
        raise NotFound("snippet.unknown")
    _require_access(scope, row.creator_id, member_id)
    return row


def _require_access(scope: Scope, creator_id: UUID | None, member_id: UUID) -> None:
    member = queries.get_member(scope, member_id)
    if creator_id is None and not can_share_snippets(member):
        raise Refused("snippet.shared_by_all")
    if creator_id is not None and not member.works_for(queries.get_creator(scope, creator_id).slug):
        raise NotFound("snippet.unknown")


def _require_free_name(
    scope: Scope, creator_id: UUID | None, name: str, *, other_than: UUID | None
) -> None:
    taken = select(SnippetRow.id).where(
        SnippetRow.tenant_id == scope.tenant_id,
        func.lower(SnippetRow.name) == func.lower(name),
        col(SnippetRow.creator_id).is_(None)
        if creator_id is None
        else SnippetRow.creator_id == creator_id,
    )
    if other_than is not None:
        taken = taken.where(SnippetRow.id != other_than)
    if scope.session.exec(taken).first() is not None:
        raise Conflict("snippet.name_taken", name=name)


def _snippet_from_row(row: SnippetRow) -> Snippet:
    return Snippet(row.id, row.creator_id, cast(SnippetKind, row.kind), row.name, row.text)
