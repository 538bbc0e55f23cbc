"""Preview of a scheduled post as the feed of each account will show it."""

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.posts.accounts import preview_post
from dashboard.pages.posts.queries import PostView
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from schedules.drafts.feed_previews import build_feed_preview


def render_feed_preview(page: PageContext, found: PostView) -> None:
    """Render the preview of each account, next to each other if the screen is wide enough."""
    shown = page.read(lambda scope: preview_post(scope, found.post, list(found.said)))
    with (
        st.expander(page.text("calendar.look"), icon=":material/preview:", expanded=True),
        st.container(horizontal=True, gap="small"),
    ):
        for one in shown:
            seen = {
                asset: (library_files.picture_url(asset, "preview"), medium.alt)
                for asset, medium in zip(one.said.all_assets, one.all_media, strict=False)
            }
            with st.container(width=370):
                laid = build_feed_preview(one, seen)
                draw_template(
                    "pages/post_detail/templates/channel_preview.html",
                    one=one,
                    stands=laid,
                    voice=page.localizer,
                    word=page.text,
                )
