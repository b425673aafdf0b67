"""Write `src/collectkit/__init__.pyi` from the table of names in `__init__.py`: `make exports`.

Editors and type checkers cannot follow the lazy table, so they read the stub. test_exports.py compares the two.
"""

from __future__ import annotations

import sys
from pathlib import Path

import collectkit

STUB = Path(collectkit.__file__).with_suffix(".pyi")


def stub_text() -> str:
    """The stub that belongs to the table as it is now, in the house format."""
    lines = [
        "# Written by `make exports` from the table in __init__.py; tests/api compares the two.",
    ]
    lines += sorted(
        f"from collectkit.{module} import {name} as {name}"
        for module, names in collectkit._NAMES.items()
        for name in names
    )
    lines += ["", "__version__: str", "", "__all__ = ["]
    lines += [f'    "{name}",' for name in collectkit.__all__]
    lines += ["]", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        STUB.write_text(stub_text(), encoding="utf-8")
        print(f"wrote {STUB}")
    else:
        sys.stdout.write(stub_text())
