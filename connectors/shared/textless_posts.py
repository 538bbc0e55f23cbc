"""Posts that are pictures without words, told from others by what the platform calls the files they
show. Pure.

Each file is uploaded for one post alone, so what shows one of ours is ours. A post of the time
sought that is as wordless and shows as many others is a doubt, never proof of absence: a platform
may have other names for our files.
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
    """Whether what is sought says nothing, and shows something."""
    return bool(sought.media) and not (sought.text.strip() or sought.title.strip())


def media_ids_of(sought: LookupQuery, ids: Callable[[Medium], Set[str]]) -> Set[str]:
    """What the platform called the files, by `ids` of each; nothing where one of them is not
    known."""
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
    """The oldest of `posts`, newest first, that shows one of `files`; Unknown where one is merely
    like it; None where none is. Copies of other subjects are left out."""
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
    """Whether a post that says and shows this is as wordless and shows as many, or does not tell
    what it shows."""
    return not str(words or "").strip() and len(files) in {
        0,
        len({medium.sha256 for medium in sought.media}),
    }
