"""What people send beside words, as far as a platform says what it is; nothing of it is fetched."""

from typing import Literal

Shows = Literal["", "picture", "film", "sound", "file", "share", "story", "mention", "hidden", "more"]
"""A `story`: an answer to one of ours; a `mention`: a story of theirs that names us; `hidden`: what programs are not
shown; `more`: messages before this one that are not told any more."""
