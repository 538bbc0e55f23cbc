"""Posts that are pictures without words, told from others by what the platform calls the files they show. Pure.

Each file is uploaded for one post alone, so what shows one of ours is ours. A post of the time sought that is as
wordless and shows as many others is a doubt, never proof of absence: a platform may have other names for our files.
"""

from collections.abc import Callable, Iterable, Mapping, Set
from typing import Any

from connectors.contract import Sought
from connectors.outcomes import Unknown
from foundation.words import Message
from gate.units import Medium

Post = Mapping[str, Any]

DOUBT = Unknown(Message("connectors.other_pictures"))


def is_wordless(sought: Sought) -> bool:
    """Whether what is sought says nothing, and shows something."""
    return bool(sought.media) and not (sought.text.strip() or sought.title.strip())


def files_of(sought: Sought, ids: Callable[[Medium], Set[str]]) -> Set[str]:
    """What the platform called the files, by `ids` of each; nothing where one of them is not known."""
    named = [ids(medium) for medium in sought.media]
    return set().union(*named) if all(named) else set()


def among(
    posts: Iterable[Post],
    sought: Sought,
    files: Set[str],
    *,
    number: Callable[[Post], str],
    shows: Callable[[Post], Set[str]],
    says: Callable[[Post], object],
) -> Post | Unknown | None:
    """The oldest of `posts`, newest first, that shows one of `files`; Unknown where one is merely like it; None where
    none is. Copies of other subjects are left out."""
    others = [post for post in posts if number(post) not in sought.known]
    ours = next((post for post in reversed(others) if shows(post) & files), None)
    if ours is not None:
        return ours
    return DOUBT if any(is_like(sought, says(post), shows(post)) for post in others) else None


def is_like(sought: Sought, words: object, files: Set[str]) -> bool:
    """Whether a post that says and shows this is as wordless and shows as many, or does not tell what it shows."""
    return not str(words or "").strip() and len(files) in {0, len({medium.sha256 for medium in sought.media})}
