"""Manual posting: a member publishes a prepared post on a platform without a usable API.

The connector opens no socket. Its only step creates a manual task; a flag that another connector
would set becomes a line of the task's checklist. The surface is the platform on which the member
posts, so that platform's rules apply.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from connectors.contract.account_setup import ConnectedAccount, ConnectForm, FormField
from connectors.contract.capabilities import Capabilities, PriceRange
from connectors.contract.connector import (
    FileRef,
    LookupQuery,
    PlatformCopy,
    PostedLink,
    Response,
    Send,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.feed_layout import NEUTRAL_LAYOUT, FeedLayout
from connectors.contract.outcomes import (
    Absent,
    Found,
    LookupResult,
    Outcome,
    Processing,
    Published,
    Rejected,
    Retry,
    Uncertain,
)
from connectors.contract.post_addresses import NO_POST_THERE, ClaimedAddress
from connectors.platforms.fanvue import publisher
from connectors.shared import text_counting, unit_checks
from connectors.shared.feed_layouts import (
    FACEBOOK_LAYOUT,
    FANVUE_LAYOUT,
    INSTAGRAM_LAYOUT,
    REDDIT_LAYOUT,
    THREADS_LAYOUT,
    TIKTOK_LAYOUT,
    X_LAYOUT,
    YOUTUBE_LAYOUT,
)
from connectors.shared.http_responses import SHORT_RETRY, quote_segment
from foundation.i18n.translation import Message
from foundation.i18n.web_addresses import list_web_addresses
from foundation.sealed import Sealed
from gate.contract.units import DUTY_FLAG, Medium, Unit

CREATE_TASK_STEP = "hand_over"
REMOVAL_TASK_STEP = "take_back"
SAVE_FILE_STEP = "save"
ASK_AGAIN = timedelta(minutes=5)
"""Interval at which a removal task is checked. Its confirmation also wakes the delivery."""

_ACCOUNT = re.compile(r"@?([\w.-]{1,60})")
_NUMBER = re.compile(r"[A-Za-z0-9_-]{5,64}")
_ADULT = re.compile(r"adult|nsfw|sensitive|porn|sexual|nudity", re.IGNORECASE)
_AI = re.compile(r"(^|[._])(ai|is_aigc|made_with_ai|is_ai_generated|containsSyntheticMedia)=")


@dataclass(frozen=True)
class ManualSite:
    """A platform for manual posts: its label, hosts, the form of a post's URL, and its limits.
    `counts` counts a text as the platform does.

    `lines` are the checklist lines of every post with media. `once` is True if the platform refuses
    a text that the account has already posted. `asks` is the range of prices that the member may
    set.
    """

    label: str
    hosts: tuple[str, ...]
    post: str = r"/[^/].*"
    text: int = 10_000
    media: int = 40
    lines: tuple[str, ...] = ()
    once: bool = False
    asks: PriceRange | None = None
    shows: FeedLayout = NEUTRAL_LAYOUT
    counts: Callable[[str], int] = len


_PAID = ("audience", "partners")
_DOLLARS = PriceRange("USD", 100, 100_000)
"""A wide price range that only catches typing errors, since neither OnlyFans nor Fansly documents
its limits. Both show them where the member enters the price."""
MANUAL_SITES: Mapping[str, ManualSite] = {
    "onlyfans": ManualSite(
        "OnlyFans", ("onlyfans.com",), r"/(\d{3,})(/[\w.-]+)?", 5000, lines=_PAID, asks=_DOLLARS
    ),
    "fansly": ManualSite(
        "Fansly", ("fansly.com",), r"/post/(\d{3,})", 5000, lines=_PAID, asks=_DOLLARS
    ),
    "fanvue": ManualSite(
        "Fanvue",
        ("fanvue.com",),
        r"/.+/.+",
        5000,
        lines=_PAID,
        asks=publisher.PRICE_RANGE,
        shows=FANVUE_LAYOUT,
    ),
    "instagram": ManualSite(
        "Instagram",
        ("instagram.com",),
        r"(/[\w.]+)?/(?:p|reel|tv|stories)/([\w./-]+)",
        2200,
        10,
        shows=INSTAGRAM_LAYOUT,
    ),
    "tiktok": ManualSite(
        "TikTok",
        ("tiktok.com",),
        r"/(@[\w.-]+/(video|photo)/\d+|[\w-]{5,})",
        2200,
        35,
        shows=TIKTOK_LAYOUT,
    ),
    "snapchat": ManualSite("Snapchat", ("snapchat.com",), text=250, media=1),
    "linkedin": ManualSite(
        "LinkedIn", ("linkedin.com",), r"/(posts|feed/update|pulse)/.+", 3000, 20
    ),
    "x": ManualSite(
        "X",
        ("x.com", "twitter.com"),
        r"/\w+/status/(\d{3,})",
        280,
        4,
        once=True,
        shows=X_LAYOUT,
        counts=text_counting.x_text_length,
    ),
    "reddit": ManualSite(
        "Reddit",
        ("reddit.com", "redd.it"),
        r"/(r/\w+|user/[\w-]+)/(comments|s)/\w+.*|/\w{5,}",
        40_000,
        20,
        shows=REDDIT_LAYOUT,
    ),
    "threads": ManualSite(
        "Threads",
        ("threads.net", "threads.com"),
        r"/@[\w.]+/post/[\w-]+",
        500,
        20,
        shows=THREADS_LAYOUT,
        counts=text_counting.threads_text_length,
    ),
    "facebook": ManualSite(
        "Facebook", ("facebook.com", "fb.watch"), text=63_206, shows=FACEBOOK_LAYOUT
    ),
    "youtube": ManualSite(
        "YouTube",
        ("youtube.com", "youtu.be"),
        r"/(watch\?v=|shorts/|post/|live/)?[\w-]{6,}.*",
        5000,
        1,
        shows=YOUTUBE_LAYOUT,
        counts=unit_checks.count_utf8_bytes,
    ),
    "pornhub": ManualSite(
        "Pornhub",
        ("pornhub.com",),
        r"/(view_video\.php\?viewkey=|photo/|album/|shorties/)\w+",
        lines=_PAID,
    ),
}
"""The platforms with a row in the policy, by surface name."""

OTHER_SITE = ManualSite("?", ())
"""An unknown platform. The gate refuses it, not the connector."""


class ByHand:
    """The connector that creates manual tasks."""

    capabilities = Capabilities(
        platform="byhand",
        surfaces=tuple(MANUAL_SITES),
        max_text=max(site.text for site in MANUAL_SITES.values()),
        max_media=max(site.media for site in MANUAL_SITES.values()),
        mimes=("image/jpeg", "image/png", "image/webp", "video/mp4", "audio/mp4", "audio/ogg"),
        max_bytes=2 * 1024**3,
        look="key",
        # a task is stored in the same transaction as its answer
        resend_is_look=True,
        can_delete=True,
        can_chat=False,
        can_sell=False,
        stages=False,
        hand_over=True,
        sizes={name: (site.text, site.media) for name, site in MANUAL_SITES.items()},
        once=frozenset(name for name, site in MANUAL_SITES.items() if site.once),
        shows={name: site.shows for name, site in MANUAL_SITES.items()},
        sells={name: site.asks for name, site in MANUAL_SITES.items() if site.asks is not None},
    )
    form = ConnectForm(
        fields=(
            FormField("site", choices=tuple(MANUAL_SITES)),
            FormField("account", example="mia.lumiere"),
        ),
        credential="",
        minutes=1,
    )

    def connect(
        self, form: Mapping[str, str | Sealed], answers: tuple[StepResult, ...]
    ) -> Send | ConnectedAccount | Outcome:
        """Return the account from its name. No request is sent and no password is needed."""
        name = str(form.get("site", ""))
        typed = _ACCOUNT.fullmatch(str(form.get("account", "")).strip())
        if name not in MANUAL_SITES:
            return Rejected(Message("connectors.byhand_site"), permanent=True)
        if typed is None:
            return Rejected(Message("connectors.byhand_account"), permanent=True)
        handle = typed[1]
        return ConnectedAccount(
            account=f"{name}/{handle.casefold()}",
            name=f"{MANUAL_SITES[name].label} · {handle}",
            surface=name,
            options={"hand_over": True, "site": MANUAL_SITES[name].label, "handle": handle},
        )

    def verify_account(
        self, account: str, answers: tuple[StepResult, ...]
    ) -> Send | Outcome | None:
        """Return None: there is nothing to verify."""
        return None

    def count_text(self, unit: Unit) -> tuple[int, int]:
        """Return the length of the text as the platform counts it, and the limit."""
        site = MANUAL_SITES.get(_site_of(unit.surface), OTHER_SITE)
        return site.counts(unit.text_of("body")), self.capabilities.size_limits(unit.surface)[0]

    def next_step(self, unit: Unit, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Create the manual task, or return its outcome. The delivery then waits for a member."""
        site = MANUAL_SITES.get(_site_of(unit.surface), OTHER_SITE)
        unfit = _unit_problem(unit, self.capabilities, self.count_text(unit)[0])
        if unfit is not None:
            return Rejected(unfit, permanent=False)
        if not answers:
            return Send(_build_task_step(unit, site))
        match answers[-1]:
            case Response(body={"task": str(task)}) as kept if kept.is_success:
                return Processing(task, by_hand=True)
            case StepNotSent(detail=detail):
                return Retry(
                    SHORT_RETRY, "account", Message("connectors.not_sent", {"detail": detail})
                )
            case Response(status=status):
                return Uncertain(Message("connectors.unclear_answer", {"status": status}))
            case lost:
                return Uncertain(Message("connectors.answer_lost", {"detail": lost.detail}))

    def look_up(self, sought: LookupQuery, answers: tuple[StepResult, ...]) -> Send | LookupResult:
        """Return Absent. A task and its answer are stored in one transaction, so without an answer
        there is no task."""
        return Absent()

    def profile_url(self, account: str, destination: str, base_url: str) -> str:
        """Return the URL of the site."""
        return (
            f"https://{MANUAL_SITES[name].hosts[0]}/"
            if (name := account.partition("/")[0]) in MANUAL_SITES
            else ""
        )

    def resolve_address(
        self, address: ClaimedAddress, answers: tuple[StepResult, ...]
    ) -> Send | LookupResult:
        """Return the post in a URL of the platform. It cannot be verified."""
        post = self.parse_post_link(address.account.partition("/")[0], address.url)
        return Found(post.native_id, post.url) if post is not None and post.url else NO_POST_THERE

    def remove(self, copy: PlatformCopy, answers: tuple[StepResult, ...]) -> Send | Outcome:
        """Create a removal task. The post counts as removed after a member has confirmed it."""
        if not answers:
            path = f"/tasks/{quote_segment(copy.native_id)}"
            return Send(
                WireStep(
                    REMOVAL_TASK_STEP, StepKind.RESTRICT, "ASK", path, action="delete", to="person"
                )
            )
        match answers[-1]:
            case Response(body={"gone": True}):
                return Published(copy.native_id)
            case _:
                return Retry(ASK_AGAIN, "account", Message("connectors.byhand_waits"))

    def read_metrics(
        self, copy: PlatformCopy, answers: tuple[StepResult, ...]
    ) -> Send | Mapping[str, int] | None:
        """Return None: metrics are entered manually or imported from a statement."""
        return None

    def save_file_step(self, key: str, medium: Medium) -> WireStep:
        """Return the step that sends one file of a task to one phone, once."""
        files = {"file": FileRef(medium.sha256, medium.mime, medium.name)}
        path = f"/tasks/{quote_segment(key)}/files"
        return WireStep(SAVE_FILE_STEP, StepKind.PUBLISH, "HAND", path, files=files, to="person")

    def parse_post_link(self, surface: str, pasted: str) -> PostedLink | None:
        """Return the post in a pasted link of the platform or in its bare ID, or None."""
        site = MANUAL_SITES.get(_site_of(surface))
        text = pasted.strip()
        if site is None:
            return None
        if _NUMBER.fullmatch(text) and any(sign.isdigit() for sign in text):
            return PostedLink(text)
        if not text.isprintable() or len(text) > 500 or " " in text:
            return None
        try:
            parts = urlsplit(text if "//" in text else f"https://{text}")
            host = (parts.hostname or "").removeprefix("www.")
        except ValueError:
            return None
        known = any(host == own or host.endswith(f".{own}") for own in site.hosts)
        where = parts.path.rstrip("/") + (
            f"?{parts.query}" if "v=" in parts.query or "viewkey=" in parts.query else ""
        )
        if (
            parts.scheme not in {"http", "https"}
            or parts.username
            or not known
            or not re.fullmatch(site.post, where)
        ):
            return None
        return PostedLink(f"{host}{where}"[:200], f"https://{host}{where}")


