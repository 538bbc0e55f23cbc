"""The Streamlit dashboard for members. Pages for visitors and programs are in `web`."""
