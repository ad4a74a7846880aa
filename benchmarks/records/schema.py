"""How our JSON files are read: a foreign, cut off or edited file is refused in one sentence."""

import json
import re
import reprlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from benchmarks.decode import decode
from benchmarks.errors import UsageError
from benchmarks.files import read_bytes

T = TypeVar("T")

UNSAFE_IN_LINE = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
)
UNSAFE = re.compile(rf"[\r{UNSAFE_IN_LINE}]")
"""Characters that steer a terminal or change the direction of reading, and halves of characters, as in names
of files. No text that was read has one."""

PAIR = r"u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
ESCAPED_OR_UNSAFE = re.compile(rf"[\\{UNSAFE_IN_LINE}](?:(?<=\\)(?:{PAIR}|u[0-9a-fA-F]{{4}}|.))?")
"""It begins with a set of characters, which `re` finds fast. A carriage return as it is may end a line."""


@dataclass(frozen=True, kw_only=True)
class Schema(Generic[T]):
    """One kind of file, in one version."""

    kind: str  # "record"
    key: str | None  # of our part of the file; None: all of it is ours
    version: int  # our part's "schema_version"
    holds: type[T]  # the dataclass of our part
    remedy: str  # for a file of another version
    unpack: Callable[[Any], Any] = lambda fields: fields  # applied to our part before it is decoded

    def read(self, path: Path) -> T:
        """Read a file.

        Raises:
            UsageError: it can't be read, or as `parse` says.
        """
        return self.parse(read_bytes(path), path)

    def parse(self, content: bytes, path: Path) -> T:
        """Read the content of the file at that path.

        Raises:
            UsageError: it is no JSON, not of this kind, of another version, or has an impossible value.
        """
        try:
            return self._build(visible(content.decode()))
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            found = f"expected a {self.kind} in JSON, found something else ({error}); is it cut off?"
        except UsageError as error:
            found = str(error)
        except (TypeError, KeyError, ValueError, RecursionError) as error:
            why = f"there is no {error} in it" if isinstance(error, KeyError) else error
            found = (
                f"expected a {self.kind} of perceptron-bench, found another file, or an edited one ({why})"
            )
        message = f"{path}: {found}"
        raise UsageError(message)

    def _build(self, text: str) -> T:
        document = json.loads(text)
        fields = document if self.key is None else document[self.key]
        found = fields["schema_version"]
        if type(found) is not int or found != self.version:
            message = f"expected schema version {self.version}, found {reprlib.repr(found)}; {self.remedy}"
            raise UsageError(message)
        return decode(self.holds, self.unpack(fields))


def visible(text: str) -> str:
    r"""Replace each unsafe character of a JSON text, raw or escaped, by its number: the text "\u202e"."""
    return ESCAPED_OR_UNSAFE.sub(_number_if_unsafe, text)


def _number_if_unsafe(found: re.Match[str]) -> str:
    character = found[0]
    if len(character) == 6 or character in (r"\b", r"\f", r"\r"):  # noqa: PLR2004 - \u and four digits
        character = json.loads(f'"{character}"')
    return rf"\\u{ord(character):04x}" if UNSAFE.fullmatch(character) else found[0]


def plain(text: str) -> str:
    """Replace each unsafe character by its number."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def require(holds: bool, name: str, expected: str, found: object) -> None:  # noqa: FBT001 - what is required
    """Refuse a value of this field.

    Raises:
        ValueError: it does not hold.
    """
    if not holds:
        message = f"{name}: expected {expected}, found {reprlib.repr(found)}"
        raise ValueError(message)


def require_once(kind: str, names: Iterable[object]) -> None:
    """Refuse a repeated name: one of the two would be overlooked.

    Raises:
        ValueError: a name is repeated.
    """
    name, n_times = next(iter(Counter(names).most_common(1)), (None, 0))
    if n_times > 1:
        message = f"expected each {kind} once, found {name} {n_times} times"
        raise ValueError(message)
