"""Browser scripts of pages, served by Streamlit as files of this origin.

Streamlit turns inline scripts into `blob:` URLs, which the Content Security Policy blocks. Each
script is therefore a file that is registered like one of an installed package.
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
    """Return the function that mounts `assets/<name>.js`. Call it during a page run, because the
    component manager does not exist before."""
    manifest = ComponentManifest(PACKAGE, "1", [ComponentConfig(name, ASSETS_FOLDER)])
    get_bidi_component_manager().register_from_manifest(manifest, Path(__file__).parent)
    made: Callable[..., Any] = st.components.v2.component(
        f"{PACKAGE}.{name}", js=f"{name}.js", isolate_styles=False
    )
    return made
