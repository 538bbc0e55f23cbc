"""Pages for a paired phone: manual tasks, and photo upload. Plain HTML without Streamlit."""
