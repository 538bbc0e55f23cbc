"""Playback and download of library files in the dashboard.

Public files of creators' sites are served by `web.site`.
"""
