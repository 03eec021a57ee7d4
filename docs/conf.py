"""The site: Markdown pages, and a reference read from docstrings. Building it needs no network."""

from typing import Any

import kbplug
import kbplug.backend

project = "kbplug"
author = "The kbplug maintainers"
copyright = author
release = version = kbplug.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build"]
nitpicky = False

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
numpydoc_show_class_members = False
numpydoc_validation_checks = {"PR02"}

copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "kbplug"
html_sidebars = {name: [] for name in ("index", "tutorial", "architecture", "guide/*")}
html_show_copyright = False
html_show_sourcelink = False
html_theme_options = {"navigation_with_keys": True, "show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}


def skip(_app: Any, what: str, name: str, member: Any, *_: Any) -> bool | None:
    """Leave out what the modules of K share among themselves."""
    inside = getattr(member, "__module__", "") or ""
    if what == "module" and inside.startswith("kbplug.backend.") and not hasattr(kbplug.backend, name):
        return True
    return None


def setup(app: Any) -> None:
    """Hear of each member before it is documented."""
    app.connect("autodoc-skip-member", skip)
