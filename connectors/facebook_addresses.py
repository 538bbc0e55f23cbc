"""Where posts of a Page stand, and what an address calls them. Pure."""

from connectors.facebook_answers import is_post
from connectors.naming import asked, path_of


def address_of(native_id: str) -> str:
    """Where a post stands."""
    return f"https://www.facebook.com/{native_id}"


def number_in(url: str) -> str:
    """What an address calls a post, or the picture or film that it shows; "" for none."""
    path = path_of(url, "facebook.com")
    told = next(filter(None, (asked(url, name) for name in ("story_fbid", "fbid", "v"))), "") if path else ""
    below = any(one in ("posts", "permalink", "videos", "reel", "photos") for one in path[:-1])
    last = path[-1] if path and (below or (len(path) == 1 and is_post(path[0]))) else ""
    return told or last
