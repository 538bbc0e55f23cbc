"""Playback and download of library files in the dashboard."""
