"""Labels of fans on pages about money, which some members see without names."""

from uuid import UUID

from dashboard.shell.page_context import PageContext
from tenants.agencies.rights import Right

FAN_NAME_RIGHTS = (Right.RUN, Right.CHAT, Right.APPROVE)
"""Rights that show the names of fans. Any one of them is enough; Accounting alone is not."""


def fan_label(page: PageContext, fan_id: UUID | None, name: str) -> str:
    """Return the fan's name, an anonymous number if the member may not see names, or a dash if the
    fan is unknown."""
    if fan_id is None:
        return "–"
    if page.has_right(*FAN_NAME_RIGHTS) and name:
        return name
    return page.text("shop.fan", number=fan_id.hex[-4:])
