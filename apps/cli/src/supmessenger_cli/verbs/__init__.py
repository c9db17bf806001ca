"""The verbs of `kubectl sup`, one file each: read the call, do it, say what happened."""
