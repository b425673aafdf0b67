"""Collections as a pure library: what each account owes, where it stands, what may be done about it today, why, and when to look again.

`import collectkit as ck` and find every daily name here. A name loads the module it comes from on first use, so the
import itself costs next to nothing and needs no extra.

To add a name: put it into `_NAMES` under its module, then run `make exports`, which rewrites `__init__.pyi` for editors
and type checkers. tests/api compares the two.
"""

from importlib import import_module

__version__ = "0.1.0"

# Module -> the names it gives to users. Top rooms first, then core; sorted within a row.
_NAMES: dict[str, tuple[str, ...]] = {}

_HOME = {name: module for module, names in _NAMES.items() for name in names}

__all__ = sorted([*_HOME, "__version__"])  # noqa: PLE0605 - the static list for checkers is in __init__.pyi


def __getattr__(name: str) -> object:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(_hint(name))
    value: object = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value  # the next look does not come here
    return value


def __dir__() -> list[str]:
    return list(__all__)


def _hint(name: str) -> str:
    """One line for a name that is not here: the nearest name we have, or the module that must be imported."""
    from difflib import get_close_matches
    from importlib.util import find_spec

    said = f"collectkit has no {name!r}"
    if not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
        return f"{said} among its names; it is a module: import {__name__}.{name}"
    by_lower = {known.lower(): known for known in __all__}
    near = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.75)
    return f"{said}; did you mean {by_lower[near[0]]!r}?" if near else said
