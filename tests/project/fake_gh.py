"""In place of GitHub's command line: a repository that is kept in files of the folder $GITHUB.

`pulls.json` and `comments.json` hold what the API lists. A folder is an artifact of the run. The real jq
filters the answers.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(os.environ["GITHUB"])
LIMIT = 65_536
"""Characters that GitHub accepts in a comment."""


def main() -> int:
    """Answer the call; return 1 as gh does if there is no artifact, or if GitHub refuses."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("words", nargs="+")
    parser.add_argument("--paginate", action="store_true")
    for option in ("--method", "--jq", "--name", "--dir"):
        parser.add_argument(option)
    for option in ("--field", "--raw-field"):
        parser.add_argument(option, action="append", default=[])
    asked = parser.parse_intermixed_args()
    if asked.words[:2] == ["run", "download"]:
        artifact = FOLDER / asked.name
        if artifact.is_dir():
            shutil.copytree(artifact, asked.dir, symlinks=True)
        return 0 if artifact.is_dir() else 1
    _, path = asked.words
    fields = dict(field.split("=", 1) for field in [*asked.raw_field, *asked.field])
    answer = answer_of(asked.method or "GET", path.partition("?")[0], fields)
    if answer is None:
        return 1
    subprocess.run(["jq", "--raw-output", asked.jq], input=json.dumps(answer).encode(), check=True)  # noqa: S603, S607 - as gh does
    return 0


def answer_of(method: str, path: str, fields: dict[str, str]) -> Any:
    """Return what the API answers; None: it refuses."""
    if path.endswith("/pulls"):
        return [each for each in read("pulls") if each["head"]["label"] == fields["head"]]
    comments = read("comments")
    number = int(path.removesuffix("/comments").rpartition("/")[2])
    if method == "GET":
        return [each for each in comments if each["issue"] == number]
    body = Path(fields["body"].removeprefix("@")).read_bytes().decode(errors="replace")
    if len(body) > LIMIT or "\0" in body:
        return None
    if method == "POST":
        comment = {"id": len(comments) + 1, "issue": number, "user": {"login": "github-actions[bot]"}}
        comments.append(comment)
    else:
        (comment,) = (each for each in comments if each["id"] == number)
    comment |= {"body": body, "html_url": f"https://github.example/{comment['id']}"}
    (FOLDER / "comments.json").write_text(json.dumps(comments), encoding="utf-8")
    return comment


def read(name: str) -> list[dict[str, Any]]:
    """Return the list that a file of the repository holds."""
    found: list[dict[str, Any]] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main())
