"""Look-ups of pictures without text, identified by the platform's IDs of their files.

Each file is uploaded for one post only, so a post with one of our files is ours. A post from the
same time, without text and with the same number of other files, is inconclusive and does not prove
absence, because a platform may have changed the IDs.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from connectors.contract.connector import LookupQuery
from connectors.contract.outcomes import Unknown
from foundation.i18n.translation import Message
from gate.contract.units import Medium

PostJson = Mapping[str, Any]

OTHER_MEDIA = Unknown(Message("connectors.other_pictures"))


def has_no_text(sought: LookupQuery) -> bool:
    """Return True if the post has media and neither text nor title."""
    return bool(sought.media) and not (sought.text.strip() or sought.title.strip())


def media_ids_of(sought: LookupQuery, ids: Callable[[Medium], Set[str]]) -> Set[str]:
    """Return the platform's IDs of all files, by `ids` of each; empty if those of any file are
    unknown."""
    named = [ids(medium) for medium in sought.media]
    return set().union(*named) if all(named) else set()


def find_by_media(
    posts: Iterable[PostJson],
    sought: LookupQuery,
    files: Set[str],
    *,
    number: Callable[[PostJson], str],
    shows: Callable[[PostJson], Set[str]],
    says: Callable[[PostJson], object],
) -> PostJson | Unknown | None:
    """Return the oldest of `posts` (newest first) with one of `files`, Unknown if one is only
    similar, or None. Copies of other subjects are ignored."""
    others = [post for post in posts if number(post) not in sought.known]
    ours = next((post for post in reversed(others) if shows(post) & files), None)
    if ours is not None:
        return ours
    return (
        OTHER_MEDIA
        if any(is_query_match(sought, says(post), shows(post)) for post in others)
        else None
    )


def is_query_match(sought: LookupQuery, words: object, files: Set[str]) -> bool:
    """Return True if a post with this text and these files also has no text, and has the same
    number of files or no known files."""
    return not str(words or "").strip() and len(files) in {
        0,
        len({medium.sha256 for medium in sought.media}),
    }
