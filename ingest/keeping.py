"""Arrays that are kept in the user's cache, so that they are computed once."""

import hashlib
import json
import os
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
import platformdirs


def name_of(*made_from: object) -> str:
    """A name for what is computed from something that JSON can write, of 16 signs; another for anything else."""
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()[:16]


def keep_arrays(folder: str, name: str, compute: Callable[[], Mapping[str, Any]]) -> Mapping[str, Any]:
    """Arrays by name from a folder of the user's cache, or computed and kept there; where none can be kept, computed.

    A file that cannot be read, one that was cut off for instance, is computed anew.
    """
    kept = platformdirs.user_cache_path("visavis") / folder / f"{name}.npz"
    with suppress(OSError, ValueError, zipfile.BadZipFile), np.load(kept, allow_pickle=False) as held:
        return dict(held)
    arrays = compute()
    beside = kept.with_name(f".{name}-{os.getpid()}.npz")
    with suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(beside, **arrays)
        beside.replace(kept)
    return arrays
