"""The door of the `collectkit` command, also as `python -m collectkit`.

It stands apart from `cli` so that a missing extra is told in a sentence and not in a traceback.
"""

from __future__ import annotations

import sys

from collectkit.core.errors import MissingOptionalDependency

__all__ = ["main"]


def main() -> None:
    """Run the command, or say which extra it needs."""
    try:
        from collectkit.cli import main as command
    except MissingOptionalDependency as missing:
        sys.stderr.write(f"collectkit: {missing.code}: {missing.text}\n")
        sys.exit(2)
    command()


if __name__ == "__main__":
    main()
