"""Pattern files: one MATCH_RECOGNIZE query each, under a header of ``-- key: value`` lines."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from patternalarm.contracts.alerts import Severity, SubjectType
from patternalarm.contracts.domain_pack import DomainPack
from patternalarm.contracts.pack_folder import pattern_files
from patternalarm.did_you_mean import did_you_mean

_HEADER_LINE: Final = re.compile(r"--\s*([A-Za-z_]+):(?!//)\s*(.*)")
_HEADER_KEYS: Final = ("name", "version", "fraud_type", "severity", "subject_type", "reason")
# Both stand in SQL and in alerts.
_WORDS: Final = {"name": re.compile(r"[a-z][a-z0-9_]*"), "version": re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")}
_FEATURE: Final = re.compile(r"\bfeature_(\w+)")

Choice = TypeVar("Choice", bound=StrEnum)


class PatternError(ValueError):
    """A pattern file lacks a header key or names something unknown; the message tells the line and the remedy."""


@dataclass(frozen=True)
class Pattern:
    """A pattern: what a match means, and the query that finds it.

    ``sql`` reads the view ``events``: the event's fields, its amount in the pack's base currency, ``hit_event`` and the
    actor's features as ``feature_<name>``. It selects subject_id, first_event_time_ms, last_event_time_ms and events, an
    array of ``hit_event``. ``reason`` is the sentence that analysts read.
    """

    name: str
    version: str
    fraud_type: str
    severity: Severity
    subject_type: SubjectType
    reason: str
    sql: str


@dataclass(frozen=True)
class _Header:
    """Values of a header's keys, and the lines that they stand in, from 1."""

    file: str
    values: dict[str, str]
    lines: dict[str, int]

    def fault(self, key: str, told: str) -> PatternError:
        return PatternError(f"pattern {self.file}: line {self.lines[key]}: {told}")

    def word(self, key: str) -> str:
        value = self.values[key]
        if not _WORDS[key].fullmatch(value):
            raise self.fault(key, f"{key} {value!r} cannot be: it matches {_WORDS[key].pattern}")
        return value

    def chosen(self, key: str, choices: type[Choice]) -> Choice:
        try:
            return choices(self.values[key])
        except ValueError:
            raise self.fault(key, did_you_mean(key, self.values[key], list(choices))) from None


def parse_pattern(path: Path, pack: DomainPack) -> Pattern:
    """Read one pattern file of ``pack``.

    Raises:
        PatternError: it cannot be read; a header key is missing, twice there or unknown; or fraud type, severity,
            subject type or a feature is.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PatternError(f"pattern {path.name} cannot be read: {error}") from error
    header = _header(path.name, lines)
    if header.values["fraud_type"] not in pack.fraud_types:
        raise header.fault("fraud_type", did_you_mean("fraud type", header.values["fraud_type"], pack.fraud_types))
    _check_features(path.name, lines, pack)
    return Pattern(
        name=header.word("name"),
        version=header.word("version"),
        fraud_type=header.values["fraud_type"],
        severity=header.chosen("severity", Severity),
        subject_type=header.chosen("subject_type", SubjectType),
        reason=header.values["reason"],
        sql="\n".join(line for line in lines if not _is_comment(line)).strip().rstrip(";"),
    )


def load_patterns(folder: Path, pack: DomainPack) -> list[Pattern]:
    """The patterns of the pack in ``folder``, by file name; none is no error.

    Raises:
        PackError: the folder of patterns is none, or holds something else.
        PatternError: see ``parse_pattern``; or two bear the same name.
    """
    found: dict[str, Pattern] = {}
    for file in pattern_files(folder):
        pattern = parse_pattern(file, pack)
        if pattern.name in found:
            raise PatternError(f"pattern {file.name}: another pattern of this pack is named {pattern.name}: rename one")
        found[pattern.name] = pattern
    return list(found.values())


def pattern_set_of(patterns: list[Pattern]) -> str:
    """Hash of a set of patterns, 16 hex digits: an alert's passport names it."""
    text = "\x1f".join(f"{p.name}\x1e{p.version}\x1e{p.sql}" for p in sorted(patterns, key=lambda p: p.name))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _is_comment(line: str) -> bool:
    return line.strip().startswith("--")


def _header(file: str, lines: list[str]) -> _Header:
    """The header: the comments that a file begins with."""
    values: dict[str, str] = {}
    places: dict[str, int] = {}
    for number, key, value in _header_lines(lines):
        if key not in _HEADER_KEYS:
            raise PatternError(f"pattern {file}: line {number}: {did_you_mean('header key', key, _HEADER_KEYS)}")
        if key in values:
            raise PatternError(
                f"pattern {file}: line {number}: {key} stands there twice, first in line {places[key]}: keep one of them"
            )
        if value:
            values[key], places[key] = value, number
    missing = [key for key in _HEADER_KEYS if key not in values]
    if missing:
        raise PatternError(
            f"pattern {file}: the header lacks {', '.join(missing)}: begin with a line -- {missing[0]}: …"
        )
    return _Header(file, values, places)


def _header_lines(lines: list[str]) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(lines, start=1):
        if line.strip() and not _is_comment(line):
            return
        if match := _HEADER_LINE.fullmatch(line.strip()):
            yield number, match[1], match[2].strip()


def _check_features(file: str, lines: list[str], pack: DomainPack) -> None:
    """A pattern runs beside the features of shared keys, so it knows those of the actor alone."""
    known = [feature.name for feature in pack.features if feature.key not in pack.shared_keys]
    fields = {field.name for field in pack.fields}
    for number, line in enumerate(lines, start=1):
        for named in _FEATURE.findall("" if _is_comment(line) else line):
            if named not in known and f"feature_{named}" not in fields:
                raise PatternError(
                    f"pattern {file}: line {number}: {did_you_mean('feature of the actor', named, known)}"
                )
