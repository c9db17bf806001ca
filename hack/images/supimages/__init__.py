"""Container images of SUP Messenger: what is built, when it is built again, and where it goes."""
