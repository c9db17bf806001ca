"""A call as two clients hold it, with LiveKit's own SDK: the extra `calls` of this package."""
