"""What all messages have in common: strict, frozen, no unknown fields."""

from pydantic import BaseModel, ConfigDict


class Message(BaseModel):
    """A message; unknown fields are refused, values cannot change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Reply(BaseModel):
    """An answer of the hub; unknown fields are ignored, so that it may grow."""

    model_config = ConfigDict(extra="ignore", frozen=True)
