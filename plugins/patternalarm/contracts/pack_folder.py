"""Where a domain pack is: one folder, shipped or anybody's own, that holds all there is to a domain.

    payments/pack.yaml         fields, clocks, fraud types, features (``domain_pack.DomainPack``)
    payments/patterns/*.sql    sequences of events that are fraud, if there are any (``patternalarm.patterns``)
    payments/activity.py       synthetic activity, if load tests shall play it (``generator.activity.domain_model``)

Whatever else lies in the folder is its owner's, and never read.
"""

import shutil
from pathlib import Path
from typing import Final

from patternalarm.did_you_mean import did_you_mean, nearest

PACKS_DIR: Final = Path(__file__).resolve().parent.parent / "domains"

PACK_FILE: Final = "pack.yaml"
PATTERNS_FOLDER: Final = "patterns"
PATTERN_SUFFIX: Final = ".sql"
ACTIVITY_FILE: Final = "activity.py"


class PackError(ValueError):
    """A pack is missing, or says something that cannot be."""


def pack_names() -> tuple[str, ...]:
    """Names of the packs that ship with the platform, sorted."""
    return tuple(sorted(file.parent.name for file in PACKS_DIR.glob(f"*/{PACK_FILE}")))


def generated_domains(directory: Path = PACKS_DIR) -> list[str]:
    """Domains whose events the generator makes, sorted: the packs that have an activity.

    Reads no file: every task of a DAG pays for what the DAG's file does at import.
    """
    return sorted(file.parent.name for file in directory.glob(f"*/{ACTIVITY_FILE}"))


def is_path(name_or_path: str) -> bool:
    """Whether this is the path of a folder, and not the name of a shipped pack: it has a slash in it."""
    return "/" in name_or_path or name_or_path in (".", "..", "~")


def find_pack(name_or_path: str | Path) -> Path:
    """The folder of a pack: a shipped one by its name, any by a ``Path``, or a path with a slash in it, like ``./toll``.

    Raises:
        PackError: there is none, or one of its parts is misspelt or lies elsewhere; the message tells the remedy.
    """
    if isinstance(name_or_path, Path) or is_path(name_or_path):
        folder = Path(name_or_path).expanduser().resolve()
    elif name_or_path in pack_names():
        folder = PACKS_DIR / name_or_path
    else:
        raise PackError(_unknown(name_or_path))
    if not folder.is_dir():
        raise PackError(_no_folder(folder))
    try:
        _check_parts({entry.name for entry in folder.iterdir() if not _is_passed_over(entry)}, folder)
    except OSError as error:
        raise PackError(f"domain pack {folder} cannot be read: {error.strerror}") from error
    return folder


def pattern_files(folder: Path) -> list[Path]:
    """The pack's pattern files, by name; none is no error.

    Raises:
        PackError: ``patterns`` is no folder, or something in it is no pattern file.
    """
    patterns = folder / PATTERNS_FOLDER
    if not patterns.exists():
        return []
    if not patterns.is_dir():
        raise PackError(
            f"domain pack {folder}: {PATTERNS_FOLDER} is a file: make it a folder of {PATTERN_SUFFIX} files"
        )
    files = sorted(file for file in patterns.iterdir() if not _is_passed_over(file))
    for file in files:
        if file.suffix != PATTERN_SUFFIX or not file.is_file():
            raise PackError(
                f"domain pack {folder}: {PATTERNS_FOLDER}/{file.name} is no {PATTERN_SUFFIX} file: rename it, or take it away"
            )
    return files


def find_activity(folder: Path) -> Path:
    """The pack's file of synthetic activity.

    Raises:
        PackError: it has none.
    """
    file = folder / ACTIVITY_FILE
    if not file.is_file():
        raise PackError(
            f"domain pack {folder} has no {ACTIVITY_FILE}, so there is nobody to make its events: add one, or replay a file of"
            " yours with it (make replay FILE=… PACK=…)"
        )
    return file


def copy_pack(folder: Path, copy: Path) -> None:
    """Copy what a pack is made of into the new folder ``copy``, which no edit of ``folder`` reaches.

    Raises:
        PackError: a file cannot be read, or ``copy`` cannot be written.
    """
    files = [folder / PACK_FILE, folder / ACTIVITY_FILE, *pattern_files(folder)]
    try:
        copy.mkdir(parents=True)
        for file in files:
            if file.exists():
                target = copy / file.relative_to(folder)
                target.parent.mkdir(exist_ok=True)
                shutil.copyfile(file, target)
    except OSError as error:
        raise PackError(f"domain pack {folder} cannot be copied to {copy}: {error.strerror}") from error


def _unknown(name: str) -> str:
    if Path(name).suffix in (".yaml", ".yml"):
        return f"a domain pack is a folder with a {PACK_FILE}: {_remedy_for_file(Path(name))}"
    if Path(name).is_dir():
        return f"there is no domain pack {name} among the platform's: for the folder of that name write ./{name}"
    return did_you_mean("domain pack", name, [*pack_names(), "the path of a folder, like ./mine"])


def _no_folder(path: Path) -> str:
    if path.is_file():
        return f"a domain pack is a folder with a {PACK_FILE}, and {path} is a file: {_remedy_for_file(path)}"
    names = ", ".join(pack_names())
    return f"there is no folder {path} of a domain pack: see to its path, or use one of {names}"


def _remedy_for_file(file: Path) -> str:
    if file.name == PACK_FILE:
        folder = str(file.parent)
        return f"give its folder, {folder if '/' in folder else './'}"
    return f"put {file.name} into a folder of its own as {PACK_FILE}, and give the path of that folder"


def _check_parts(there: set[str], folder: Path) -> None:
    """Refuse a part under another name than its own, which would be passed over without a word."""
    known = (PACK_FILE, PATTERNS_FOLDER, ACTIVITY_FILE)
    for name in sorted(there - set(known)):
        meant = nearest(name, known)
        if meant and meant not in there:
            raise PackError(f"domain pack {folder}: {did_you_mean('part', name, known)}")
    if PACK_FILE not in there:
        raise PackError(f"domain pack {folder}: there is no {PACK_FILE} in it: add it, or see to the path")


def _is_passed_over(entry: Path) -> bool:
    """Hidden files, and what editors and Python leave behind."""
    return entry.name.startswith((".", "__")) or entry.name.endswith("~")
