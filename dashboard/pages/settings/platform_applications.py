"""Platform applications: the applications of this agency with each platform, and their webhooks."""

from channels.accounts import queries
from dashboard.pages.settings import app_webhooks
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope


def render_platform_applications(page: PageContext) -> None:
    """Draw the applications and their webhooks."""

    def read(scope: Scope) -> list[queries.Channel]:
        mine = {one.id for one in page.list_creators(scope)}
        return [one for one in queries.list_channels(scope) if one.creator_id in mine]

    app_webhooks.render_app_webhooks(page, page.read(read))
