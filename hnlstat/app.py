"""The command line: compose the configuration, check it, run the task."""

import gc
import os
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hnlstat.errors import ConfigError, FigureError, HnlstatError, memory_in_a_line
from hnlstat.system.arguments import own_folder_first
from hnlstat.system.interrupts import interruption, stopped_in_order
from hnlstat.system.memory import KEPT, keep_freed
from hnlstat.system.shipped import conf_dir, help_text
from hnlstat.system.streams import own_streams
from hnlstat.version import __version__

if TYPE_CHECKING:
    from hydra.conf import HydraConf
    from omegaconf import DictConfig

USER_ERROR, KILLED, LOST = 2, 128, 1
"""Exit status for what a user can put right, what is added to the number of a signal, and for lost
words."""

LONGEST_LINE = 900
"""Characters of a complaint, which may quote what somebody has pasted."""

USER_ERRORS = HnlstatError, OSError
"""What the user can put right; all else is a fault of the program and keeps its traceback."""


class _Ended(SystemExit):
    """The end of a job, whose line is printed: nothing of Hydra's comes behind it."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """
    Run the command line; errors that a user can cause become one line on stderr.

    Parameters
    ----------
    argv
        Arguments in place of those of the process: Hydra's flags, group=option and key=value.

    Returns
    -------
    int
        Exit status: 0, 2 for an error of the user's, 130 after Ctrl-C, 143 after SIGTERM, and 1 if
        a part is missing: jobs of a sweep, a figure, or words that stdout could not take (a full
        disk). A reader that goes away (`| head -1`) is none: all files are written, and nobody asks
        for more words.
    """
    # one thread per process: the work is spread over processes, whose threads would compete, and
    # sums in another order would change the last digit
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    keep_freed()
    # so do Dask's workers, whose own setting gives it back at once
    for limit, (_, size) in KEPT.items():
        os.environ.setdefault(f"MALLOC_{limit}_THRESHOLD_", str(size))
    # a notebook's would not load here; we draw into files only
    os.environ["MPLBACKEND"] = "agg"
    # loading code and drawing make many objects and no garbage to look for
    gc.set_threshold(1_000_000, 50, 100)
    arguments = list(sys.argv[1:] if argv is None else argv)
    with own_streams() as out:
        status = _answer(arguments)
        out.flush()
        if out.error is not None and status == 0:
            status = _complain(f"stdout: {out.error.strerror}: words are lost, no file is", LOST)
    return status


def _answer(arguments: list[str]) -> int:
    """Do what is asked for; gives the exit status."""
    if "--version" in arguments:
        print(f"hnlstat {__version__}")
        return 0
    try:
        if arguments in (["--help"], ["-h"]):
            print(help_text())
        elif any(re.match("--docs(=|$)", argument) for argument in arguments):
            from hnlstat.reference.terminal import show

            show(arguments)
        else:
            with stopped_in_order(), memory_in_a_line():
                _run_hydra(arguments)
    except _Ended as ended:
        return ended.status
    except SystemExit as stop:  # Hydra's own, after a line that says why; 1 has a meaning here
        return USER_ERROR if stop.code == 1 else int(stop.code or 0)
    except (KeyboardInterrupt, Exception) as error:
        if (end := interruption(error)) is not None:
            return _complain("interrupted", KILLED + getattr(end, "number", signal.SIGINT))
        if not isinstance(error, USER_ERRORS):
            raise
        return _complain(error, getattr(error, "status", USER_ERROR))
    return 0


def _complain(reason: object, status: int = USER_ERROR) -> int:
    print(f"hnlstat: {_line(reason)}", file=sys.stderr)
    return status


def _line(reason: object) -> str:
    if isinstance(reason, OSError):
        reason = f"{reason.filename or 'system'}: {reason.strerror or reason}"
    line = " ".join(str(reason).split())
    return line if len(line) <= LONGEST_LINE else f"{line[:LONGEST_LINE]} ..."


def _run_hydra(arguments: list[str]) -> None:
    folder, rest, options = own_folder_first(arguments, conf_dir())
    try:
        with _as_process(rest):
            if _plain(rest):
                _run_once(rest)
            else:
                _run_as_asked(folder, sweep=options.multirun)
    except Exception as error:
        overrides = [f"hydra.searchpath=['file://{folder}']", *options.overrides]
        reason = _composition_error(error, overrides)
        if reason is None:
            raise
        raise ConfigError(reason) from None


def _composition_error(error: Exception, overrides: list[str]) -> str | None:
    """Say why a configuration does not compose; None for an error of another kind."""
    from hnlstat.config.explain import COMPOSITION_ERRORS, explain  # only now: it brings pydantic

    return explain(error, overrides) if isinstance(error, COMPOSITION_ERRORS) else None


def _plain(arguments: list[str]) -> bool:
    """Whether one run of the shipped configuration is asked for: no flags, nothing of Hydra's."""
    return not any(re.match(r"-|[+~]*hydra\b", argument) for argument in arguments)


