"""The requests to Reddit, written by praw.

praw knows the paths, the field names and the uploads of media. The answers are read in the other
modules: praw reduces a refusal to its text, has no time for a rate limit, and cannot read an inbox
of which only the IDs are stored. It is imported with the first request, so that a process that
sends nothing to Reddit does not load it.

Each `step` has the name, kind, headers and action of the request, without its content.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from connectors.contract.connector import Send, StepResult, WireStep
from connectors.shared.http_responses import quote_segment
from connectors.shared.sdk_codec import Failed, Plan, SdkBreach
from gate.contract.units import Medium

if TYPE_CHECKING:
    from praw import Reddit

    from connectors.platforms.reddit.client import Client

PAGE_SIZE = 100


def run_praw(
    plan: Plan,
    call: Callable[["Client"], object],
    answers: Sequence[StepResult] = (),
    media: Sequence[Medium] = (),
) -> Send | Failed | object:
    """Run a call of praw with the answers so far, and return its next request or its end."""
    from connectors.platforms.reddit import client  # noqa: PLC0415  see above

    return client.run_praw(plan, call, answers, media)


def write_reply(step: WireStep, parent: str, text: str) -> WireStep:
    """Return the request that replies to a post, a comment or a message."""
    return _write(step, lambda client: client.thing_of(parent).reply(text))


def write_edit(step: WireStep, native_id: str, text: str) -> WireStep:
    """Return the request that replaces the text of a post."""
    return _write(step, lambda client: client.thing_of(native_id).edit(text))


def write_deletion(step: WireStep, native_id: str) -> WireStep:
    """Return the request that deletes a post or a comment."""
    return _write(step, lambda client: client.thing_of(native_id).delete())


def write_block(step: WireStep, native_id: str) -> WireStep:
    """Return the request that blocks the author of a comment."""
    return _write(step, lambda client: client.thing_of(native_id).block())


def write_report(step: WireStep, native_id: str, reason: str) -> WireStep:
    """Return the request that reports a comment to the moderators."""
    return _write(step, lambda client: client.thing_of(native_id).report(reason))


def write_info(step: WireStep, names: str) -> WireStep:
    """Return the request for the things with these full names, separated by commas."""
    return _write(step, lambda client: next(client.reddit.info(fullnames=names.split(","))))


def write_posts_page(step: WireStep, user: str, after: str) -> WireStep:
    """Return the request for a page of a user's posts, newest first."""
    listing = (quote_segment(user), after)
    return _write_page(step, *listing, lambda reddit, who: reddit.redditor(who).submissions.new)


def write_comments_page(step: WireStep, user: str, after: str) -> WireStep:
    """Return the request for a page of a user's comments, newest first."""
    listing = (quote_segment(user), after)
    return _write_page(step, *listing, lambda reddit, who: reddit.redditor(who).comments.new)


def write_inbox_page(step: WireStep, after: str) -> WireStep:
    """Return the request for a page of the inbox."""
    return _write_page(step, "", after, lambda reddit, _: reddit.inbox.all)


def write_sent_page(step: WireStep, after: str) -> WireStep:
    """Return the request for a page of the sent messages."""
    return _write_page(step, "", after, lambda reddit, _: reddit.inbox.sent)


def write_whoami(step: WireStep) -> WireStep:
    """Return the request for the token's user."""
    return _write(step, lambda client: client.reddit.user.me())


def write_about(step: WireStep, community: str) -> WireStep:
    """Return the request for the settings of a community."""
    return _write(step, lambda client: client.reddit.subreddit(community).subscribers)


def write_rules(step: WireStep, community: str) -> WireStep:
    """Return the request for the rules of a community."""
    return _write(step, lambda client: list(client.reddit.subreddit(community).rules))


def write_requirements(step: WireStep, community: str) -> WireStep:
    """Return the request for the requirements that a community has for posts."""
    return _write(step, lambda client: client.reddit.subreddit(community).post_requirements())


def write_flairs(step: WireStep, community: str) -> WireStep:
    """Return the request for the flairs that posts in a community may have."""
    return _write(
        step, lambda client: list(client.reddit.subreddit(community).flair.link_templates)
    )


def _write(step: WireStep, call: Callable[["Client"], object]) -> WireStep:
    """Return the first request of a call of praw."""
    turn = run_praw(lambda _: step, call)
    if not isinstance(turn, Send):
        raise SdkBreach("praw sends no request")
    return turn.step


def _write_page(
    step: WireStep,
    user: str,
    after: str,
    listing: Callable[["Reddit", str], Callable[..., Iterator[object]]],
) -> WireStep:
    page: dict[str, Any] = {"limit": PAGE_SIZE, "params": {"after": after} if after else {}}
    return _write(step, lambda client: next(listing(client.reddit, user)(**page)))
