"""The pages' commands: where they stand, and what would be wrong with them."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import sys
from argparse import ArgumentParser
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import pytest
from markdown_it import MarkdownIt

from benchmarks.cases.implementations import select
from benchmarks.cases.problems import parse_problem
from benchmarks.cli.main import build_parser
from benchmarks.cli.parser import Parser
from benchmarks.errors import UsageError
from benchmarks.paths import CODE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markdown_it.token import Token

PAGES = [CODE / "README.md", CODE / "CONTRIBUTING.md", *sorted((CODE / "docs").glob("*.md"))]
OURS = re.compile(r"^(?:\S+/)?(?:perceptron-bench|python3?|make)\b")
ENDS = {"|", "||", "&&", "&", ";", ">", ">>"}
"""Of a call, in a line of shell."""

OWN = ("my_loop", "other_loop")
"""Implementations of the reader's own."""


def code_in(page: str) -> Iterator[Token]:
    """Give the page's blocks and spans of code."""
    for token in MarkdownIt().parse(page):
        if token.type in ("fence", "code_block"):
            yield token
        yield from (child for child in token.children or () if child.type == "code_inline")


def calls_in(text: str) -> Iterator[list[str]]:
    """Give each call of ours in some lines of shell, as words; a comment, a pipe or an ellipsis ends it."""
    for line in text.replace("\\\n", " ").splitlines():
        if OURS.match(line.strip()):
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            end = next((i for i, word in enumerate(words) if word in ENDS or word == "…"), len(words))
            yield words[:end]


def fault_of(call: list[str], *, whole: bool = True) -> str | None:
    """Say what is wrong with a call; None: nothing, or it is of something else.

    One that is not `whole` is quoted in a sentence, and may leave out what must be named.
    """
    match call[0].rsplit("/", 1)[-1], call[1:]:
        case "perceptron-bench", arguments:
            return _fault_of_arguments(arguments, whole=whole)
        case "python" | "python3", ["-m", "benchmarks", *arguments]:
            return _fault_of_arguments(arguments, whole=whole)
        case "python" | "python3", ["-m", "pytest", *arguments]:
            lacking = [each for each in arguments if "/" in each and not (CODE / each).exists()]
            return f"no file {', '.join(lacking)}" if lacking else None
        case "python" | "python3", ["-m", str(module), *arguments] if module not in ("pip", "venv"):
            return _fault_of_module(module, arguments)
        case "make", arguments:
            targets = re.findall(r"^([a-z]+):", (CODE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
            unknown = [word for word in arguments if "=" not in word and word not in targets]
            return f"no target {', '.join(unknown)}" if unknown else None
    return None


def _fault_of_arguments(arguments: Sequence[str], *, whole: bool) -> str | None:
    try:
        with _errors_raised():
            parsed = _parser().parse_args(arguments)
        for problem in getattr(parsed, "problem", None) or ():
            parse_problem(problem)
        select(name for name in getattr(parsed, "impl", None) or () if name not in OWN)
    except (ValueError, UsageError) as error:
        of_the_reader = "the following arguments are required" in str(error) and not whole
        return None if of_the_reader or "no such file" in str(error) else str(error)
    except SystemExit:  # --help
        return None
    return None


def _fault_of_module(module: str, arguments: Sequence[str]) -> str | None:
    """Let the module's own parser read its arguments, and stop there."""
    if importlib.util.find_spec(module) is None:
        return f"no module {module}"
    parse = ArgumentParser.parse_args

    def parse_only(parser: ArgumentParser) -> None:
        parse(parser)
        raise SystemExit

    with pytest.MonkeyPatch.context() as patch, _errors_raised():
        patch.setattr(ArgumentParser, "parse_args", lambda parser, _=None: parse_only(parser))
        patch.setattr(sys, "argv", [module, *arguments])
        try:
            importlib.import_module(module).main()
        except ValueError as error:
            return str(error)
        except SystemExit:
            return None
    return f"{module} reads no arguments"


@contextmanager
def _errors_raised() -> Iterator[None]:
    """Have parsers raise what they would say."""

    def error(_: ArgumentParser, message: str) -> NoReturn:
        raise ValueError(message)

    with pytest.MonkeyPatch.context() as patch:
        for parser in (ArgumentParser, Parser):
            patch.setattr(parser, "error", error)
        yield


@cache
def _parser() -> ArgumentParser:
    return build_parser()
