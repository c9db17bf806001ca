"""kubectl sup: the command line of SUP Messenger."""
