"""Addresses of the web as they are told apart: one way of writing each, and what no list of links
takes. Pure."""

import re
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from foundation.errors import BadInput
from gate.text import text_rating
from gate.text.bare_hosts import MAX_HOST_LABELS

MAX_URL_LENGTH = 2048
"""Characters of an address."""

SHORTENERS = frozenset(
    {
        "bit.ly",
        "t.co",
        "goo.gl",
        "tinyurl.com",
        "ow.ly",
        "buff.ly",
        "is.gd",
        "v.gd",
        "rebrand.ly",
        "cutt.ly",
        "t.ly",
    }
    | {
        "tiny.cc",
        "lnkd.in",
        "rb.gy",
        "shorturl.at",
        "dub.sh",
        "s.id",
        "bl.ink",
        "short.io",
        "adf.ly",
        "href.li",
    }
    | {"l.instagram.com", "l.facebook.com", "lm.facebook.com", "out.reddit.com"}
)
"""Where an address leads is written nowhere in it: short ones of others, and doors that lead on."""

ADULT = frozenset(
    {
        "onlyfans.com",
        "fansly.com",
        "fanvue.com",
        "loyalfans.com",
        "mym.fans",
        "justfor.fans",
        "manyvids.com",
    }
    | {
        "clips4sale.com",
        "chaturbate.com",
        "stripchat.com",
        "pornhub.com",
        "xvideos.com",
        "xnxx.com",
        "xhamster.com",
    }
    | {"xxx", "porn", "adult", "sex"}
)
"""Hosts, and endings, that are for adults whatever is said of them."""

ADULT_SEGMENT = "18"
"""The part of a path under which a page of ours is for adults (`web/site`)."""
SHORT_LINK_SEGMENT = "l"
"""The first part of the path of our short addresses (`channels/links`)."""
MAX_PATH_ENCODINGS = 3
"""So often a path may be percent-encoded."""

_INSIDE = frozenset(
    {
        "localhost",
        "local",
        "internal",
        "intranet",
        "lan",
        "home",
        "corp",
        "arpa",
        "onion",
        "invalid",
    }
)
"""Endings of names that nobody outside a house can look up."""

_SHAPE = re.compile(r"(?:([a-z][a-z0-9+.-]*)://)?(.*)", re.IGNORECASE | re.DOTALL)
_OTHER = re.compile(
    r"(?:javascript|data|vbscript|file|blob|mailto|tel|sms|tg|intent|about):", re.IGNORECASE
)
_WITH_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,63}")
_NUMBERS = re.compile(r"\[.*\]|(?:0x[0-9a-f]+|\d+)(?:\.(?:0x[0-9a-f]+|\d+))*\.?", re.IGNORECASE)
_LEADS_ON = re.compile(r"https?:|//", re.IGNORECASE)
_PORTS = {"http": 80, "https": 443}


def canonical_url(written: str) -> str:
    """The one way in which an address is kept and looked up; "" for what a list takes not at all.

    Without a scheme it counts as https. Nothing but the scheme, the host and an empty path is ever
    changed.
    """
    try:
        return parse_registrable_url(written)
    except BadInput:
        return ""


def parse_registrable_url(typed: str) -> str:
    """What somebody typed, as it is kept. Raises BadInput, saying why, for what may not be
    registered."""
    wanted = typed.strip()
    if not wanted.isprintable() or not 0 < len(wanted) <= MAX_URL_LENGTH:
        raise BadInput("link.invalid")
    # it matches any text
    scheme, rest = _SHAPE.fullmatch(wanted).groups()  # type: ignore[union-attr]  # see above
    if (scheme or "https").lower() not in _PORTS or (scheme is None and _OTHER.match(wanted)):
        raise BadInput("link.scheme")
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise BadInput("link.named")
    host = _parse_host(rest)
    if not wanted.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        raise BadInput("link.lookalike")
    _check_host(host)
    found = _build_url((scheme or "https").lower(), rest)
    if _leads_on(urlsplit(found)):
        raise BadInput("link.leads_on")
    if text_rating.extract_links((found,)) != (found,):
        raise BadInput("link.invalid")  # no text would ever be read to hold it
    return found


