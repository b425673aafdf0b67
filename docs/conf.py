"""Sphinx settings: `make docs`. The build needs no network and the pages load nothing from elsewhere."""

from __future__ import annotations

import builtins
import enum
import importlib
import inspect
import re
import sys
import zlib
from pathlib import Path

import attrs
from docutils.nodes import Element, TextElement
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.highlighting import lexers

HERE = Path(__file__).resolve().parent
SRC = HERE.parent / "src"
sys.path.insert(0, str(SRC))

import collectkit  # noqa: E402 - the path above comes first

project = "collectkit"
author = "The collectkit authors"
copyright = "2026, The collectkit authors"
version = release = collectkit.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.intersphinx"]
exclude_patterns = ["_*"]
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_title = f"collectkit {release}"
html_show_sphinx = False
html_copy_source = False

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
lexers["csv"] = TextLexer()  # Pygments knows no CSV, and the fence says what it is

# --- reference: one page per module that exists, so a new room appears by itself -----------------------------------

ROOMS = HERE / "reference" / "rooms"


def module_names() -> list[str]:
    """Public modules of the package, top rooms first, then core, then what touches the world."""
    names = [
        ".".join(path.relative_to(SRC).with_suffix("").parts).removesuffix(".__init__")
        for path in (SRC / "collectkit").rglob("*.py")
    ]
    public = [
        name for name in names if not any(part.startswith("_") for part in name.split(".")) and name != "collectkit"
    ]
    return sorted(public)


def write_reference() -> None:
    """Write `reference/rooms/*.rst`; a page is touched only when it changes, a page of a module that went is removed."""
    ROOMS.mkdir(exist_ok=True)
    pages = {}
    for name in module_names():
        title = name.removeprefix("collectkit.")
        pages[f"{name}.rst"] = (
            f"{title}\n{'=' * len(title)}\n\n.. automodule:: {name}\n   :members:\n   :member-order: bysource\n"
        )
    rows = "".join(
        f"* - ``ck.{name}``\n  - :doc:`{module} <collectkit.{module}>`\n"
        for name, module in sorted((name, module) for module, names in collectkit._NAMES.items() for name in names)
    )
    table = ".. list-table::\n   :header-rows: 1\n\n   * - Name\n     - Module\n" + "".join(
        f"   {line}\n" for line in rows.splitlines()
    )
    pages["names.rst"] = f"Names\n=====\n\n``import collectkit as ck`` gives these names.\n\n{table}"
    for path in ROOMS.glob("*.rst"):
        if path.name not in pages:
            path.unlink()
    for file, text in pages.items():
        path = ROOMS / file
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


write_reference()

autodoc_default_options = {"no-value": True}  # a table of 150 currencies is no help in a signature
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_class_signature = "separated"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 100
python_use_unqualified_type_names = True
default_role = "literal"  # `as_of` in a docstring is code

# --- names of the standard library: an inventory made here, so that no build asks the network ----------------------

STDLIB = """
abc collections collections.abc contextlib datetime decimal email.message enum fractions functools graphlib importlib.resources.abc
io logging numbers os pathlib random sqlite3 ssl statistics string threading types typing uuid zoneinfo
""".split()  # noqa: SIM905 - a list of words is read as words


def python_inventory(path: Path) -> str:
    """Write an intersphinx inventory of the builtins and of STDLIB."""
    lines = []
    for name, value in vars(builtins).items():
        if not name.startswith("_") and inspect.isclass(value):
            error = issubclass(value, BaseException)
            page = (
                "exceptions"
                if error
                else "functions"
                if name in {"int", "float", "bool", "object", "type"}
                else "stdtypes"
            )
            lines.append(f"{name} py:{'exception' if error else 'class'} 1 library/{page}.html#{name} -")
    lines.append("None py:data 1 library/constants.html#None -")
    for name in STDLIB:
        module = importlib.import_module(name)
        lines.append(f"{name} py:module 1 library/{name}.html#module-{name} -")
        public = {word for word in vars(module) if not word.startswith("_")} | set(getattr(module, "__all__", ()))
        lines += [f"{name}.{word} py:class 1 library/{name}.html#{name}.{word} -" for word in sorted(public)]
    header = "# Sphinx inventory version 2\n# Project: Python\n# Version: 3\n# The remainder of this file is compressed using zlib.\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(header.encode() + zlib.compress("\n".join([*lines, ""]).encode()))
    return str(path)


intersphinx_mapping = {
    "python": ("https://docs.python.org/3", python_inventory(HERE.parent / "build" / "inventories" / "python.inv"))
}

