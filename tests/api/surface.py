"""How the public names look to a type checker; `make check` reads this file with pyright, nothing runs it."""

from typing import assert_type

import collectkit as ck

assert_type(ck.__version__, str)

ten = ck.Money(1000, "EUR")
assert_type(ten, ck.Money)
assert_type(ten + ten, ck.Money)
assert_type(ten.split(3), tuple[ck.Money, ...])


def caught(error: ck.CollectkitError) -> str:
    return error.code
