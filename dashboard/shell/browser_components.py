"""Scripts of ours that a page runs in its browser, served by Streamlit as files of our own address.

Streamlit makes an inline script a `blob:` address, which our content security policy refuses: so
each is a file, and told to Streamlit the way its list of installed packages would.
"""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

PACKAGE = "greenroom"
ASSETS_FOLDER = "assets"


@cache
def browser_component(name: str) -> Callable[..., Any]:
    """The mounting call of `assets/<name>.js`. Ask within a run of a page: before, there is nobody
    to tell."""
    manifest = ComponentManifest(PACKAGE, "1", [ComponentConfig(name, ASSETS_FOLDER)])
    get_bidi_component_manager().register_from_manifest(manifest, Path(__file__).parent)
    made: Callable[..., Any] = st.components.v2.component(
        f"{PACKAGE}.{name}", js=f"{name}.js", isolate_styles=False
    )
    return made
