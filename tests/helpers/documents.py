"""The commands in the documentation, and their mistakes."""

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
OURS = re.compile(r"^(?:\S+/)?(?:perceptron-bench|python3?|make)(?!\S)")
ENDS = {"|", "||", "&&", "&", ";", ">", ">>"}
"""Of a call, in a line of shell."""

OWN = ("my_loop", "other_loop")
"""Implementations of the reader's own."""


def code_in(page: str) -> Iterator[Token]:
    """Yield the page's blocks and spans of code."""
    for token in MarkdownIt().parse(page):
        if token.type in ("fence", "code_block"):
            yield token
        yield from (child for child in token.children or () if child.type == "code_inline")


def calls_in(text: str) -> Iterator[list[str]]:
    """Yield each call of ours in some lines of shell, as words; a comment, a pipe or an ellipsis ends it."""
    for line in text.replace("\\\n", " ").splitlines():
        if OURS.match(line.strip()):
            lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            end = next((i for i, word in enumerate(words) if word in ENDS or word == "…"), len(words))
            yield words[:end]


def lines_of(page: str) -> list[str]:
    """Return the lines of shell in the page's blocks, then the commands in its sentences.

    A command over several lines of a block is one line. A command in a sentence counts if it is complete.
    """
    codes = list(code_in(page))
    blocks = [code.content for code in codes if code.type == "code_block" or code.info == "console"]
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]
    inline = dict.fromkeys(code.content for code in codes if code.type == "code_inline")
    return [*lines, *(each for each in inline if _is_complete(each) and each not in lines)]


def _is_complete(text: str) -> bool:
    """Return whether a text is a call of ours that can be run as it is, and not just a command's name."""
    words = text.split()
    to_fill_in = "…" in text or any(word.isupper() for word in words)
    names_only = len(words) == len(("perceptron-bench", "COMMAND"))
    return not (to_fill_in or names_only or any(map(fault_of, calls_in(text)))) and any(calls_in(text))


def fault_of(call: list[str], *, whole: bool = True) -> str | None:
    """Return what is wrong with a call; None: nothing, or it is a call of another program.

    A call that is not `whole` is quoted in a sentence, and may lack required arguments.
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
            targets = re.findall(
                r"^([a-z-]+):", (CODE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE
            )
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
    """Let the module's own parser read its arguments, and nothing else."""
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
    """Let parsers raise their messages."""

    def error(_: ArgumentParser, message: str) -> NoReturn:
        raise ValueError(message)

    with pytest.MonkeyPatch.context() as patch:
        for parser in (ArgumentParser, Parser):
            patch.setattr(parser, "error", error)
        yield


@cache
def _parser() -> ArgumentParser:
    return build_parser()
