"""A job that does as it is told: what the contract suite of the ports runs on every target.

``python -m patternalarm.engines.rehearsal [--say TEXT] [--ready-after S --ready-file FILE] [--seconds S] [--exit-code N]``.
Exit code: the one asked for; 0 when it was asked to stop.
"""

import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from patternalarm.argument_parser import ArgumentParser


def _obey(*_: object) -> None:
    sys.stdout.write("stopped as asked\n")
    sys.stdout.flush()
    sys.exit(0)


def main(argv: Sequence[str] | None = None) -> int:
    """Command line."""
    parser = ArgumentParser(prog="patternalarm.engines.rehearsal", description=__doc__)
    parser.add_argument("--say", default="", help="what to write first")
    parser.add_argument("--ready-file", type=Path, help="file to make when ready")
    parser.add_argument("--ready-after", type=float, default=0, help="seconds until ready")
    parser.add_argument("--seconds", type=float, default=0, help="how long to run after that")
    parser.add_argument("--exit-code", type=int, default=0)
    asked = parser.parse_args(argv)
    signal.signal(signal.SIGTERM, _obey)
    sys.stdout.write(f"{asked.say}\n")
    sys.stdout.flush()
    time.sleep(asked.ready_after)
    if asked.ready_file:
        asked.ready_file.touch()
    time.sleep(asked.seconds)
    exit_code: int = asked.exit_code
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
