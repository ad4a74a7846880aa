"""Tests the implementations on the oldest and newest versions of the frameworks that pyproject.toml allows.

    python -m tests.versions [jax==0.9.2 ...]

Each version has its own environment in .venvs/, with the other packages as in constraints.txt. A line says
whether the tests passed. The lines below it give the reasons why tests were skipped: a version that lacks
what an implementation needs is named there. Exit status 1 if a test failed, or if none was run.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

CODE = Path(__file__).parents[1]
ENVIRONMENTS = CODE / ".venvs"

PACKAGES = {"torch": ("torch",), "jax": ("jax", "jaxlib", "optax")}
"""Those of each framework: the environment of one has none of the other's."""

SKIPPED = re.compile(r"^SKIPPED \[(\d+)\] \S+ (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """The lines that describe a version, and whether its tests passed; None: it can't be installed here."""

    passed: bool | None
    lines: tuple[str, ...]


def main(requirements: Sequence[str]) -> int:
    """Test each version and print its outcome; return the exit status."""
    passed = []
    for requirement in requirements or bounds():
        outcome = try_version(requirement)
        sys.stdout.write("\n  ".join(outcome.lines) + "\n")
        sys.stdout.flush()
        passed.append(outcome.passed)
    return 1 if False in passed or True not in passed else 0


def bounds() -> list[str]:
    """Return each framework's oldest version that pyproject.toml allows, and its name for the newest."""
    pairs = (re.fullmatch(r"(torch|jax)>=([\d.]+)", each) for each in dependencies())
    return [each for pair in pairs if pair for each in (f"{pair[1]}=={pair[2]}", pair[1])]


def dependencies() -> list[str]:
    """Return the packages that the project needs."""
    pyproject = tomllib.loads((CODE / "pyproject.toml").read_text(encoding="utf-8"))
    needed: list[str] = pyproject["project"]["dependencies"]
    return needed


def try_version(requirement: str) -> Outcome:
    """Install the version and run the tests of its implementations."""
    framework = name_of(requirement)
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = ENVIRONMENTS / f"{requirement.replace('==', '-')}-{python}"
    if reason := install(requirement, folder):
        return Outcome(None, (f"{requirement}: cannot be installed here: {reason}",))
    files = [CODE / "tests/impls/test_implementations.py", *CODE.glob(f"tests/impls/test_{framework}_*.py")]
    options = ("--benchmark-disable", "--quick", "--quiet", "-rs", "-pno:cacheprovider", "-k", framework)
    done = run(folder / "bin" / "python", "-m", "pytest", *options, *sorted(files))
    log = folder.with_name(f"{folder.name}.log")
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    return outcome_of(f"{framework} {version_in(folder, framework)}", done, log)


def outcome_of(version: str, done: subprocess.CompletedProcess[str], log: Path) -> Outcome:
    """Describe what pytest printed."""
    passed = done.returncode == 0
    summary = (done.stdout.strip() or done.stderr.strip() or "no output").splitlines()[-1]
    where = "" if passed else f"; see {log}"
    reasons: Counter[str] = Counter()
    for number, reason in SKIPPED.findall(done.stdout):
        reasons[reason] += int(number)
    head = f"{version}: {'passed' if passed else 'failed'}: {summary}{where}"
    return Outcome(passed, (head, *(f"{n} skipped: {reason}" for reason, n in reasons.items())))


def install(requirement: str, folder: Path) -> str:
    """Make the environment; return the reason why that is not possible, or ""."""
    others = {each for names in PACKAGES.values() for each in names} - {*PACKAGES[name_of(requirement)]}
    needed = [each for each in dependencies() if name_of(each) not in {*others, name_of(requirement)}]
    frameworks = {*PACKAGES["torch"], "jax", "jaxlib"}
    lines = (CODE / "constraints.txt").read_text(encoding="utf-8").splitlines()
    constraints = folder.with_name(f"{folder.name}.txt")
    ENVIRONMENTS.mkdir(exist_ok=True)
    constraints.write_text("\n".join(each for each in lines if name_of(each) not in frameworks) + "\n")
    options = ("--quiet", "--upgrade", "--constraint", str(constraints))
    commands: list[list[str | Path]] = [
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "python", "-m", "pip", "install", *options, requirement, *needed],
    ]
    for command in commands:
        done = run(*command)
        if done.returncode:
            errors = re.findall(r"^ERROR: (.*)", done.stderr, re.MULTILINE)
            return errors[-1] if errors else (done.stderr.strip() or "no reason given").splitlines()[-1]
    return ""


def version_in(folder: Path, package: str) -> str:
    """Return the version of an installed package."""
    program = f"import importlib.metadata as m; print(m.version({package!r}))"
    return run(folder / "bin" / "python", "-c", program).stdout.strip()


def name_of(requirement: str) -> str:
    """Return the package that a requirement names."""
    return re.split(r"[^\w.-]", requirement, maxsplit=1)[0]


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program at the top of the checkout."""
    return subprocess.run(command, cwd=CODE, capture_output=True, text=True, check=False)  # noqa: S603 - ours


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
