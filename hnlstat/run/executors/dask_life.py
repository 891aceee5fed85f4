"""Whether a Dask scheduler, and any of its workers, is alive."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hnlstat.errors import HnlstatError


def check_scheduler(address: str, timeout: float) -> None:
    """Ask what listens at an address who it is; Dask's own client may wait for its words for ever.

    Raises
    ------
    HnlstatError
        If that is no scheduler of Dask, or it says nothing in time.
    """
    try:
        with ThreadPoolExecutor(1) as thread:  # a loop may be running in this one, as in Jupyter
            kind = thread.submit(asyncio.run, _timed(address, timeout)).result()
    except Exception as error:  # as there are protocols
        reason = str(error) or f"no answer in {timeout:g} s"
    else:
        if kind == "Scheduler":
            return
        reason = f"it is a {str(kind)[:20]}"
    raise HnlstatError(
        f"executor.scheduler: {address} does not answer as a scheduler of Dask: {reason[:200]}"
    )


async def _timed(address: str, timeout: float) -> object:
    return await asyncio.wait_for(_kind(address, timeout), timeout)


async def _kind(address: str, timeout: float) -> object:
    from distributed.comm import connect

    comm = await connect(address, timeout=timeout)
    try:
        await comm.write({"op": "identity", "reply": True})
        return (await comm.read())["type"]
    finally:
        comm.abort()


class Watch:
    """Watches the signs of life that workers give their scheduler.

    A worker that is stopped stays on the scheduler's list for minutes.

    Parameters
    ----------
    client : of Dask
    timeout : seconds without any sign of life, after which there is no worker; None: never
    """

    def __init__(self, client: Any, timeout: float | None) -> None:
        self._client = client
        self._timeout = timeout
        self.pause = 5.0 if timeout is None else min(timeout / 4, 5.0)
        self._seen: dict[str, object] = {}
        self._last = time.monotonic()

    def workers(self) -> list[str]:
        """Addresses of the workers.

        Raises
        ------
        HnlstatError
            If none has shown life for too long, as far as the scheduler says.
        """
        try:
            found = self._client.sync(self._client.scheduler.identity, callback_timeout=self.pause)
            seen = {address: worker["last_seen"] for address, worker in found["workers"].items()}
        except (TimeoutError, OSError):
            seen = self._seen  # so that it counts as no sign of life
        if seen and seen != self._seen:
            self._last = time.monotonic()
        self._seen = seen
        if self._timeout is not None and time.monotonic() - self._last > self._timeout:
            raise HnlstatError(
                f"no Dask worker in {self._timeout:g} s; start some, or raise executor.timeout"
            )
        return list(self._seen)
