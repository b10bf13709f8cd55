"""What all requests and answers have in common: camelCase names, and texts that every store takes."""

from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic.alias_generators import to_camel

from patternalarm.contracts.bounds import MAX_ID_CHARACTERS

_LONGEST_NOTE: Final = 4_000


def _storable(text: str) -> str:
    if "\x00" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("a text has no NUL and no half of a character")
    return text


class Answer(BaseModel):
    """Base of answers."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, protected_namespaces=(), from_attributes=True
    )


class Asked(BaseModel):
    """Base of requests: a name that is not known is refused, as everywhere."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="forbid")


# Room for a subject made of three ids.
Name = Annotated[str, Field(min_length=1, max_length=4 * MAX_ID_CHARACTERS), AfterValidator(_storable)]

Note = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=_LONGEST_NOTE),
    AfterValidator(_storable),
]
