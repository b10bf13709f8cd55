"""Pattern files: one MATCH_RECOGNIZE query each, under a header of ``-- key: value`` lines."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from patternalarm.contracts.alerts import Severity, SubjectType

PATTERNS_DIR: Final = Path(__file__).resolve().parent.parent.parent / "flink_jobs" / "patterns"

_HEADER_LINE: Final = re.compile(r"--\s*([a-z_]+):\s*(.*\S)\s*")
_HEADER_KEYS: Final = ("name", "version", "domain", "fraud_type", "severity", "subject_type", "reason")


class PatternError(ValueError):
    """A pattern file lacks a header key or names something unknown."""


@dataclass(frozen=True)
class Pattern:
    """A pattern: what a match means, and the query that finds it.

    ``sql`` reads the view ``events``: the event's fields, its amount in the pack's base currency, ``hit_event`` and the
    actor's features as ``feature_<name>``. It selects subject_id, first_event_time_ms, last_event_time_ms and events, an
    array of ``hit_event``. ``reason`` is the sentence that analysts read.
    """

    name: str
    version: str
    domain: str
    fraud_type: str
    severity: Severity
    subject_type: SubjectType
    reason: str
    sql: str


def parse_pattern(path: Path) -> Pattern:
    """Read one pattern file.

    Raises:
        PatternError: a header key is missing, or severity or subject_type is unknown.
    """
    text = path.read_text(encoding="utf-8")
    header: dict[str, str] = {}
    body = []
    for line in text.splitlines():
        match = _HEADER_LINE.fullmatch(line.strip())
        if match and match[1] in _HEADER_KEYS:
            header[match[1]] = match[2]
        elif not line.strip().startswith("--"):
            body.append(line)
    missing = [key for key in _HEADER_KEYS if key not in header]
    if missing:
        raise PatternError(f"pattern {path.name}: the header lacks {', '.join(missing)}")
    try:
        severity, subject = Severity(header["severity"]), SubjectType(header["subject_type"])
    except ValueError as error:
        raise PatternError(f"pattern {path.name}: {error}") from error
    return Pattern(
        name=header["name"],
        version=header["version"],
        domain=header["domain"],
        fraud_type=header["fraud_type"],
        severity=severity,
        subject_type=subject,
        reason=header["reason"],
        sql="\n".join(body).strip().rstrip(";"),
    )


def load_patterns(domain: str, directory: Path = PATTERNS_DIR) -> list[Pattern]:
    """The patterns of ``domain``, by name; none is no error."""
    patterns = [parse_pattern(path) for path in sorted(directory.glob("*.sql"))]
    return [pattern for pattern in patterns if pattern.domain == domain]


def pattern_set_of(patterns: list[Pattern]) -> str:
    """Hash of a set of patterns, 16 hex digits: an alert's passport names it."""
    text = "\x1f".join(f"{p.name}\x1e{p.version}\x1e{p.sql}" for p in sorted(patterns, key=lambda p: p.name))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
