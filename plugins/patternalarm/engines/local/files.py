"""Directories of scopes on this machine's disk."""

import shutil
from pathlib import Path

from patternalarm.contracts.runs import RUN_ID_PATTERN
from patternalarm.settings import Settings


class LocalFiles:
    """Port ``Files``.

    Args:
        settings: where the directories are.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def directory(self, scope: str) -> str:
        """See ``Files``."""
        return str(self._path(scope))

    def scopes(self) -> list[str]:
        """See ``Files``."""
        root = self._settings.runs_dir
        return sorted(folder.name for folder in root.iterdir()) if root.is_dir() else []

    def make(self, scope: str) -> str:
        """See ``Files``."""
        self._path(scope).mkdir(parents=True, exist_ok=True)
        return self.directory(scope)

    def exists(self, scope: str) -> bool:
        """See ``Files``."""
        return self._path(scope).is_dir()

    def remove(self, scope: str) -> None:
        """See ``Files``."""
        shutil.rmtree(self._path(scope), ignore_errors=True)

    def checkpoints(self, scope: str) -> str:
        """See ``Files``."""
        return (self._path(scope) / "checkpoints").absolute().as_uri()

    def _path(self, scope: str) -> Path:
        # A path for a name would let a removal reach beyond.
        if not RUN_ID_PATTERN.fullmatch(scope):
            raise ValueError(f"scope {scope!r}: use small letters, digits and '-'")
        return self._settings.runs_dir / scope
