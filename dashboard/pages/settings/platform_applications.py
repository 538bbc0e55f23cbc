"""Platform applications: what is registered with each platform, what is missing, and their
webhooks."""

import streamlit as st

from channels.accounts import oauth_clients, queries
from dashboard.pages.channels.queries import connectable_platforms
from dashboard.pages.settings import app_webhooks
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope


def render_platform_applications(page: PageContext) -> None:
    """Draw the application of each platform that needs one, and the webhooks."""

    def read(scope: Scope) -> tuple[dict[str, str], list[queries.Channel]]:
        mine = {one.id for one in page.list_creators(scope)}
        clients = oauth_clients.latest_oauth_clients(scope)
        return (
            {name: client.client_id for name, client in clients.items()},
            [one for one in queries.list_channels(scope) if one.creator_id in mine],
        )

    clients, channels = page.read(read)
    st.write(page.text("settings.applications_explained"))
    for name, connector in connectable_platforms().items():
        if connector.form.registered:
            _render_application(page, name, clients.get(name, ""))
    app_webhooks.render_app_webhooks(page, channels)


def _render_application(page: PageContext, platform: str, client: str) -> None:
    """Draw whether an application is registered, and where to register one."""
    with st.container(border=True):
        st.markdown(f"**{page.text(f'platform.{platform}')}**")
        if client:
            st.write(page.markdown("settings.application_set", client=client))
        else:
            st.write(page.text("settings.application_unset"))
        with st.expander(page.text("settings.application_how")):
            st.write(page.text(f"connect.{platform}.help"))
