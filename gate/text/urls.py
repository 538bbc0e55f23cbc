"""Canonical forms of web addresses, and checks of the addresses that a link list accepts."""

import re
from collections.abc import Collection, Iterable
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from foundation.errors import BadInput
from gate.text import link_readings
from gate.text.bare_hosts import MAX_HOST_LABELS

MAX_URL_LENGTH = 2048
"""Maximum number of characters in an address."""

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
"""URL shorteners and redirectors: their addresses do not show the destination."""

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
"""Hosts and top-level domains that always count as adult."""

ADULT_SEGMENT = "18"
"""The path segment of the adult part of a creator's page (`web/site`)."""
SHORT_LINK_SEGMENT = "l"
"""The first path segment of the installation's short links (`channels/links`)."""
MAX_PATH_ENCODINGS = 3
"""Layers of percent-encoding that are removed from a path."""

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
"""Endings of host names that are not resolvable on the public internet."""

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
    """Return the canonical form of an address, as it is stored and looked up.

    Return "" for an address that a link list does not accept. An address without a scheme counts as
    https. Only the scheme, the host and an empty path are changed.
    """
    try:
        return parse_registrable_url(written)
    except BadInput:
        return ""


def parse_registrable_url(typed: str) -> str:
    """Return the stored form of an address that a user entered.

    Raises BadInput with the reason if the address may not be registered.
    """
    wanted = typed.strip()
    if not wanted.isprintable() or not 0 < len(wanted) <= MAX_URL_LENGTH:
        raise BadInput("link.invalid").about("url")
    # The pattern matches any text, so there is always a match.
    scheme, rest = _SHAPE.fullmatch(wanted).groups()  # type: ignore[union-attr]  # see above
    # Addresses that a reader and a browser may interpret differently are refused below.
    if (scheme or "https").lower() not in _PORTS or (scheme is None and _OTHER.match(wanted)):
        raise BadInput("link.scheme").about("url")
    if "@" in re.split(r"[/?#\\]", rest, maxsplit=1)[0]:
        raise BadInput("link.named").about("url")
    host = _parse_host(rest)
    if not wanted.isascii() or any(label.startswith("xn--") for label in host.split(".")):
        raise BadInput("link.lookalike").about("url")
    _check_host(host)
    found = _build_url((scheme or "https").lower(), rest)
    if _leads_on(urlsplit(found)):
        raise BadInput("link.leads_on").about("url")
    if link_readings.extract_links((found,)) != (found,):
        # The text check would never recognize it as a link.
        raise BadInput("link.invalid").about("url")
    return found


def _parse_host(rest: str) -> str:
    place = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    return (place if place.startswith("[") else place.partition(":")[0]).lower()


def _check_host(host: str) -> None:
    if _NUMBERS.fullmatch(host) or host.rstrip(".").rpartition(".")[2] in _INSIDE:
        raise BadInput("link.private").about("url")
    if not _NAME.fullmatch(host):
        raise BadInput("link.invalid").about("url")
    if is_shortener(host):
        raise BadInput("link.short").about("url")


def _build_url(scheme: str, rest: str) -> str:
    """Build the canonical address. Raises BadInput for an invalid port."""
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        port = parts.port
    except ValueError as error:
        raise BadInput("link.invalid").about("url") from error
    if "\\" in rest or " " in rest:
        raise BadInput("link.invalid").about("url")
    place = (parts.hostname or "") + (f":{port}" if port not in (None, _PORTS[scheme]) else "")
    return parts._replace(netloc=place, path=parts.path or "/").geturl()


def _leads_on(parts: SplitResult) -> bool:
    """Return True if an address contains another address, to which it may redirect."""
    carried = f"{parts.path[1:]}?{parts.query}#{parts.fragment}"
    values = [value for _, value in parse_qsl(parts.query)]
    return bool(_LEADS_ON.search(unquote(unquote(carried)))) or bool(
        link_readings.extract_links(map(unquote, values))
    )


def is_shortener(host: str) -> bool:
    """Return True if a host only redirects to other addresses."""
    return _is_under_domain(host, SHORTENERS)


def is_adult_host(url: str) -> bool:
    """Return True if an address is on a host that always counts as adult."""
    return _is_under_domain(urlsplit(url).hostname or "", ADULT)


_own_hosts: list[str] = []


def set_own_hosts(hosts: Iterable[str]) -> None:
    """Set the hosts, with their ports, on which this installation serves creators' pages."""
    _own_hosts[:] = [host.lower() for host in hosts]


def own_hosts() -> tuple[str, ...]:
    """Return the hosts of this installation's pages; empty until they are set in this process."""
    return tuple(_own_hosts)


def is_own_url(url: str, hosts: Collection[str]) -> bool:
    """Return True if an address, with or without a scheme, is on one of these hosts.

    Return False for an address with a backslash: browsers read it as "/", which parsers do not.
    """
    where = _split_url(url).netloc
    return "\\" not in url and where.rsplit("@", 1)[-1].lower() in hosts


def is_own_adult_page(url: str, hosts: Collection[str]) -> bool:
    """Return True if an address leads to the adult part of one of the installation's pages.

    Percent-encoded paths are decoded.
    """
    return is_own_url(url, hosts) and ADULT_SEGMENT in _path_segments(url)


def is_own_short_link(url: str, hosts: Collection[str]) -> bool:
    """Return True if an address is a short link of this installation, which redirects elsewhere."""
    return is_own_url(url, hosts) and _path_segments(url)[:1] == [SHORT_LINK_SEGMENT]


def _path_segments(url: str) -> list[str]:
    path = _split_url(url).path
    for _ in range(MAX_PATH_ENCODINGS):
        path = unquote(path)
    return [part for part in path.split("/") if part not in ("", ".")]


def _split_url(url: str) -> SplitResult:
    try:
        return urlsplit(url if _WITH_HOST.match(url) else f"//{url}")
    except ValueError:  # for example an unbalanced bracket
        return SplitResult("", "", "", "", "")


def _is_under_domain(host: str, known: frozenset[str]) -> bool:
    labels = host.lower().split(".")[-MAX_HOST_LABELS:]
    return any(".".join(labels[place:]) in known for place in range(len(labels)))


def url_identity(url: str) -> str:
    """Return the part of an address that identifies it.

    The scheme, `www.`, query, fragment and trailing slash are removed.
    """
    parts = urlsplit(url)
    return f"{parts.netloc.removeprefix('www.')}{parts.path.rstrip('/')}".lower()
