"""Requests and answers of accounts."""

from typing import Annotated, Literal
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema

from supmessenger_api.wire import Text, WireModel

EMAIL_LIMIT = 254


def parse_email(value: str) -> str:
    """Return the normalized address; whether it exists is for the link to prove."""
    try:
        # A self-hosted messenger may live on a network with names of its own.
        found = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise ValueError(str(error)) from None
    if len(found.normalized) > EMAIL_LIMIT:
        raise ValueError(f"must have at most {EMAIL_LIMIT} characters")
    return found.normalized.lower()


def lower_text(value: object) -> object:
    """Handles are compared without case, so they are kept in lower case."""
    return value.strip().lower() if isinstance(value, str) else value


Email = Annotated[
    str, AfterValidator(parse_email), WithJsonSchema({"type": "string", "format": "email"})
]
Username = Annotated[
    str,
    BeforeValidator(lower_text),
    StringConstraints(pattern=r"^[a-z0-9_.-]{2,64}$"),
]
Password = Annotated[str, StringConstraints(max_length=1024)]


class NewAccount(WireModel):
    """A registration."""

    email: Email
    username: Username
    display_name: Text
    password: Password


class Account(WireModel):
    """What registration answers: `pending` until the email's link was used."""

    id: UUID
    username: str
    status: Literal["pending", "active"]


class Verification(WireModel):
    """The token of the link in the email."""

    token: Annotated[str, StringConstraints(max_length=128)]


class VerifiedAccount(WireModel):
    """An account whose address is proven."""

    id: UUID
    status: Literal["active"]
