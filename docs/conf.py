"""The site: Sphinx with MyST; its tutorials are run while it is built, and it loads nothing."""

import os
from hashlib import sha256
from pathlib import Path

from hnlstat.reference import write_reference
from hnlstat.version import __version__

ROOT = Path(__file__).parent.parent


def code() -> str:
    """What the results of tutorials come of: kept ones are those of the same code."""
    files = [p for folder in ("hnlstat", "conf") for p in sorted((ROOT / folder).rglob("*.*"))]
    kept = (p.read_bytes() for p in files if p.is_file() and p.suffix != ".pyc")
    return sha256(b"".join(kept)).hexdigest()[:16]


project = "hnlstat"
author = "The hnlstat developers"
version = release = __version__
extensions = [
    "myst_nb", "sphinx_design", "sphinx_copybutton", "sphinx.ext.autodoc", "sphinx.ext.napoleon"
]  # fmt: skip
nitpicky = True

write_reference(ROOT / "docs" / "reference")  # configuration.md, from the keys and conf/
autodoc_member_order = "bysource"
autodoc_default_options = {"exclude-members": "model_config"}
napoleon_use_ivar = True
default_role = "code"  # as docstrings use backticks
nitpick_ignore_regex = [("py:.*", ".*")]  # types of other packages, and of rooms without a page

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3

nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "tutorials" / code())
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_merge_streams = True
os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # processes share the cores

# kernels start with figures for sharp screens, and a %%bash that stops where a command fails
STARTUP = """
import os, subprocess
os.environ.pop("FORCE_COLOR", None)
get_ipython().run_line_magic("config", "InlineBackend.figure_format = 'retina'")
def bash(line, cell):
    found = subprocess.run(["bash", "-euo", "pipefail", "-c", cell], capture_output=True, text=True)
    print(found.stdout.strip(), found.stderr.strip(), sep="\\n")
    found.check_returncode()
get_ipython().register_magic_function(bash, "cell")
"""
os.environ["IPYTHONDIR"] = str(ROOT / "build" / "ipython")
startup = ROOT / "build" / "ipython" / "profile_default" / "startup"
startup.mkdir(parents=True, exist_ok=True)
(startup / "site.py").write_text(STARTUP, encoding="utf-8")

html_theme = "furo"
html_title = "hnlstat"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_copyright = False
html_show_sourcelink = False
html_copy_source = False