def _site_of(surface: str) -> str:
    return surface.removeprefix("byhand.")


def _unit_problem(unit: Unit, can: Capabilities, length: int) -> Message | None:
    if not unit.native_key:
        return Message("connectors.no_key")
    return unit_checks.unit_problem(unit, can, length=length)


def _build_task_step(unit: Unit, site: ManualSite) -> WireStep:
    body = {
        "key": unit.native_key,
        "site": site.label,
        "title": unit.text_of("title"),
        "caption": unit.text_of("body"),
        "links": list(dict.fromkeys(list_web_addresses("\n".join(unit.visible_texts)))),
        "price": _build_price(unit),
        "media": [
            {
                "sha256": medium.sha256,
                "mime": medium.mime,
                "size": medium.size,
                "alt": medium.alt,
                "name": medium.name,
            }
            for medium in unit.media
        ],
        "checklist": _build_checklist(unit, site),
        "flags": list(unit.flags),
    }
    files = {
        f"file{place}": FileRef(medium.sha256, medium.mime, medium.name)
        for place, medium in enumerate(unit.media)
    }
    path = f"/tasks/{quote_segment(unit.native_key)}"
    return WireStep(
        CREATE_TASK_STEP, StepKind.PUBLISH, "HAND", path, body, files=files, to="person"
    )


def _build_price(unit: Unit) -> dict[str, object] | None:
    return (
        None if unit.price is None else {"minor": unit.price.minor, "currency": unit.price.currency}
    )


def _build_checklist(unit: Unit, site: ManualSite) -> list[str]:
    """Return the checklist lines in a fixed order, one for each flag that the member must set."""
    wanted = {_checklist_line(flag) for flag in unit.flags}
    if unit.media:
        wanted |= set(site.lines)
    if unit.price is not None:
        wanted.add("price")
    return [
        line
        for line in ("price", "adult", "ai", "audience", "partners", "marks", "duty")
        if line in wanted
    ]


def _checklist_line(flag: str) -> str:
    if flag == DUTY_FLAG:
        return "duty"
    if _AI.search(flag):
        return "ai"
    return "adult" if _ADULT.search(flag) else "marks"
