"""Storage: the space used by the library and its limit."""

import streamlit as st

from dashboard.media import library_files
from dashboard.shell.page_context import PageContext
from studio.library import storage_quota


def render_storage(page: PageContext) -> None:
    """Draw the space used by the library, its limit and where the files are stored."""
    kept = page.read(storage_quota.used_bytes)
    allowed = library_files.object_store().quota_bytes
    used = storage_quota.to_mib(kept)
    if allowed is None:
        st.write(page.text("system.storage_used", used=used))
    else:
        st.write(page.text("system.storage_of", used=used, allowed=storage_quota.to_mib(allowed)))
        st.progress(min(1.0, kept / allowed))
    st.caption(page.text("settings.storage_place"))
