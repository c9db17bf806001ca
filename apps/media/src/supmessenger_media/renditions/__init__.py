"""Renditions: versions of a video that the worker makes."""
