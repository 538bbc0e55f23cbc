"""UTM parameters, by which web analytics recognize the campaign of a visit."""

from collections.abc import Mapping
from urllib.parse import parse_qsl, quote, urlsplit

from channels.links.short_links import MAX_LINK_TARGET_LENGTH


def add_utm_parameters(address: str, marks: Mapping[str, str]) -> str:
    """Return an address with a parameter `utm_<name>` for each mark that is not empty.

    It is unchanged if it has such parameters already, because those of its author apply, and if it
    would become longer than `MAX_LINK_TARGET_LENGTH`. Its other parameters and its fragment remain.
    """
    parts = urlsplit(address)
    if any(
        name.lower().startswith("utm_")
        for name, _ in parse_qsl(parts.query, keep_blank_values=True)
    ):
        return address
    said = "&".join(
        f"utm_{name}={quote(value.strip(), safe='')}"
        for name, value in marks.items()
        if value.strip()
    )
    return _append_query(address, said)


def add_parameter(address: str, name: str, value: str) -> str:
    """Return an address with one more parameter; unchanged if it would become longer than
    `MAX_LINK_TARGET_LENGTH`. Its other parameters and its fragment remain."""
    return _append_query(address, f"{quote(name, safe='')}={quote(value, safe='')}")


def _append_query(address: str, said: str) -> str:
    before, fragment_sign, fragment = address.partition("#")
    joint = ""
    if said and urlsplit(address).query:
        joint = "&"
    elif said and not before.endswith("?"):
        joint = "?"
    marked = f"{before}{joint}{said}{fragment_sign}{fragment}"
    return marked if len(marked) <= MAX_LINK_TARGET_LENGTH else address
