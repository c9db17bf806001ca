"""Archives of an instance: its database dump and its objects, checksummed, in one file."""