def _parse_host(rest: str) -> str:
    place = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return (place if place.startswith("[") else place.partition(":")[0]).lower()


def _check_host(host: str) -> None:
    if _NUMBERS.fullmatch(host) or host.rstrip(".").rpartition(".")[2] in _INSIDE:
        raise BadInput("link.private")
    if not _NAME.fullmatch(host):
        raise BadInput("link.invalid")
    if is_shortener(host):
        raise BadInput("link.short")


def _build_url(scheme: str, rest: str) -> str:
    """Raises BadInput for a port that is none."""
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as error:
        raise BadInput("link.invalid") from error
    if "\\" in rest or " " in rest:
        raise BadInput("link.invalid")
    place = (parts.hostname or "") + (f":{port}" if port not in (None, _PORTS[scheme]) else "")
    return parts._replace(netloc=place, path=parts.path or "/").geturl()


def _leads_on(parts: SplitResult) -> bool:
    """Whether an address carries another one, to which it may lead."""
    carried = f"{parts.path[1:]}?{parts.query}#{parts.fragment}"
    values = [value for _, value in parse_qsl(parts.query)]
    return bool(_LEADS_ON.search(unquote(unquote(carried)))) or bool(
        text_rating.extract_links(map(unquote, values))
    )


def is_shortener(host: str) -> bool:
    """Whether a host only leads elsewhere."""
    return _is_under_domain(host, SHORTENERS)


def is_adult_host(url: str) -> bool:
    """Whether an address is known to be for adults."""
    return _is_under_domain(urlsplit(url).hostname or "", ADULT)


_own_hosts: list[str] = []


def set_own_hosts(hosts: Iterable[str]) -> None:
    """Set the hosts, with their ports, on which this installation serves creators' pages."""
    _own_hosts[:] = [host.lower() for host in hosts]


def own_hosts() -> tuple[str, ...]:
    """The hosts of this process's own pages; none until they are set."""
    return tuple(_own_hosts)


def is_own_url(url: str, hosts: Collection[str]) -> bool:
    """Whether an address, with or without a scheme, lies on one of these hosts. False where who
    reads it and who parses it may differ: browsers take "\\" for "/"."""
    where = _split_url(url).netloc
    return "\\" not in url and where.rsplit("@", 1)[-1].lower() in hosts


def is_own_adult_page(url: str, hosts: Collection[str]) -> bool:
    """Whether an address leads into the part for adults of a page of ours, however its path is
    written."""
    return is_own_url(url, hosts) and ADULT_SEGMENT in _path_segments(url)


def is_own_short_link(url: str, hosts: Collection[str]) -> bool:
    """Whether an address is a short one of ours, which leads elsewhere."""
    return is_own_url(url, hosts) and _path_segments(url)[:1] == [SHORT_LINK_SEGMENT]


def _path_segments(url: str) -> list[str]:
    path = _split_url(url).path
    for _ in range(MAX_PATH_ENCODINGS):
        path = unquote(path)
    return [part for part in path.split("/") if part not in ("", ".")]


def _split_url(url: str) -> SplitResult:
    try:
        return urlsplit(url if _WITH_HOST.match(url) else f"//{url}")
    except ValueError:  # for example a bracket without its pair
        return SplitResult("", "", "", "", "")


def _is_under_domain(host: str, known: frozenset[str]) -> bool:
    labels = host.lower().split(".")[-MAX_HOST_LABELS:]
    return any(".".join(labels[place:]) in known for place in range(len(labels)))


def url_identity(url: str) -> str:
    """What a kept address is one of many ways to write: without scheme, `www.`, query, fragment and
    last stroke."""
    parts = urlsplit(url)
    return f"{parts.netloc.removeprefix('www.')}{parts.path.rstrip('/')}".lower()
