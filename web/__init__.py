"""Public pages, the REST API and MCP, without Streamlit. Members use `dashboard`."""
