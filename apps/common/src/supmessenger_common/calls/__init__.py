"""Calls: what is stored of them, how it is told, and the rooms of the media server."""