# A type of another package, a type variable and a private name have no page here to point to.
nitpick_ignore_regex = [
    (
        r"py:.*",
        r"(attrs?|babel|cattrs|click|dateutil|hypothesis|jinja2|numpy|pendulum|pyarrow|rich|sqlalchemy|pytest)\..*",
    ),
    (r"py:.*", r"(.*\.)?(_\w+|[A-Z]|[A-Z]\w?_(co|contra))"),
    (r"py:.*", r"collectkit\.(.*\.)?_\w+\..*"),  # a type of a room pushed down, which its façade does not give
    (r"py:.*", r"(sa|st)\..*"),  # SQLAlchemy and Hypothesis under the names by which everyone imports them
]

# --- docstrings: Google sections, indented blocks as written ---------------------------------------------------------

SECTIONS = {"Args", "Attributes", "Example", "Examples", "Note", "Raises", "Returns", "See Also", "Warns", "Yields"}
GOOGLE = Config(napoleon_use_rtype=False, napoleon_use_ivar=True)


def blocks_as_written(lines: list[str]) -> list[str]:
    """Mark an indented block that is no section (a tree, a table of names) as literal, so that it keeps its lines."""
    shown: list[str] = []
    section = block = False
    for line in lines:
        if line.strip() and not line.startswith(" "):
            section = (line.rstrip().endswith(":") and line.rstrip(": ") in SECTIONS) or line.startswith(
                (".. ", ">>> ")
            )
            block = False
        before = next((old for old in reversed(shown) if old.strip()), "")
        if line.startswith("    ") and shown and not shown[-1].strip() and not (section or block):
            block = True
            if before and not before.startswith(("*", "-")) and not before.rstrip().endswith("::"):
                is_code = line.lstrip().startswith(("import ", "from ", "class ", "def ", "@", ">>> "))
                shown += [f".. code-block:: {'python' if is_code else 'text'}", ""]
        shown.append(line)
    return shown


def read_docstring(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Turn a docstring of the house into reStructuredText.

    Napoleon would read "The yearly rate: a fraction" on a property as a type and its text, so to it every attribute is an
    object; it is called here and not loaded as an extension.
    """
    if lines and lines[0].startswith("Method generated by attrs"):
        lines.clear()
        return
    what = "object" if what in {"attribute", "data", "property"} else what
    # Sphinx hands its options over as a plain mapping, which the annotation does not foresee
    google = GoogleDocstring(blocks_as_written(lines), GOOGLE, app, what, name, obj, options)  # type: ignore[arg-type]
    lines[:] = [re.sub(r"\|(\w+)\|", r"\|\1\|", line) for line in google.lines()]  # |x| is a size here, no substitution


def resolve_field_types(_app: Sphinx) -> None:
    """Give the generated __init__ of each attrs class real types: its own globals do not hold the names."""
    for name in module_names():
        for value in vars(importlib.import_module(name)).values():
            if inspect.isclass(value) and value.__module__.startswith("collectkit.") and attrs.has(value):
                attrs.resolve_types(value)
                if "__init__" not in vars(value):
                    continue  # it shows the one of its base, which has its types already
                hints = {field.alias: field.type for field in attrs.fields(value) if field.init}
                value.__init__.__annotations__ = hints | {"return": None}


def plain_default(default: object) -> str:
    """Show a default in a signature: what is short as it is, the rest as dots."""
    if isinstance(default, enum.Enum):
        return str(default)
    shown = repr(default)
    return shown if isinstance(default, (bool, int, str, tuple, type(None))) and len(shown) <= 20 else "..."


def show_defaults(
    _app: Sphinx, _what: str, name: str, _obj: object, _options: object, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """Put the real defaults where the generated __init__ of an attrs class names its own table of them."""
    module, _, owner = name.removesuffix(".__init__").rpartition(".")
    cls = getattr(sys.modules.get(module), owner, None)
    if signature is None or not (inspect.isclass(cls) and attrs.has(cls)):
        return None
    defaults = {field.name: field.default for field in attrs.fields(cls)}
    signature = signature.replace("=NOTHING", "=...")
    return re.sub(r"attr_dict\['(\w+)'\]\.default", lambda hit: plain_default(defaults[hit[1]]), signature), returns


def name_without_page(_app: Sphinx, _env: object, node: Element, text: TextElement) -> TextElement | None:
    """Show a name as plain text where a module of ours has it but no page describes it, such as a type alias."""
    ours = (module for name, module in list(sys.modules.items()) if name.partition(".")[0] == "collectkit")
    return text if any(node["reftarget"] in vars(module) for module in ours) else None


def skip_foreign(_app: Sphinx, _what: str, name: str, _obj: object, _skip: bool, _options: object) -> bool | None:
    """Leave out what a base class of SQLAlchemy documents for its own authors."""
    return True if name in {"cache_ok", "impl", "process_bind_param", "process_result_value"} else None


def setup(app: Sphinx) -> None:
    """Connect the hooks above."""
    app.connect("builder-inited", resolve_field_types)
    app.connect("autodoc-process-docstring", read_docstring)
    app.connect("autodoc-process-signature", show_defaults)
    app.connect("autodoc-skip-member", skip_foreign)
    app.connect("missing-reference", name_without_page)
