"""The texts of a creator's profile as content: the name, the description and the address of the
public page, which are published without a permit and before any age check."""

from uuid import UUID

from gate.contract.units import Text
from gate.surfaces.contents import Content

PROFILE_SURFACE = "page.profile"


def profile_content(
    *, name: str = "", about: str = "", slug: str = "", creator_id: UUID | None = None
) -> Content:
    """Return these texts of a profile. Without `creator_id`, the creator is not added yet."""
    texts = (
        Text("name", name),
        Text("about", about),
        Text("slug", slug.replace("-", " ")),
    )
    return Content(
        PROFILE_SURFACE,
        () if creator_id is None else (creator_id,),
        tuple(text for text in texts if text.body),
    )
