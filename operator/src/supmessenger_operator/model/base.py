"""The base of every model: frozen, camelCase outside, tolerant of newer resources."""

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict


class Model(BaseModel):
    """A frozen value. Unknown fields are ignored: a newer CRD may meet an older operator."""

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
    )


def build_rule(rule: str, message: str) -> JsonDict:
    """Return one CEL validation; the API server shows `message` when `rule` is false."""
    return {"rule": rule, "message": message}
