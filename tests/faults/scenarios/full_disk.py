"""Kafka's disk is full for a while."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from typing import Final

from faults.evidence import Fault
from faults.load_test import LoadTest
from faults.platform_under_test import PlatformUnderTest
from faults.scenarios.scenario import Scenario
from faults.scenarios.steps import BACK_SECONDS
from faults.waiting import NothingCameError, wait_for

PART: Final = "kafka"
# Beside what is on it: more than a run of a minute writes.
_ROOM_BYTES: Final = 256 * 2**20
_FULL_SECONDS: Final = 40
_BLOCK_BYTES: Final = 2**16
_STOP_SECONDS: Final = 60


@dataclass(frozen=True, kw_only=True)
class FullDisk(Scenario):
    """Kafka's folder is a small disk of its own, which another file fills up and then leaves."""

    id: str = "full-disk-kafka"
    minutes: float = 2

    def why_not_here(self) -> str:
        """See ``Scenario``."""
        with tempfile.TemporaryDirectory() as place:
            tried = subprocess.run(
                ["mount", "-t", "tmpfs", "tmpfs", place], capture_output=True, text=True, check=False
            )
            if tried.returncode == 0:
                subprocess.run(["umount", place], check=True)
        return f"no small disk can be mounted: {tried.stderr.strip()}" if tried.returncode else ""

    @contextmanager
    def around(self, platform: PlatformUnderTest) -> Iterator[None]:
        """See ``Scenario``."""
        data = self._data(platform)
        aside = data.with_name("data.aside")
        platform.supervisor.stop([PART], _STOP_SECONDS)
        try:
            data.rename(aside)
            data.mkdir()
            size = _ROOM_BYTES + sum(file.stat().st_blocks * 512 for file in aside.rglob("*"))
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", data], check=True)
            subprocess.run(["cp", "-a", f"{aside}/.", data], check=True)
            platform.up()
            yield
        finally:
            platform.supervisor.stop([PART], _STOP_SECONDS)
            fresh = data.with_name("data.fresh")
            subprocess.run(["cp", "-a", data, fresh], check=True)
            subprocess.run(["umount", data], check=True)
            data.rmdir()
            fresh.rename(data)
            shutil.rmtree(aside)
            platform.up()

    def inject(self, platform: PlatformUnderTest, run: LoadTest) -> list[Fault]:
        """See ``Scenario``."""
        run.sleep_until(15)
        filler = self._data(platform).parent / "data" / "filler"
        at = datetime.now(UTC)
        said = ""
        try:
            _fill(filler)
            for _ in range(_FULL_SECONDS // 10):
                sleep(10)
                said += platform.status()
                _fill(filler)
        finally:
            filler.unlink()
        released = datetime.now(UTC)
        try:
            back = wait_for("working kafka", lambda: datetime.now(UTC) if platform.works(PART) else None, BACK_SECONDS)
        except NothingCameError:
            back = None
        named = ("no space", "disk is full", "full disk", "disk full")
        return [Fault(PART, f"full disk {_FULL_SECONDS} s", at, released, back, named, said)]

    @staticmethod
    def _data(platform: PlatformUnderTest) -> Path:
        return platform.settings.home.absolute() / "kafka" / "data"


def _fill(filler: Path) -> None:
    """Write until nothing fits any more; what was let go of meanwhile is taken too."""
    block = b"\0" * _BLOCK_BYTES
    try:
        with filler.open("ab", buffering=0) as file:
            while file.write(block):
                pass
    except OSError:
        return
