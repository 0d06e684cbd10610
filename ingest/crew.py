"""Who does the batches of a large job: this process, or the workers of Dask (the only door to distributed)."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ingest.errors import UsageError

if TYPE_CHECKING:
    from distributed import Client

AHEAD = 2  # batches that wait for each worker
TO_CONNECT = 10  # seconds

Batch = TypeVar("Batch")
Result = TypeVar("Result")


def do_all(
    work: Callable[[Batch], Result], batches: Iterable[Batch], workers: int, scheduler: str
) -> Iterator[tuple[Batch, Result]]:
    """The result of each batch: made here, or where there are `workers` or a `scheduler` by these, as they come.

    No more batches are taken than are under way. Raises UsageError where Dask is not installed or not there.
    """
    if workers <= 1 and not scheduler:
        yield from ((batch, work(batch)) for batch in batches)
        return
    with ExitStack() as opened:
        client = _open_client(workers, scheduler, opened)
        waiting = iter(batches)
        many = AHEAD * max(workers, len(client.scheduler_info()["workers"]), 1)
        going = deque((one, client.submit(work, one, pure=False)) for one in islice(waiting, many))
        while going:
            batch, future = going.popleft()
            result: Result = future.result()
            going.extend((one, client.submit(work, one, pure=False)) for one in islice(waiting, 1))
            yield batch, result


def _open_client(workers: int, scheduler: str, opened: ExitStack) -> "Client":
    if find_spec("distributed") is None:
        raise UsageError("--workers and --scheduler need the extra `bulk`: pip install 'visavis[bulk]'.")
    import dask
    from distributed import Client, LocalCluster

    # Each worker reads in processes of its own, which a daemon may not start; nothing but this machine hears them.
    dask.config.set({"distributed.worker.daemon": False})
    address: Any = scheduler
    if not scheduler:
        address = opened.enter_context(
            LocalCluster(  # type: ignore[no-untyped-call]
                n_workers=workers, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
            )
        )
    try:
        client: Client = opened.enter_context(Client(address, timeout=TO_CONNECT))  # type: ignore[no-untyped-call]
        return client
    except (OSError, ValueError) as error:
        raise UsageError(f"--scheduler {scheduler}: there is no Dask scheduler ({error}); start one.") from None
