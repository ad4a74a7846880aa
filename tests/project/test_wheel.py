"""The wheel: one package, whose commands run in any folder, beside other packages of any name."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from benchmarks.cases.code_digest import same_code
from benchmarks.cases.implementations import read_entry
from benchmarks.paths import CODE, IMPLEMENTATIONS, IN_WHEEL
from benchmarks.records.run import read_run

PROBLEM = "--problem=book,batch_size=8,n_epochs=1"
ONE_CASE = ("--impl=numpy_float32", "--device=cpu", PROBLEM)

QUIETLY = "import quiet; quiet.conservation.judge = lambda *_: quiet.QUIET"
"""Tests of commands run beside other tests, where a time can often not be checked."""

COMMAND = (
    "from perceptron_bench.__main__ import insert_code, main; insert_code(); import quietly; exit(main())"
)

IN_VAIN = "raise ImportError('a package of the user, which has our name')"
ALONE = "\nimport importlib.util\nassert importlib.util.find_spec('quiet') is None, 'sees its neighbours'\n"
"""At the end of a loop: it can't import what is installed with the harness."""

OWN = ("PYTHONPATH", "PYTEST_", "PERCEPTRON_BENCH_")
VARIABLES = {name: value for name, value in os.environ.items() if not name.startswith(OWN)}
run = partial(subprocess.run, env=VARIABLES, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, with what is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    done = run(
        [sys.executable, "-m", "hatchling", "build", "--target=wheel", f"--directory={folder}"], cwd=CODE
    )
    assert done.returncode == 0, done.stderr
    (file,) = folder.glob("*.whl")
    return file


def environment(folder: Path, *, wheel: Path | None = None) -> Path:
    """Make an environment that sees the frameworks of this one, install the wheel, and return its Python."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    (site,) = folder.glob("lib/python3*/site-packages")
    if wheel:
        offline = ("--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check")
        done = run([sys.executable, "-m", "pip", "--python", python, "install", *offline, wheel])
        assert done.returncode == 0, done.stderr
        shutil.copy(CODE / "tests" / "helpers" / "quiet.py", site)
        (site / "quietly.py").write_text(QUIETLY)
    packages = [path for path in sys.path if Path(path).name.endswith("-packages")]
    (site / "frameworks.pth").write_text("\n".join(packages))
    return python


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the Python of an environment with the wheel."""
    return environment(tmp_path_factory.mktemp("environment"), wheel=wheel)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a folder of a user who has packages with our names."""
    for name in ("benchmarks", "impls"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(IN_VAIN)
    return tmp_path


def test_the_wheel_is_one_package_with_all_code_but_the_studies(wheel: Path) -> None:
    names = {Path(name) for name in ZipFile(wheel).namelist()}
    code = [file for folder in ("benchmarks", "impls") for file in (CODE / folder).rglob("*.*")]

    assert {name.parts[0].partition("-")[0] for name in names} == {"perceptron_bench"}
    assert {name.relative_to(IN_WHEEL) for name in names if name.is_relative_to(IN_WHEEL)} == {
        file.relative_to(CODE)
        for file in code
        if file.is_file() and not {"__pycache__", "studies"} & {*file.parts}
    }


def test_nobody_else_can_import_the_code_and_the_command_runs(
    python: Path, here: Path, tmp_path: Path
) -> None:
    question = "from importlib.util import find_spec; print(*map(find_spec, ('benchmarks', 'impls')))"

    assert run([python, "-P", "-c", question], cwd=tmp_path).stdout == "None None\n"
    done = run([python.with_name("perceptron-bench"), "--help"], cwd=here)
    assert done.returncode == 0, done.stderr
    assert "usage: perceptron-bench" in done.stdout


def test_run_writes_into_the_users_folder_and_the_record_names_the_version_and_the_same_code(
    wheel: Path, python: Path, here: Path
) -> None:
    version = wheel.name.split("-")[1]

    done = run([python, "-c", COMMAND, "run", "--quick", *ONE_CASE], cwd=here)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    (record,) = here.glob("perceptron-bench-results/looks/*.json")
    found = read_run(record)
    assert found.rows[0].is_timed
    assert found.provenance.commit == f"unknown (version {version})"
    assert same_code(found.rows[0].code_digest, read_entry(IMPLEMENTATIONS / "numpy_float32.py").code_digest)


def test_a_worker_of_another_python_sees_the_harness_and_not_its_neighbours(
    python: Path, here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = environment(tmp_path_factory.mktemp("other"))
    loop = here / "loops" / "my_loop.py"
    loop.parent.mkdir()
    loop.write_text(
        (IMPLEMENTATIONS / "numpy_float32.py").read_text(encoding="utf-8") + ALONE, encoding="utf-8"
    )
    sides = ("--base-python", other, "--new-python", other)

    done = run(
        [python, "-c", COMMAND, "ab", *sides, "--impl-dir=loops", "--impl=my_loop", PROBLEM, "--max-pairs=1"],
        cwd=here,
    )

    assert done.returncode == 3, done.stdout + done.stderr  # one pair does not decide
    assert "1 undecided" in done.stdout


def test_pytest_collects_the_benchmark_by_the_plugin_alone(python: Path, here: Path) -> None:
    options = ("--benchmark-only", "-p", "perceptron_bench.pytest_plugin", "--benchmark-json=record.json")

    done = run([python, "-m", "pytest", *options, "-p", "quietly", "--quick", *ONE_CASE], cwd=here)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert read_run(here / "record.json").rows[0].is_timed
