"""Why a video is not converted, in words for the people who sent it."""


class VideoRefusedError(Exception):
    """The video can never be converted here; the message is shown to people."""


class FileGoneError(Exception):
    """The file was deleted meanwhile: nobody wants its renditions."""
