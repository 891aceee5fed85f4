"""Addresses behind which there is no scheduler of Dask."""

import contextlib
import gc
import socket
import threading
import time

import pytest

from hnlstat.config.base import validate
from hnlstat.config.executor import Dask
from hnlstat.errors import ConfigError, HnlstatError
from hnlstat.run.executors.dask_life import Watch, check_scheduler


@pytest.fixture(params=[None, b"HTTP/1.0 400 Bad Request\r\n\r\n"], ids=["silent", "web"])
def port(request):
    """Of a server that says nothing, or what a web server says."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            with contextlib.suppress(OSError):
                while True:
                    with server.accept()[0] as connection:
                        connection.recv(1000)
                        connection.sendall(request.param)

        if request.param:
            threading.Thread(target=answer, daemon=True).start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # Dask leaves its socket to the collector
@pytest.mark.parametrize("scheme", ["", "tls://"])
def test_what_is_no_scheduler_is_told_in_time(port, scheme):
    started = time.monotonic()
    with pytest.raises(HnlstatError, match="does not answer as a scheduler of Dask: ") as error:
        check_scheduler(f"{scheme}127.0.0.1:{port}", 0.5)
    assert time.monotonic() - started < 10
    assert "\n" not in str(error.value)
    gc.collect()


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "tcp://", "a b:1", "inproc://x:1", ":1"])
def test_other_addresses_are_refused(address):
    settings = {"kind": "dask", "scheduler": address, "workers": 1, "timeout": 1}
    with pytest.raises(ConfigError, match="is not an address of a scheduler"):
        validate(Dask, settings)


class Client:
    """A client whose scheduler has one worker, last seen at given times; None: says nothing."""

    def __init__(self, *seen):
        self.scheduler = self
        self.seen = list(seen)

    def identity(self):
        return {}

    def sync(self, *_, **__):
        found = self.seen.pop(0) if len(self.seen) > 1 else self.seen[0]
        if found is None:
            raise TimeoutError
        return {"workers": {} if found == "none" else {"tcp://a:1": {"last_seen": found}}}


@pytest.mark.parametrize("last", [7.0, None, "none"])
def test_workers_that_give_no_sign_of_life_are_none(last):
    watch = Watch(Client(1.0, 2.0, 3.0, last), timeout=0.2)

    def wait():
        while True:
            watch.workers()
            time.sleep(0.02)

    started = time.monotonic()
    with pytest.raises(HnlstatError, match=r"no Dask worker in 0\.2 s"):
        wait()
    assert 0.2 < time.monotonic() - started < 5


def test_workers_that_live_are_waited_for():
    watch = Watch(Client(*range(100)), timeout=0.2)
    for _ in range(20):
        assert watch.workers() == ["tcp://a:1"]
        time.sleep(0.02)
