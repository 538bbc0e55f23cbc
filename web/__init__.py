"""Public pages, the REST API and the MCP server, built on FastAPI.

The application for members is `dashboard`, which uses Streamlit.
"""
