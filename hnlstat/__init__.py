"""Statistical inference for heavy neutral leptons: what a detector excludes and could discover.

In scripts and notebooks:

    import hnlstat
    study = hnlstat.study(detector="nd280_upgrade")
    result = hnlstat.run(study)
    result.limits, result.figure()

and stage by stage: `simulate(study)`, `likelihood(study, yields)`, `limits(study, likelihood)` and
`fit(study, likelihood)`. Each is loaded when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from hnlstat.version import __version__

if TYPE_CHECKING:
    from hnlstat import errors as errors
    from hnlstat.api import fit as fit
    from hnlstat.api import likelihood as likelihood
    from hnlstat.api import limits as limits
    from hnlstat.api import run as run
    from hnlstat.api import simulate as simulate
    from hnlstat.api import study as study

__all__ = ["__version__", "errors", "fit", "likelihood", "limits", "run", "simulate", "study"]

ROOMS = ("likelihood", "run")
"""Functions that have the name of a part of the package: its module can be called."""


class _Room(ModuleType):
    """A part of the package, and the function of its name."""

    @property
    def __wrapped__(self) -> Any:
        return getattr(import_module("hnlstat.api"), self.__name__.rpartition(".")[2])

    @property
    def __doc__(self) -> str:  # type: ignore[override]
        return str(self.__wrapped__.__doc__)

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        return self.__wrapped__(*arguments, **settings)

    def __reduce__(self) -> tuple[Any, ...]:
        return import_module, (self.__name__,)


class _Package(ModuleType):
    """The package, into which Python puts its parts when they are loaded."""

    def __setattr__(self, name: str, value: object) -> None:
        if name in ROOMS and isinstance(value, ModuleType):
            value.__class__ = _Room
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


if not TYPE_CHECKING:  # which knows the names above, and no others

    def __getattr__(name: str) -> Any:
        if name in ROOMS or name == "errors":
            return import_module(f"hnlstat.{name}")
        if name in __all__:
            return getattr(import_module("hnlstat.api"), name)
        raise AttributeError(f"module 'hnlstat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__]
