"""Pages of HTML from the templates of this package, each in one file that needs nothing else."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from hnlstat.run.files.folder import write_text
from hnlstat.version import __version__


def render(template: str, **content: Any) -> str:
    """Fill a template."""
    environment = Environment(
        loader=PackageLoader("hnlstat.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template(template).render(version=__version__, **content)


def embedded(picture: Path) -> str:
    """Give a PNG as the source of an image."""
    return f"data:image/png;base64,{base64.b64encode(picture.read_bytes()).decode('ascii')}"


def write_page(path: Path, text: str) -> Path:
    """Write a page, in which names of files may hold bytes that are no text.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    write_text(path, text.encode("utf-8", "replace").decode("utf-8"))
    return path
