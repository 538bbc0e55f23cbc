"""Windows of texts that viewers see one after the other, because a term may be spread over them
letter by letter.

All messages of the agency to one reader on a platform form one window, regardless of the creator
and the account that sent them; the public posts of a creator form another. A window contains short
lines only, because full sentences between the pieces of a term prevent it from being read. The
short lines are stored with the permit of each post, after the first letter of its text: the first
letters of consecutive posts of a creator, and of an account, may spell a term as well.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from gate.contract.facts import TextWindow, parse_unit
from gate.contract.units import Unit
from gate.text import text_rating
from gate.text.text_rating import PIECE

CONTEXT_CHARACTERS = 2000
WINDOW_MESSAGES = 60
"""Number of messages or public posts that a window covers: sixty letters, if they are spread one by
one."""

WINDOW_PERMITS = 300
"""Number of permits that the public window is read from. A post uses one for each request and
account."""

MAX_SHORT_LINE = 24
"""Maximum number of characters of a short line: two words of a term."""

INITIAL_FIELD = ""
"""Stands in place of the field for the first letter of a post, which precedes its short lines."""

HAS_SHORT_LINE_SQL = "({lines} -> 0 ->> 0 <> '' OR {lines} -> 1 IS NOT NULL)"
"""SQL condition: not only the first letter of the post is stored."""

RECENT_SQL = """
  (SELECT jsonb_agg(jsonb_build_array(s.subject_id, s.unit) ORDER BY s.minted_at) FROM (
    SELECT p.subject_id, i.unit, p.minted_at FROM permits p
    JOIN decision_inputs i ON i.tenant_id = p.tenant_id AND i.id = p.decision_id
    WHERE p.tenant_id = :tenant AND p.platform = :platform AND p.viewer = :viewer
      AND p.viewer <> '' AND CAST(:viewer AS text) <> ''
      AND p.state = 'consumed' AND p.subject_id <> :subject ORDER BY p.minted_at DESC LIMIT
      :most) s) AS recent
"""
"""The latest messages of the agency on this platform to the reader, who has the same ID on all of
its accounts."""

_INITIALS_SQL = """(SELECT string_agg(s.letter, '' ORDER BY s.sent_at) FROM (
    SELECT (array_agg(p.letter ORDER BY p.minted_at))[1] AS letter, min(p.minted_at) AS sent_at
    FROM (
      SELECT p.subject_id, p.minted_at, p.short_lines -> 0 ->> 1 AS letter FROM permits p
      WHERE p.tenant_id = :tenant AND {whose} AND p.viewer = '' AND CAST(:viewer AS text) = ''
        AND p.short_lines -> 0 ->> 0 = '' AND p.state = 'consumed' AND p.subject_id <> :subject
      ORDER BY p.minted_at DESC LIMIT :permits) p
    GROUP BY p.subject_id ORDER BY sent_at DESC LIMIT :most) s)"""
PUBLIC_SQL = f"""
  (SELECT jsonb_agg(jsonb_build_array(s.subject_id, s.channel_id, s.short_lines)
      ORDER BY s.minted_at) FROM (
    SELECT p.subject_id, p.channel_id, p.short_lines, p.minted_at FROM permits p
    WHERE p.tenant_id = :tenant AND p.creator_id = :creator AND p.viewer = ''
      AND CAST(:viewer AS text) = ''
      AND {HAS_SHORT_LINE_SQL.format(lines="p.short_lines")} AND p.state = 'consumed'
      AND p.subject_id <> :subject
    ORDER BY p.minted_at DESC LIMIT :permits) s) AS public,
  jsonb_build_array({_INITIALS_SQL.format(whose="p.creator_id = :creator")},
    {_INITIALS_SQL.format(whose="p.channel_id = :channel")}) AS initials
"""  # noqa: S608 - only constants
"""The short lines of the creator's public posts on all accounts, and the first letters of the last
posts of the creator and of the account, oldest first."""


def window_params(unit: Unit) -> dict[str, object]:
    """Return the parameters of the two statements, except those that depend on the surface."""
    return {
        "creator": unit.creator_id,
        "channel": unit.channel_id,
        "most": WINDOW_MESSAGES,
        "permits": WINDOW_PERMITS,
    }


def stored_lines(unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return what the permit of a unit stores: the first letter of its text and its short lines."""
    if unit.viewer:
        return ()
    letter = text_rating.unit_initial(unit)
    return (*(((INITIAL_FIELD, letter),) if letter else ()), *short_lines(unit))


