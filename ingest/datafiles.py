"""What the program itself brings along: the files of `data/`, in a checkout and in an installed wheel alike."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from ingest.errors import VisavisError

INSTALLED = "visavis_data"
CHECKOUT = Path(__file__).resolve().parent.parent / "data"


def data_root() -> Traversable:
    """The folder of the program's own files: `visavis_data` of the wheel, or `data/` beside the rooms."""
    try:
        return resources.files(INSTALLED)
    except ModuleNotFoundError:
        return CHECKOUT


def data_file(name: str) -> Traversable:
    """The file or folder `name`, a path such as "manifest.toml" inside `data/`; raises VisavisError without it."""
    found = data_root().joinpath(name)
    if not (found.is_file() or found.is_dir()):
        raise VisavisError(f"the program's own file {name!r} is missing from {data_root()}; install Visavis again.")
    return found
