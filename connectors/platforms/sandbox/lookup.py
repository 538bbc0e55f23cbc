"""Resolution of sandbox URLs by reading the post."""

from connectors.contract.connector import Response, Send, StepKind, StepResult, WireStep
from connectors.contract.outcomes import Absent, Found, LookupResult
from connectors.contract.post_addresses import (
    ADDRESS_UNREADABLE,
    NO_POST_THERE,
    OTHER_ACCOUNTS_POST,
    ClaimedAddress,
    decoded_segments,
    is_same_page,
    parse_url,
)
from connectors.shared.http_responses import (
    parse_timestamp,
    platform_error_code,
    quote_segment,
    success_body,
)


def resolve_address(
    address: ClaimedAddress, answers: tuple[StepResult, ...]
) -> Send | LookupResult:
    """Return the post at the end of a URL, if the sandbox reports that exact URL for it."""
    parts = parse_url(address.url)
    path = decoded_segments(parts) if parts is not None else ()
    if len(path) != 3 or path[0] != "t":
        return NO_POST_THERE
    if path[1] != address.account:
        return OTHER_ACCOUNTS_POST
    if not answers:
        place = f"/api/{{account}}/posts/{quote_segment(path[2])}"
        return Send(WireStep("look", StepKind.CONTROL, "GET", place, action="look"))
    last = answers[-1]
    told = success_body(last)
    if told.get("id") == path[2] and is_same_page(address.url, str(told.get("url", ""))):
        return Found(path[2], str(told["url"]), parse_timestamp(told.get("created_at")))
    missing = (
        isinstance(last, Response)
        and last.status == 404
        and platform_error_code(last) == "no_such_post"
    )
    return Absent() if missing else ADDRESS_UNREADABLE


def profile_url(account: str, destination: str, base_url: str) -> str:
    """Return the URL of the account's timeline."""
    return f"{base_url}/t/{quote_segment(account)}"
