"""The folders that a worker writes to: which are new, and what the next worker of the run finds in them."""

from __future__ import annotations

import getpass
import importlib
import site
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.runner.launch import launch
from benchmarks.worker.messages import Job
from tests.conftest import SMALL

if TYPE_CHECKING:
    from tests.conftest import Copy

JOB = Job(path="x.py", framework="numpy", devices=("cpu",), problems=(SMALL,), sample_s=0.0)
OF_INDUCTOR = f"torchinductor_{getpass.getuser()}"


def test_a_workers_home_and_temporary_folder_are_new_and_the_users_packages_stay(
    copy_of: Copy, tmp_path: Path
) -> None:
    seen = "print(Path.home(), tempfile.gettempdir(), site.getuserbase())\n"
    path = copy_of(
        "numpy_float32",
        (
            "import numpy as np\n",
            f"import site, tempfile\nfrom pathlib import Path\n\n{seen}import numpy as np\n",
        ),
    )
    job = replace(JOB, path=str(path), caches=str(tmp_path / "caches"))

    report = launch(job, tmp_path, "seen")

    home, temporary, user_base = report.log.split()
    assert Path(home) == tmp_path / "caches" / "home"
    assert len(temporary) < len(tempfile.gettempdir()) + 16
    assert not Path(temporary).exists()
    assert user_base == site.getuserbase()


@pytest.mark.parametrize("kept_in", ["results", "run"])
def test_headers_that_pytorch_compiles_serve_the_next_worker(
    kept_in: str, copy_of: Copy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    headers = tmp_path / ("results" if kept_in == "results" else "file") / "headers"  # none can be in a file
    monkeypatch.setattr("benchmarks.runner.system.HEADERS", headers)
    look = (
        f"headers = Path(tempfile.gettempdir(), {OF_INDUCTOR!r}, 'precompiled_headers')\n"
        "print(*(each.name for each in headers.iterdir()))\n(headers / 'x.gch').touch()\n"
    )
    path = copy_of(
        "numpy_float32",
        ("import numpy as np\n", f"import tempfile\nfrom pathlib import Path\n\n{look}import numpy as np\n"),
    )
    job = replace(JOB, path=str(path))

    found = [launch(job, tmp_path, name).log.strip() for name in ("first", "second")]

    assert found == ["", "x.gch"]
    assert headers.exists() is (kept_in == "results")


def test_that_is_where_pytorch_keeps_its_headers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    folders = importlib.import_module("torch._inductor.runtime.cache_dir_utils")

    assert folders.default_cache_dir() == str(tmp_path / OF_INDUCTOR)
