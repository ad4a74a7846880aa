"""How our JSON files are read: what is not ours, cut off or edited is refused in words."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from benchmarks.decode import decode
from benchmarks.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

T = TypeVar("T")

STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What steers a terminal or turns the direction of reading: all that is read is rid of it, once, here."""

ESCAPED = re.compile(r"\\(?:[bfr]|u(?:00[0189][0-9a-fA-F]|007[fF]|061[cC]|200[eEfF]|202[a-eA-E]|206[6-9]))")
"""Such a character as JSON may write it."""

CONVERT = "convert it with `python -m benchmarks.records.convert FILE`"


@dataclass(frozen=True, kw_only=True)
class Schema(Generic[T]):
    """One kind of file, in one version."""

    kind: str  # "record"
    key: str | None  # under which our part stands in the file; None: all of it is ours
    version: int  # stands in our part as "schema_version"
    holds: type[T]  # the dataclass that our part is read as
    unpack: Callable[[Any], Any] = lambda fields: fields  # what is done to our part before
    remedy: str = "read it with the release that wrote it"  # what to do with a file of another version
    convertible: bool = False  # older versions can be converted

    def read(self, path: Path) -> T:
        """Read a file.

        Raises:
            UsageError: it can't be read, or as `parse` says.

        """
        try:
            content = path.read_bytes()
        except OSError as error:
            message = f"{path}: can't be read ({error.strerror})"
            raise UsageError(message) from None
        return self.parse(content, path)

    def parse(self, content: bytes, path: Path) -> T:
        """Read what the file at that path holds.

        Raises:
            UsageError: it is no JSON, not of this kind, of another version, or holds what can't be.

        """
        try:
            return self._build(content.decode())
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            found = f"expected a {self.kind} in JSON, found something else ({error}); is it cut off?"
        except UsageError as error:
            found = str(error)
        except KeyError as error:
            found = f"{self._expectation()} (there is no {error} in it)"
        except (TypeError, ValueError, RecursionError) as error:
            found = f"{self._expectation()} ({error})"
        message = f"{path}: {found}"
        raise UsageError(message)

    def _build(self, text: str) -> T:
        document = json.loads(text)
        fields = document if self.key is None else document[self.key]
        if may_steer(text):
            fields = visible(fields)
        if (found := fields["schema_version"]) != self.version:
            older = self.convertible and isinstance(found, int) and found < self.version
            message = f"expected schema version {self.version}, found {found!r}; "
            raise UsageError(message + (CONVERT if older else self.remedy))
        if r"\ud" in text or r"\uD" in text:  # half a surrogate pair can't be written, nor reported
            json.dumps(fields, ensure_ascii=False).encode()
        return decode(self.holds, self.unpack(fields))

    def _expectation(self) -> str:
        return f"expected a {self.kind} of perceptron-bench, found another file, or an edited one"


def may_steer(text: str) -> bool:
    """Say whether such a character stands in this JSON, as it is or escaped: most files are quickly read."""
    as_it_is = "\x7f" in text if text.isascii() else STEERING.search(text)  # none below, JSON allows them not
    return bool(as_it_is or ESCAPED.search(text))


def visible(value: Any) -> Any:  # noqa: ANN401 - any of JSON's types
    """Write each such character as JSON does, by its number, in all texts and keys within."""
    match value:
        case str():
            return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", value)
        case list():
            return [*map(visible, value)]
        case dict():
            return {visible(key): visible(each) for key, each in value.items()}
    return value


def require_once(kind: str, names: Iterable[object]) -> None:
    """Refuse a name that stands twice: one of the two would be overlooked.

    Raises:
        ValueError: one does.

    """
    name, n_times = next(iter(Counter(names).most_common(1)), (None, 0))
    if n_times > 1:
        message = f"expected each {kind} once, found {name} {n_times} times"
        raise ValueError(message)
