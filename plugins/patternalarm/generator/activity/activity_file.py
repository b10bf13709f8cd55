"""A pack's ``activity.py``: found, imported by its path, and held to its pack."""

import hashlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Final

import numpy as np

from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.events import COMMON_FIELDS
from patternalarm.contracts.pack_folder import find_activity, find_pack
from patternalarm.did_you_mean import did_you_mean
from patternalarm.generator.activity.domain_model import DomainModel

_FEW_ACTORS: Final = 200


class ActivityError(ValueError):
    """An activity that does not play; the message names file and line."""


def load_activity(name_or_path: str | Path) -> type[DomainModel]:
    """The activity of a pack: the class that its ``activity.py`` names ``MODEL``.

    The file is run: whoever names a folder of their own has chosen to run what is in it. It is imported by its path and
    alone, so it takes nothing else from its folder.

    Raises:
        PackError: there is no such pack, or it has no activity.
        ActivityError: its file cannot be imported, or makes no ``DomainModel``.
    """
    return _imported(find_activity(find_pack(name_or_path)))


def check_activity(model: type[DomainModel], pack: DomainPack) -> None:
    """Let a few actors of ``model`` get ready, and check that what they would do is known to ``pack``.

    Raises:
        ActivityError: they cannot, or it is not.
    """
    fields = [field.name for field in COMMON_FIELDS] + [field.name for field in pack.fields]
    told = [did_you_mean("event field", column.name, fields) for column in model.columns if column.name not in fields]
    file = Path(inspect.getfile(model))
    with _told_with_its_line(file):
        scenarios = model(np.random.default_rng(0), _FEW_ACTORS).scenarios()
    told += [
        f"scenario {scenario.name}: {did_you_mean('fraud type', scenario.fraud_type, pack.fraud_types)}"
        for scenario in scenarios
        if scenario.fraud_type not in pack.fraud_types
    ]
    if told:
        raise ActivityError(f"{_told(file)}: {told[0]}")


@cache
def _imported(file: Path) -> type[DomainModel]:
    # Under a name of its own, by which dataclasses and pickles of the file find it.
    name = f"patternalarm_activity_{hashlib.sha256(str(file).encode()).hexdigest()[:16]}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise ActivityError(f"{_told(file)} cannot be imported")
    module = module_from_spec(spec)
    sys.modules[name] = module
    with _told_with_its_line(file):
        spec.loader.exec_module(module)
    model = getattr(module, "MODEL", None)
    if not (isinstance(model, type) and issubclass(model, DomainModel)):
        raise ActivityError(f"{_told(file)} names no MODEL: end it with MODEL = <its DomainModel class>")
    absent = sorted(getattr(model, "__abstractmethods__", ()))
    absent += [attribute for attribute in ("columns", "segments") if not hasattr(model, attribute)]
    if absent:
        raise ActivityError(f"{_told(file)}: {model.__name__} lacks {', '.join(absent)}")
    return model


@contextmanager
def _told_with_its_line(file: Path) -> Iterator[None]:
    """Whatever the code in ``file`` raises, as an ``ActivityError`` with its line."""
    try:
        yield
    except Exception as error:
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
        if isinstance(error, SyntaxError) and error.filename == str(file):
            lines.append(error.lineno)
        place = f"line {lines[-1]}: " if lines else ""
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise ActivityError(f"{_told(file)}: {place}{said}") from error


def _told(file: Path) -> str:
    return f"activity {file.parent.name}/{file.name}"
