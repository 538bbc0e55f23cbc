"""What an address on the sandbox names: it is told by the page of the post itself. Pure."""

from connectors.answers import error_word, segment, told_at, told_by
from connectors.contract import Answer, Response, Send, StepKind, WireStep
from connectors.naming import NO_POST, OTHERS, UNREAD, Address, parts_in, same_page, split
from connectors.outcomes import Absent, Found, Sighting


def named(address: Address, answers: tuple[Answer, ...]) -> Send | Sighting:
    """The post at the end of an address, where the sandbox says that it stands under that very one."""
    parts = split(address.url)
    path = parts_in(parts) if parts is not None else ()
    if len(path) != 3 or path[0] != "t":
        return NO_POST
    if path[1] != address.account:
        return OTHERS
    if not answers:
        place = f"/api/{{account}}/posts/{segment(path[2])}"
        return Send(WireStep("look", StepKind.CONTROL, "GET", place, action="look"))
    last = answers[-1]
    told = told_by(last)
    if told.get("id") == path[2] and same_page(address.url, str(told.get("url", ""))):
        return Found(path[2], str(told["url"]), told_at(told.get("created_at")))
    missing = isinstance(last, Response) and last.status == 404 and error_word(last) == "no_such_post"
    return Absent() if missing else UNREAD


def home(account: str, destination: str, base_url: str) -> str:
    """The timeline of an account."""
    return f"{base_url}/t/{segment(account)}"
