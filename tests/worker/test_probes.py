"""Inductor's probes of vector instructions: skipped only where all of them have passed before."""

from __future__ import annotations

import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from benchmarks.worker.start import PROBES_PASSED, headers_in, keep_passed_probes, skip_passed_probes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

pytest.importorskip("torch")


@pytest.fixture
def probed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let Inductor have probed these instructions, in a process with its own temporary folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.delenv(PROBES_PASSED, raising=False)
    headers_in(tmp_path).mkdir(parents=True)

    def probe(passed: Sequence[str], *, n_times: int = 1) -> None:
        valid = lambda: list(passed)  # noqa: E731 - with an attribute
        valid.cache_info = lambda: SimpleNamespace(currsize=n_times)  # type: ignore[attr-defined] # to mypy a plain function
        inductor = SimpleNamespace(
            x86_isa_checker=lambda: ["avx2", "avx512"],
            supported_vec_isa_list=["amx_tile avx512", "avx512", "avx2", "asimd"],
            valid_vec_isa_list=valid,
        )
        monkeypatch.setitem(sys.modules, "torch._inductor.cpu_vec_isa", inductor)
        keep_passed_probes()

    return probe


def is_skipped(framework: str = "torch") -> bool:
    """Check whether the next process of the framework skips the probes."""
    skip_passed_probes(framework)
    return os.environ.pop(PROBES_PASSED, None) == "1"


def test_what_has_passed_is_not_probed_again_by_pytorch(probed: Callable[..., None]) -> None:
    assert not is_skipped()

    probed(["avx512", "avx2"])

    assert is_skipped()
    assert not is_skipped("jax")


def test_it_is_probed_again_if_some_instructions_failed_or_none_was_asked(
    probed: Callable[..., None],
) -> None:
    probed(["avx2"])
    probed(["avx512", "avx2"], n_times=0)

    assert not is_skipped()


def test_it_is_probed_again_with_another_compiler(
    probed: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    probed(["avx512", "avx2"])

    monkeypatch.setenv("CXX", "another")

    assert not is_skipped()


def test_the_users_own_choice_stays(probed: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    probed(["avx512", "avx2"])

    monkeypatch.setenv(PROBES_PASSED, "0")
    skip_passed_probes("torch")

    assert os.environ[PROBES_PASSED] == "0"


def test_pytorch_has_the_names_that_are_asked() -> None:
    inductor = pytest.importorskip("torch._inductor.cpu_vec_isa")

    assert {"x86_isa_checker", "supported_vec_isa_list", "valid_vec_isa_list"} <= {*vars(inductor)}
    assert inductor.valid_vec_isa_list.cache_info() is not None
