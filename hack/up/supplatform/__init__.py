"""From nothing to a Ready platform on this machine, and what a developer does with it."""
