"""HTTP responses, caching and localization of the public pages.

Authentication and errors of the REST API are in `api.common`.
"""
