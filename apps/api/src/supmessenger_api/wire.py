"""How values look in the API's JSON: camelCase names, base64url bytes, RFC 3339 times."""

import unicodedata
from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.alias_generators import to_camel

from supmessenger_common.identifiers import decode_bytes, encode_bytes, format_time


class WireModel(BaseModel):
    """Base of every request and answer: frozen, and closed to unknown fields."""

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        frozen=True,
        serialize_by_alias=True,
        # What people send must not reach a log by way of an error's text.
        hide_input_in_errors=True,
    )


def parse_wire_bytes(value: Any) -> bytes:
    """Read bytes from their text; bytes pass through, so that answers can be built."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("must be a string of base64url without padding")
    return decode_bytes(value)


WireBytes = Annotated[
    bytes,
    BeforeValidator(parse_wire_bytes),
    PlainSerializer(encode_bytes, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": "^[A-Za-z0-9_-]*$", "contentEncoding": "base64url"}
    ),
]
WireTime = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def check_printable(value: str) -> str:
    """Raise ValueError for control characters: no name needs them, and the database refuses NUL."""
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("must not hold control characters")
    return value


Printable = Annotated[str, AfterValidator(check_printable)]
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=128),
    AfterValidator(check_printable),
]
