"""Pages for a paired phone: manual tasks and photo upload, in plain HTML without Streamlit.

Manual tasks are created and tracked in `channels`.
"""
