"""A YAML file read into a model, with every fault told as one sentence that a person can act on: line, place, remedy."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from patternalarm.did_you_mean import did_you_mean

Model = TypeVar("Model", bound=BaseModel)
Location = tuple[int | str, ...]

_MOST_FAULTS_TOLD: Final = 5


class PackFileError(ValueError):
    """The file is no YAML or not what the model asks for; the message tells each fault with its line."""


def read_model(path: Path, model: type[Model]) -> Model:
    """``path`` as a ``model``.

    Raises:
        PackFileError: it cannot be read, is no YAML, has a key twice, or is not what ``model`` asks for.
    """
    tree = _tree(path)
    if not isinstance(tree, yaml.MappingNode):
        raise PackFileError(f"it holds no keys: begin it with {', '.join(list(model.model_fields)[:3])} and so on")
    _refuse_repeated_keys(tree)
    content = _content(tree)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        told = [_fault(fault, tree, model) for fault in error.errors(include_url=False)]
        more = [f"and {len(told) - _MOST_FAULTS_TOLD} faults more"] if len(told) > _MOST_FAULTS_TOLD else []
        raise PackFileError("; ".join(told[:_MOST_FAULTS_TOLD] + more)) from error


def _tree(path: Path) -> yaml.Node | None:
    try:
        return yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except OSError as error:
        raise PackFileError(f"it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PackFileError(f"byte {error.start} is no UTF-8: save the file as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        raise PackFileError(_yaml_fault(error)) from error
    except yaml.YAMLError as error:
        raise PackFileError(" ".join(str(error).split())) from error


def _content(tree: yaml.Node) -> Any:
    try:
        return yaml.SafeLoader("").construct_document(tree)
    except yaml.MarkedYAMLError as error:
        raise PackFileError(_yaml_fault(error)) from error
    except ValueError as error:
        # What looks like a time is read as one.
        raise PackFileError(f"{error}: put what looks like a time in quotes") from error


def _yaml_fault(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    line = f"line {mark.line + 1}: " if mark else ""
    return f"{line}{error.problem or error.context}: see to its indentation, colons and quotes"


def _refuse_repeated_keys(tree: yaml.Node) -> None:
    for mapping in _mappings(tree):
        lines: dict[str, int] = {}
        for key in (key for key, _ in mapping.value if isinstance(key, yaml.ScalarNode)):
            if key.value in lines:
                raise PackFileError(
                    f"line {key.start_mark.line + 1}: {key.value} stands there twice, first in line {lines[key.value]}: "
                    "keep one of them"
                )
            lines[key.value] = key.start_mark.line + 1


def _mappings(root: yaml.Node) -> Iterator[yaml.MappingNode]:
    """Every mapping of a document once, though aliases may lead to it many times, or in a circle."""
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            yield node
            waiting += [part for pair in reversed(node.value) for part in reversed(pair)]
        elif isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)


def _fault(fault: ErrorDetails, tree: yaml.Node, model: type[BaseModel]) -> str:
    location = fault["loc"]
    told = f"line {_line(tree, location)}: "
    if fault["type"] == "extra_forbidden":
        known = _model_at(model, location[:-1]).model_fields
        inside = f" in {_place(location[:-1])}" if location[:-1] else ""
        return f"{told}{did_you_mean('key', str(location[-1]), known)}{inside}"
    if fault["type"] == "missing":
        inside = f" in {_place(location[:-1])}" if location[:-1] else ""
        return f"{told}the key {location[-1]} is missing{inside}: add it"
    message = fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    if fault["type"] == "value_error":
        return f"{told}{_place(location)}: {message}" if location else f"{told}{message}"
    remedy = (
        ": put it in quotes" if fault["type"] == "string_type" and not isinstance(fault["input"], dict | list) else ""
    )
    should = message.removeprefix("Input ")
    return f"{told}{_place(location)} {should}, not {_short(fault['input'])}{remedy}"


def _place(location: Location) -> str:
    """A location as people write it: ``features[3].window``."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return text.removeprefix(".")


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _line(tree: yaml.Node, location: Location) -> int:
    """Line of what stands at ``location``, or of the last part of the way to it that is there; from 1."""
    line, node = tree.start_mark.line, tree
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        line, node = found
    return int(line) + 1


def _child(node: yaml.Node, part: int | str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line, node.value[part]
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line, value
    return None


def _model_at(model: type[BaseModel], location: Location) -> type[BaseModel]:
    """The model of what stands at ``location``, as far as the types tell."""
    is_key = False
    for part in location:
        if isinstance(part, int) or is_key or part not in model.model_fields:
            is_key = False
            continue
        annotation = model.model_fields[part].annotation
        is_key = get_origin(annotation) is dict
        model = next(_models_in(annotation), model)
    return model


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    arguments: Sequence[Any] = get_args(annotation)
    for argument in arguments:
        yield from _models_in(argument)
