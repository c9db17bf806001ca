"""Reads what a client wants stored: the same bounds as the HTTP call has."""

import re
from datetime import datetime

from supmessenger_common.auth import Principal
from supmessenger_common.errors import FieldError, PlatformError
from supmessenger_common.identifiers import create_id, decode_bytes
from supmessenger_common.messages.model import (
    CONTENT_LIMIT,
    CONTENT_TYPE_PATTERN,
    NewMessage,
    Recipient,
)
from supmessenger_websocket import frames

_CONTENT_TYPE = re.compile(CONTENT_TYPE_PATTERN)


def parse_new_message(
    frame: frames.SendFrame, principal: Principal, *, now: datetime
) -> NewMessage:
    """Return the message of a `send` frame; raises 422 `validation_failed`."""
    if _CONTENT_TYPE.fullmatch(frame.content_type) is None:
        raise _build_refusal("contentType", "a media type in printable ASCII")
    if len(frame.content.encode()) > CONTENT_LIMIT:
        raise _build_refusal("content", f"at most {CONTENT_LIMIT} bytes")
    if "\0" in frame.content:
        # PostgreSQL's text holds every character but this one.
        raise _build_refusal("content", "must not hold the character U+0000")
    recipients = None
    if frame.recipients is not None:
        recipients = tuple(
            _parse_recipient(item, field=f"recipients.{index}")
            for index, item in enumerate(frame.recipients)
        )
    return NewMessage(
        id=create_id(),
        chat_id=frame.chat,
        sender_id=principal.user_id,
        sender_device_id=principal.device_id,
        client_msg_id=frame.client_msg_id,
        content_type=frame.content_type,
        content=frame.content,
        sent_at=now,
        reply_to=frame.reply_to,
        recipients=recipients,
    )


def _parse_recipient(item: frames.Recipient, *, field: str) -> Recipient:
    try:
        ciphertext = decode_bytes(item.ciphertext)
    except ValueError as error:
        raise _build_refusal(f"{field}.ciphertext", str(error)) from None
    if not 1 <= len(ciphertext) <= CONTENT_LIMIT:
        raise _build_refusal(f"{field}.ciphertext", f"1 to {CONTENT_LIMIT} bytes")
    return Recipient(device_id=item.device_id, type=item.type, ciphertext=ciphertext)


def _build_refusal(field: str, message: str) -> PlatformError:
    return PlatformError(
        422,
        "validation_failed",
        f"{field}: {message}.",
        errors=(FieldError(field, message),),
    )
