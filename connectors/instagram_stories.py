"""Stories of an Instagram account: one picture or film without words, which Instagram takes away after a day. Pure.

Its container is made and published as a post's, and counts among the posts of a day. It stands in a list of its own;
its numbers are told while it is there. Nothing can be laid upon it, nobody comments it, and no request deletes it.
Source: https://developers.facebook.com/docs/instagram-platform/instagram-graph-api/reference/ig-user/media ("Story
Image Specifications", "Story Video Specifications") and /ig-user/stories
"""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors import instagram_listing, meta_wordless, options, showing
from connectors.answers import told_at
from connectors.capabilities import Format, Option
from connectors.contract import Answer, FileRef, Send, Sought, WireStep
from connectors.instagram_listing import posts_of, stories
from connectors.naming import UNREAD, Address, path_of
from connectors.outcomes import Absent, Found, Sighting
from foundation.words import Message
from gate.units import Setting, Unit

STORY = Option("story", "flag", default=options.NO)
MENTIONS = Option("mentions", "list", most=600, entries=20, pattern=r"[a-z0-9._]{1,30}", read=True, example="lea")
"""Who is told of it, and named to whoever looks; a place on the picture is not asked for."""

FORMAT = Format(showing.INSTAGRAM_STORY, max_bytes=100_000_000, film_seconds=(3, 60), hours=24)


def is_story(chosen: Sequence[Setting]) -> bool:
    """Whether what was chosen makes it one."""
    return any(one.name == STORY.name and one.values == (options.YES,) for one in chosen)


def unfit(unit: Unit) -> Message | None:
    """Why what was chosen does not go together: some of it is of stories alone, all else of posts."""
    story = is_story(unit.options)
    names = (one.name for one in unit.options if one.name != STORY.name)
    wrong = next((name for name in names if (name == MENTIONS.name) != story), "")
    code = "instagram.story_alone" if story else "instagram.of_stories"
    return Message(code, {"option": options.label(unit.platform, wrong)}) if wrong else None


def container(unit: Unit, *, made_by_a_model: bool) -> tuple[Mapping[str, Any], Mapping[str, FileRef]]:
    """What its container is made of: what is told, and the file they fetch. They take no description of one."""
    medium = unit.media[0]
    source = "video_url" if medium.mime.startswith("video/") else "image_url"
    said: dict[str, Any] = {"media_type": "STORIES", **({"is_ai_generated": True} if made_by_a_model else {})}
    if named := options.said(unit).items(MENTIONS.name):
        said["user_tags"] = [{"username": one} for one in named]
    return said, {source: FileRef(medium.sha256, medium.mime)}


def find(sought: Sought, answers: tuple[Answer, ...]) -> Send | Sighting:
    """Ask after its container, then read the stories there are: the only one of its kind since the attempt is it."""
    return meta_wordless.find(_NETWORK, sought, "", answers)


def is_at(address: Address) -> bool:
    """Whether an address is one of a story."""
    return _number_in(address.url) != ""


def named(address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
    """An address has a number instead of the story's id: the stories there are are read until one has it."""
    if not answers:
        return Send(stories(""))
    listed = posts_of(answers[-1])
    if listed is None:
        return UNREAD
    for one in listed:
        url = str(one.get("permalink", ""))
        if _number_in(url) == _number_in(address.url):
            return Found(str(one["id"]), url, told_at(one.get("timestamp")))
    further = instagram_listing.further(answers[-1])
    return Send(stories(further)) if further and len(answers) < instagram_listing.MOST_PAGES else Absent()


def _number_in(url: str) -> str:
    """The number in the address of a story, after its author; "" for none."""
    path = path_of(url, "instagram.com")
    return path[2] if len(path) > 2 and path[0] == "stories" else ""


def _page(sought: Sought, after: str) -> WireStep:
    return stories(after)


# Some accounts are told "story" as the caption of each: https://github.com/restfb/restfb/issues/1277. No field is read.
_NETWORK = meta_wordless.Network(
    "status_code", "", _page, posts_of, instagram_listing.further, instagram_listing.MOST_PAGES
)
