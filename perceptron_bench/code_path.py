"""The path to the code, which only our own processes search."""

import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


def insert_code() -> None:
    """Make `benchmarks` and `impls` importable, even where the user has packages with these names.

    They are in the folder `code` of an installed wheel, and next to this package in a checkout.
    """
    code = PACKAGE / "code"
    sys.path.insert(0, str(code if code.is_dir() else PACKAGE.parent))
