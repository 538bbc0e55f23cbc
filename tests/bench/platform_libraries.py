"""Posts by programs without Greenroom: the usual library of each platform, signed in, on a
kept-alive connection."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager

import praw
import requests
import tweepy  # type: ignore[import-untyped]  # ships no types
from atproto import Client
from mastodon import Mastodon
from telegram import Bot

from connectors.platforms.reddit.account import parse_account
from tests.bench.fake_platforms import PlatformAccount
from tests.fakes.mastodon.responses import VERSION
from tests.fakes.reddit.client import AGENT
from tests.fakes.x.client import FakeRoutingAdapter

Post = Callable[[str], object]


@contextmanager
def _tweepy(place: PlatformAccount) -> Iterator[Post]:
    client = tweepy.Client(place.token)
    with closing(client.session):
        client.session.mount("https://api.twitter.com", FakeRoutingAdapter(place.url))
        yield lambda text: client.create_tweet(text=text, user_auth=False)


@contextmanager
def _telegram(place: PlatformAccount) -> Iterator[Post]:
    """Use one event loop, as a running bot does. Starting the loop is not measured; passing it one
    post is."""
    bot = Bot(place.token, base_url=f"{place.url}/bot")
    with asyncio.Runner() as runner:
        runner.run(bot.initialize())
        yield lambda text: runner.run(bot.send_message(place.destination, text))
        runner.run(bot.shutdown())


@contextmanager
def _mastodon(place: PlatformAccount) -> Iterator[Post]:
    with requests.Session() as session:
        api = Mastodon(
            access_token=place.token,
            api_base_url=place.url,
            mastodon_version=VERSION,
            version_check_mode="created",
            ratelimit_method="throw",
            session=session,
        )
        yield api.status_post


@contextmanager
def _atproto(place: PlatformAccount) -> Iterator[Post]:
    client = Client()
    with closing(client.request):
        client.login(
            session_string=":::".join(
                (place.name, place.account, place.token, place.refresh, place.url)
            )
        )
        yield client.send_post


@contextmanager
def _praw(place: PlatformAccount) -> Iterator[Post]:
    with requests.Session() as session:
        made = praw.Reddit(
            client_id="bench",
            client_secret=None,
            user_agent=AGENT,
            reddit_url=place.url,
            oauth_url=place.url,
            check_for_updates=False,
            requestor_kwargs={"session": session},
        )
        made.auth.implicit(access_token=place.token, expires_in=86_400, scope="*")
        community = made.subreddit(parse_account(place.account).community)
        yield lambda text: community.submit(place.title, selftext=text)


LIBRARIES: Mapping[str, tuple[str, Callable[[PlatformAccount], AbstractContextManager[Post]]]] = {
    "x": ("tweepy", _tweepy),
    "telegram": ("python-telegram-bot", _telegram),
    "mastodon": ("Mastodon.py", _mastodon),
    "bluesky": ("atproto", _atproto),
    "reddit": ("praw", _praw),
}
"""The name of each platform's library, and a context that yields its function to post."""
