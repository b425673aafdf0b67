"""The suite that a store, an outbox and a messenger must pass: each property under its name, run on yours.

    from collectkit.testing.conformance import STORE_PROPERTIES, StoreKit, check

    class MyKit(StoreKit):
        def __init__(self, folder):
            self.folder = folder

        def open(self):
            return MyStore(self.folder / "my.db")

    def test_my_store(tmp_path):
        answers = check(lambda: MyKit(tmp_path / str(uuid4())))
        assert not answers.broken, answers

or, one test per name: `@pytest.mark.parametrize("name", STORE_PROPERTIES)` with `STORE_PROPERTIES[name](MyKit(...))`.
Each property gets a kit of its own, with an empty store. The texts of the properties are in docs, under Laws.

S21 (a golden store of every release opens) belongs to each adapter's own tests; I3, M6 and M7 to the rooms that fold,
count and look last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any, Final

import attrs

from collectkit.testing import messenger_properties, outbox_properties, store_properties
from collectkit.testing.kits import Edit, MessengerKit, NotShown, PropertyBroken, Store, StoreKit

__all__ = [
    "MESSENGER_PROPERTIES",
    "STORE_PROPERTIES",
    "Answers",
    "Edit",
    "MessengerKit",
    "NotShown",
    "PropertyBroken",
    "Store",
    "StoreKit",
    "check",
]


def _named(module: ModuleType) -> dict[str, Callable[[Any], None]]:
    return {name: getattr(module, name) for name in module.__all__}


STORE_PROPERTIES: Final[Mapping[str, Callable[[StoreKit], None]]] = {
    **_named(store_properties),
    **_named(outbox_properties),
}
"""Every property of a store with its outbox and inbox, by its name."""

MESSENGER_PROPERTIES: Final[Mapping[str, Callable[[MessengerKit], None]]] = _named(messenger_properties)
"""Every property of a messenger, by its name."""


@attrs.frozen(kw_only=True)
class Answers:
    """What a run of the suite found: properties that hold, those that do not, those that could not be shown."""

    held: tuple[str, ...]
    broken: dict[str, str]
    not_shown: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{len(self.held)} hold"]
        lines += [f"BROKEN    {name}: {why}" for name, why in self.broken.items()]
        lines += [f"not shown {name}: {why}" for name, why in self.not_shown.items()]
        return "\n".join(lines)


def check(
    make: Callable[[], Any],
    *,
    properties: Mapping[str, Callable[[Any], None]] = STORE_PROPERTIES,
    names: Iterable[str] | None = None,
) -> Answers:
    """Run properties, each on a kit of its own from `make`, and gather what was found.

    An error of another kind than the store's own counts as broken too: nothing undeclared may escape.
    """
    held, broken, not_shown = [], {}, {}
    for name in properties if names is None else names:
        try:
            properties[name](make())
        except NotShown as reason:
            not_shown[name] = str(reason)
        except Exception as error:
            broken[name] = f"{type(error).__name__}: {error}"
        else:
            held.append(name)
    return Answers(held=tuple(held), broken=broken, not_shown=not_shown)
