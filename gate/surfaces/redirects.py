"""The redirects of short links as content: where visitors are sent. It is judged when a campaign
link is created, and at each click."""

from uuid import UUID

from gate.contract.units import LinkReplacement
from gate.surfaces.contents import Content

REDIRECT_SURFACE = "redirect.short_link"


def redirect_content(
    creator_id: UUID | None, address: str, *, shown: str = "", opens: str = "", place: str = ""
) -> Content:
    """Return the redirect from `shown` to `opens`, for which a member wrote `address`.

    `place` is the surface of the post with the link, "" for a link that is shared anywhere. Without
    `address`, it leads to a chat that we link ourselves.
    """
    return Content(
        REDIRECT_SURFACE,
        () if creator_id is None else (creator_id,),
        links=(LinkReplacement(shown, address, opens),) if address else (),
        linking_place=place,
    )
