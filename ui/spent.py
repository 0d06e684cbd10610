"""Ids that are good no more, as servers that share a folder tell each other: a file for each, named by its hash."""

from dataclasses import dataclass
from hashlib import sha256
from os import utime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SpentIds:
    """The ids that a folder remembers, each for `life` seconds; what cannot be read or written raises OSError."""

    folder: Path
    life: float

    def add(self, name: str, now: float) -> bool:
        """Remember an id, and forget those whose time is over; False where it is remembered already."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._forget(now)
        file = self._file(name)
        try:
            file.touch(0o600, exist_ok=False)
        except FileExistsError:
            return False
        utime(file, (now, now))
        return True

    def holds(self, name: str) -> bool:
        """Whether an id is remembered."""
        try:
            self._file(name).stat()
        except FileNotFoundError:
            return False
        return True

    def _file(self, name: str) -> Path:
        return self.folder / sha256(name.encode()).hexdigest()

    def _forget(self, now: float) -> None:
        for file in self.folder.iterdir():
            try:
                if file.stat().st_mtime + self.life < now:
                    file.unlink()
            except FileNotFoundError:
                continue
