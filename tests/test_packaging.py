"""What the project's files declare about it agrees."""

from __future__ import annotations

import re
import tomllib

import yaml

from benchmarks.launch import ROOT


def test_pyproject_citation_and_changelog_name_the_same_version_and_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## \[(\d[^\]]*)\]", changelog, flags=re.MULTILINE)

    assert newest
    assert {project["version"], str(citation["version"]), newest[1]} == {project["version"]}
    assert citation["license"] == project["license"] == "Apache-2.0"
    assert "Apache License\n                           Version 2.0" in (ROOT / "LICENSE").read_text()