def short_lines(unit: Unit) -> tuple[tuple[str, str], ...]:
    """Return the field and text of every line of a unit that is short enough to be a piece of a
    term."""
    found: list[tuple[str, str]] = []
    for field, text in unit.texts_by_field.items():
        lines = (line.strip() for line in text.splitlines())
        found += [(field, line) for line in lines if _is_short(line)]
    return tuple(found)


def recent_texts(stored: Iterable[tuple[str, str]] | None) -> tuple[str, ...]:
    """Return the latest texts sent to a viewer, oldest first, without those of the subject itself
    and without service texts."""
    words = [shown for each in _sent_units(stored) for shown in each.visible_texts]
    kept: list[str] = []
    size = 0
    for shown in reversed(words):
        size += len(shown)
        if size > CONTEXT_CHARACTERS and kept:
            break
        kept.append(shown)
    return tuple(reversed(kept))


def windows_of_unit(
    unit: Unit,
    recent: Iterable[tuple[str, str]] | None,
    public: Iterable[tuple[str, str, Sequence[Sequence[str]]]] | None,
) -> tuple[TextWindow, ...]:
    """Return the short texts that viewers saw before the unit, from rows of the two statements."""
    return chat_windows(unit, recent) if unit.viewer else public_windows(unit, public)


def chat_windows(unit: Unit, stored: Iterable[tuple[str, str]] | None) -> tuple[TextWindow, ...]:
    """Return the texts sent to a viewer in each field of a message.

    Fields are separate because texts of other fields do not hide a term.
    """
    return _field_windows(unit, [short_lines(each) for each in _sent_units(stored)])


def public_windows(
    unit: Unit, stored: Iterable[tuple[str, str, Sequence[Sequence[str]]]] | None
) -> tuple[TextWindow, ...]:
    """Return the short lines of the creator's latest public posts, on all accounts and on the
    account of the unit. A post published to several accounts appears once."""
    posts: dict[str, tuple[UUID, list[tuple[str, str]]]] = {}
    for subject, channel, lines in stored or ():
        kept = [(field, line) for field, line in lines if field != INITIAL_FIELD]
        posts[subject] = (UUID(channel), kept)
    everywhere = list(posts.values())[-WINDOW_MESSAGES:]
    here = [one for one in posts.values() if one[0] == unit.channel_id][-WINDOW_MESSAGES:]
    found: dict[TextWindow, None] = {}
    for window in (everywhere, here):
        lines_of_posts = [lines for _, lines in window]
        every_line = tuple(line for lines in lines_of_posts for _, line in lines)
        if every_line:
            found[TextWindow("", every_line)] = None
        of_fields = _field_windows(unit, lines_of_posts)
        found |= dict.fromkeys(
            one for one in of_fields if one.field != _first_field(unit) or one.texts != every_line
        )
    return tuple(found)


def _first_field(unit: Unit) -> str:
    """Return the field that viewers see first. Its window equals that of all fields if no other
    field had short lines."""
    return next((field for field, text in unit.texts_by_field.items() if text), "")


def _is_short(line: str) -> bool:
    return 0 < len(line) <= MAX_SHORT_LINE and len(line.split()) <= PIECE


def _sent_units(stored: Iterable[tuple[str, str]] | None) -> list[Unit]:
    """Return the units that were sent, oldest first: one for each subject, that of its last
    request. Service texts are left out."""
    sent = {subject: parse_unit(unit) for subject, unit in stored or ()}
    return [each for each in sent.values() if not each.service]


def _field_windows(unit: Unit, sent: Sequence[Iterable[tuple[str, str]]]) -> tuple[TextWindow, ...]:
    """Return the first short line of each earlier text, by field, for the fields of the unit. Later
    lines of a text are left out, because a signature under every post is no piece of a term."""
    first: dict[str, list[str]] = {}
    for lines in sent:
        for field, line in dict(reversed(list(lines))).items():
            first.setdefault(field, []).append(line)
    own = [field for field, text in unit.texts_by_field.items() if text]
    return tuple(TextWindow(field, tuple(first[field])) for field in own if field in first)
