"""Memory that a long-lived server gives back: glibc keeps what threads free, in an arena for each, unless it is told.

Each index that is taken up starts threads of its own, and what the last one held was never given back: 10 MB a switch.
"""

import ctypes
import gc
import threading
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assistant.desk import Desk

M_ARENA_MAX = -8  # malloc.h of glibc
ARENAS = 2
LOOK_EVERY = 5.0


def limit_arenas() -> None:
    """Have all threads share a few arenas; to be called before there are threads. Elsewhere than on glibc, nothing."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Collect what nothing refers to, and give its memory back to the system."""
    gc.collect()
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):
        libc.malloc_trim(0)


def follow(desk: "Desk", stop: threading.Event) -> None:
    """Take up a new index as it comes, before anybody asks, and give back what the last one held, until `stop`."""
    last = weakref.ref(desk.assistant())
    while not stop.wait(LOOK_EVERY):
        if desk.assistant() is not last():
            last = weakref.ref(desk.assistant())
            give_back()
