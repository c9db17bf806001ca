"""Settings of the media service."""

from pydantic import Field

from supmessenger_common.settings import ServiceSettings


class MediaSettings(ServiceSettings):
    """What the environment says beyond the settings of every service."""

    port: int = Field(default=3003, ge=0, le=65535)
    max_upload_size: int = Field(default=2_147_483_648, ge=1, description="bytes")
    cors_allowed_origins: str = ""
    transcoding_enabled: bool = False
