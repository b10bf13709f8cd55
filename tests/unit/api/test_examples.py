"""Examples of the documentation are what the API takes and answers."""

import pytest
from pydantic import BaseModel

from patternalarm.api.application import create_app
from patternalarm.settings import Settings


def shown() -> dict[str, tuple[type[BaseModel], object]]:
    """Every model of ours that shows an example, by its name."""
    create_app(Settings(session_password="test"))
    found: dict[str, tuple[type[BaseModel], object]] = {}
    known = list(BaseModel.__subclasses__())
    while known:
        model = known.pop()
        known += model.__subclasses__()
        extra = model.model_config.get("json_schema_extra")
        if model.__module__.startswith("patternalarm.api.") and isinstance(extra, dict) and "examples" in extra:
            found |= {f"{model.__name__} {n}": (model, one) for n, one in enumerate(extra["examples"])}
    return found


SHOWN = shown()


def test_there_are_examples():
    assert len(SHOWN) > 15


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_is_valid(name):
    model, example = SHOWN[name]
    model.model_validate(example)
