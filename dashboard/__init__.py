"""The dashboard for members, built on Streamlit.

Pages for visitors, the REST API and the MCP server are in `web`.
"""
