"""Files as clients send and see them."""

from dataclasses import dataclass
from typing import Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from supmessenger_common.errors import FieldError, PlatformError

Purpose = Literal["attachment", "avatar"]


class FileView(BaseModel):
    """A stored file."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True)

    id: UUID
    size: int
    sha256: str
    content_type: str
    width: int | None = None
    height: int | None = None
    thumbnail: bool


@dataclass(frozen=True, slots=True)
class UploadOrder:
    """What the fields of an upload ask for."""

    chat_id: UUID | None
    purpose: Purpose
    encrypted: bool


# The form for the API description: the framework does not read it, we do, while it arrives.
UPLOAD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "chatId": {"type": "string", "format": "uuid"},
                    "purpose": {
                        "type": "string",
                        "enum": ["attachment", "avatar"],
                        "default": "attachment",
                    },
                    "encrypted": {"type": "boolean", "default": False},
                    "file": {
                        "type": "string",
                        "format": "binary",
                        "description": "Comes after the fields.",
                    },
                    "thumbnail": {
                        "type": "string",
                        "format": "binary",
                        "description": "Only with an encrypted file: its encrypted thumbnail, "
                        "at most 256 KiB.",
                    },
                },
            }
        }
    },
}


def parse_order(fields: dict[str, str]) -> UploadOrder:
    """Read the fields of an upload; raises 422 naming every one that is wrong."""
    errors = [
        FieldError(name, "is not a field of this form")
        for name in fields
        if name not in ("chatId", "purpose", "encrypted")
    ]
    purpose = fields.get("purpose", "attachment")
    if purpose not in ("attachment", "avatar"):
        errors.append(FieldError("purpose", "must be attachment or avatar"))
    encrypted = fields.get("encrypted", "false")
    if encrypted not in ("true", "false"):
        errors.append(FieldError("encrypted", "must be true or false"))
    chat_id = None
    try:
        chat_id = UUID(fields["chatId"]) if fields.get("chatId") else None
    except ValueError:
        errors.append(FieldError("chatId", "must be a UUID"))
    if errors:
        raise build_field_errors(*errors)
    return UploadOrder(chat_id, cast(Purpose, purpose), encrypted == "true")


def build_field_errors(*errors: FieldError) -> PlatformError:
    """Return 422 for fields of the form."""
    return PlatformError(
        422, "validation_failed", "The form has fields we cannot accept.", errors=errors
    )
