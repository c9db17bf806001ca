"""Periodic work that exactly one worker of an instance does at a time."""
