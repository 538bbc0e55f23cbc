"""Mentions, permission to reply and hidden replies on the fake X.

https://docs.x.com/x-api/posts/timelines/introduction (the latest 800 mentions),
https://docs.x.com/x-api/posts/manage-tweets/introduction (an app may reply only to posts that
mention the account), https://docs.x.com/x-api/posts/hide-replies/quickstart (replies of others in
the account's conversations; hiding twice has no effect:
https://developer.x.com/en/docs/twitter-api/tweets/hide-replies/api-reference/put-tweets-id-hidden).
Unverified: the text and status when hiding is rejected, that a missing post returns the usual
error, and the order of names in a reply. Blocks are not covered:
https://docs.x.com/x-api/users/blocks/introduction
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.x.state import Json, Member, Post, Refusal, forbidden, invalid, not_found
from tests.fakes.x.uploads import SegmentedUploads

MOST_MENTIONS = 800
NOT_SUMMONED = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise "
    "engaged by the author"
    " of the post you are replying to."
)
NAMED = re.compile(r"@(\w{1,15})", re.ASCII)


def named_in(post: Post) -> list[str]:
    """Return the names in a post, starting with those that X adds to a reply."""
    return list(dict.fromkeys([*post.ahead, *NAMED.findall(post.text)]))


@dataclass
class Mentions(SegmentedUploads):
    """Posts and replies that mention accounts."""

    def publish(self, mine: Member, said: Mapping[str, Any]) -> Post:
        """Create a post. A reply mentions the author of its parent and the names in it, except its
        own author.

        Raise Refusal.
        """
        made = super().publish(mine, said)
        if made.parent is not None:
            author = self.members[made.parent.member].username
            names = dict.fromkeys([author, *named_in(made.parent)])
            made.ahead = [name for name in names if name != mine.username]
        return made

    def post(self, mine: Member, said: Mapping[str, Any]) -> Post:
        """Create a post as an app, which may reply only to posts that mention the account. Raise
        Refusal."""
        parent = self._parent(said)
        if (
            parent is not None
            and parent.member != mine.id
            and mine.username not in named_in(parent)
        ):
            raise forbidden(NOT_SUMMONED)
        return self.publish(mine, said)

    def mentions(self, mine: Member) -> list[Post]:
        """Return the posts that mention an account, up to the limit of X."""
        posts = [
            post
            for one in self.members.values()
            if one.state != "suspended"
            for post in one.posts.values()
        ]
        found = [post for post in posts if mine.username in named_in(post)]
        return sorted(found, key=lambda post: -int(post.id))[:MOST_MENTIONS]

    def hide(self, mine: Member, number: str, said: Mapping[str, Any]) -> Json:
        """Hide or show a reply in a conversation that the account started. Raise Refusal."""
        if not isinstance(said.get("hidden"), bool):
            raise invalid("$.hidden: boolean expected")
        found = self.seen(number)
        if found is None:
            raise Refusal(404, not_found("tweet", "id", number) | {"status": 404})
        root = found
        while root.parent is not None:
            root = root.parent
        if root.member != mine.id or found.member == mine.id:
            raise forbidden("You are not allowed to hide this Tweet.")
        found.hidden = said["hidden"]
        return {"data": {"hidden": found.hidden}}
