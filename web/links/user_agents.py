"""Classification of user agents: people with a browser, or machines (bots, link previews, scripts).

The list of bots comes from crawler-user-agents. In-app browsers (Snapchat, Instagram, Facebook) are
people: they send the agent of a browser with the name of the app after it.
"""

import re

import crawleruseragents

MAX_AGENT_LENGTH = 1024
"""Number of characters of a user agent that are read."""

_BROWSER = re.compile(
    r"(?:Mozilla|Opera)/\d.*(?:AppleWebKit|Gecko/|KHTML|Trident|MSIE|Presto)", re.DOTALL
)
"""Every browser begins with Mozilla (Opera before 2013 with its own name) and names its engine."""

_MACHINE = re.compile(
    r"\+https?:|\bbot\b|(?<!cu)bot[/;)]|crawler|spider|[a-z]preview|preview/|headless|phantomjs"
    r"|lighthouse|uptime|google-read-aloud|(?<!like )\bfacebookexternalhit|feed(?:fetcher|burner)",
    re.IGNORECASE,
)
"""Words of machines that send the agent of a browser and are too new or too small for the list.
CUBOT is a make of phones."""


def is_machine_agent(agent: str) -> bool:
    """Return True if a user agent is not that of a person's browser; an empty one is not."""
    seen = agent[:MAX_AGENT_LENGTH]
    return (
        not _BROWSER.match(seen)
        or _MACHINE.search(seen) is not None
        or crawleruseragents.is_crawler(seen)
    )