def _run_once(overrides: list[str]) -> None:
    """Run one job; `hydra.main` would compose twice, to see first whether it is a sweep."""
    from hnlstat.system.conf_search import shipped_session

    with shipped_session() as hydra:
        hydra.run("config", _task, overrides)


def _run_as_asked(folder: Path, *, sweep: bool) -> None:
    """Do what Hydra's flags and settings say: a job, a sweep, or something to print."""
    import hydra

    from hnlstat.system.checked_loader import installed

    decorate = hydra.main(config_path=str(folder), config_name="config", version_base="1.3")
    with installed():
        if sweep:
            _sweep(decorate(_task))
        else:
            decorate(_task)()


@contextmanager
def _as_process(arguments: list[str]) -> Iterator[None]:
    """Show Hydra these arguments, and have it pass errors on rather than print them."""
    before = sys.argv, os.environ.get("HYDRA_FULL_ERROR")
    sys.argv = [sys.argv[0], *arguments]
    os.environ["HYDRA_FULL_ERROR"] = "1"
    try:
        yield
    finally:
        sys.argv = before[0]
        if before[1] is None:
            del os.environ["HYDRA_FULL_ERROR"]
        else:
            os.environ["HYDRA_FULL_ERROR"] = before[1]


def _sweep(run: Callable[[], None]) -> None:
    """Run the jobs of a sweep and say how it went, even if its launcher stops on the way.

    Raises
    ------
    SweepError
        If a job failed.
    """
    from hnlstat.run import sweep

    try:
        run()
    except Exception as error:
        folder = sweep.SweepFolder.latest
        if folder is None:
            raise
        if not (folder / sweep.JOBS).is_dir():  # before any job
            sweep.discard()
            raise
        _complain(f"the launcher stopped: {error}")
    if folder := sweep.SweepFolder.latest:
        sweep.report(folder)


def _task(config: "DictConfig") -> None:
    """Run one job; an error of the user's ends it here, or Hydra would add lines of its own."""
    from hydra.core.hydra_config import HydraConfig
    from hydra.types import RunMode

    hydra = HydraConfig.get()
    if hydra.mode == RunMode.MULTIRUN:
        _recorded(config, hydra)
        return
    try:
        _run(config, hydra)
    except USER_ERRORS as error:
        raise _Ended(_complain(error, getattr(error, "status", USER_ERROR))) from None


def _recorded(config: "DictConfig", hydra: "HydraConf") -> None:
    """Run a job of a sweep and write down how it ended; an error does not stop the others."""
    from hnlstat.run import sweep

    sweep.clear(hydra)
    folder, reason = None, None
    try:
        folder = _run(config, hydra)
    except FigureError as error:  # its results are there
        folder = error.folder
        _complain(error)
    except USER_ERRORS as error:
        reason = _line(error)
        _complain(reason)
    except Exception as error:
        reason = f"fault of the program: {type(error).__name__}: {_line(error)}"
        traceback.print_exc()
    sweep.record(hydra, folder, reason)


def _run(config: "DictConfig", hydra: "HydraConf") -> Path | None:
    """Check the configuration and run it; gives the folder of the results, if there is one."""
    with memory_in_a_line():
        from hnlstat.studies import from_config

        study = from_config(config, hydra)
        from hnlstat.system.screen import Screen, Words
        from hnlstat.tasks import running  # only now: it brings everything else

        # as hnlstat.run, but for its second look at a study that nobody can have changed
        outcome = running.run(study, screen=Screen(), progress=Words())
    outcome.check_drawn()
    return outcome.folder
