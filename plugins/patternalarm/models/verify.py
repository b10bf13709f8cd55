"""Is a model directory whole, and of this pack? ``python -m patternalarm.models.verify --pack P --model DIR``."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from patternalarm.argument_parser import ArgumentParser
from patternalarm.contracts.domain_pack import DomainPack, load_pack
from patternalarm.contracts.exit_codes import ExitCode
from patternalarm.contracts.pack_folder import PackError
from patternalarm.models.metadata import FOREST_FILE, METADATA_FILE, ModelError, ModelMetadata, read_metadata

_REMEDY: Final = "train again with retrain_model"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_files(directory: Path, metadata: ModelMetadata) -> None:
    for relative, digest in sorted(metadata.files.items()):
        file = directory / relative
        if not file.is_file():
            raise ModelError(f"model {directory}: {relative} is missing; {_REMEDY}")
        if _sha256(file) != digest:
            raise ModelError(f"model {directory}: {relative} is cut short or altered; {_REMEDY}")
    present = {path.relative_to(directory).as_posix() for path in directory.rglob("*") if path.is_file()}
    # Spark reads whatever lies in the directory, so a file too many is as wrong as one too few.
    strange = sorted(present - set(metadata.files) - {METADATA_FILE})
    if strange:
        raise ModelError(f"model {directory}: {strange[0]} does not belong to it; remove it, or {_REMEDY}")
    if FOREST_FILE not in metadata.files:
        raise ModelError(f"model {directory}: {METADATA_FILE} lists no {FOREST_FILE}; {_REMEDY}")


def verify_model(directory: Path, pack: DomainPack) -> ModelMetadata:
    """Metadata of the model in ``directory``, once it is proven whole and made for ``pack``.

    Raises:
        ModelError: metadata unreadable; a file missing, altered or too many; another domain, feature set or other
            classes than the pack's.
    """
    metadata = read_metadata(directory)
    _check_files(directory, metadata)
    if metadata.domain != pack.name:
        raise ModelError(
            f"model {directory} is of domain {metadata.domain}, not {pack.name}; name a model of {pack.name}"
        )
    if metadata.feature_set != pack.feature_set or metadata.feature_names != pack.feature_names:
        raise ModelError(
            f"model {directory} reads feature set {metadata.feature_set}, pack {pack.name} {pack.version} computes "
            f"{pack.feature_set}; {_REMEDY}, or use the pack that the model was trained with"
        )
    if metadata.classes != pack.classes:
        raise ModelError(
            f"model {directory} knows the classes {', '.join(metadata.classes)}, pack {pack.name} has "
            f"{', '.join(pack.classes)}; {_REMEDY}"
        )
    return metadata


def main(argv: Sequence[str] | None = None) -> int:
    """Command line; exit code 2 when the model is not usable."""
    parser = ArgumentParser(prog="patternalarm.models.verify", description=__doc__)
    parser.add_argument("--pack", required=True, help="name or folder of a domain pack")
    parser.add_argument("--model", required=True, type=Path, help="model directory")
    arguments = parser.parse_args(argv)
    try:
        metadata = verify_model(arguments.model, load_pack(arguments.pack))
    except (PackError, ModelError) as error:
        sys.stderr.write(f"{error}\n")
        return ExitCode.BAD_INPUT
    sys.stdout.write(
        f"model {metadata.version} of {metadata.domain} is whole: {len(metadata.files)} files, "
        f"feature set {metadata.feature_set}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
