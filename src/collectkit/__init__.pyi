# Written by `make exports` from the table in __init__.py; tests/api compares the two.
from collectkit.core.errors import CollectkitError as CollectkitError
from collectkit.core.errors import CollectkitWarning as CollectkitWarning
from collectkit.core.money import Money as Money
from collectkit.core.money import Rounding as Rounding

__version__: str

__all__ = [
    "CollectkitError",
    "CollectkitWarning",
    "Money",
    "Rounding",
    "__version__",
]
