"""A cluster that is none: scripts named like SLURM's, which run a job here and keep what they were given."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

SCRIPTS = {
    "sbatch": """\
cp "$1" "$here/given.sh"
echo "sbatch $*" >> "$here/calls"
id=$((4710 + $(grep -c ^sbatch "$here/calls")))
cp "$1" "$here/$id.sh"
SLURM_JOB_ID=$id setsid bash "$here/$id.sh" < /dev/null > /dev/null 2>&1 &
echo $! > "$here/$id.pid"
echo "Submitted batch job $id"
""",
    "srun": """\
while [[ $1 == --* ]]; do
    if [[ $1 == --output ]]; then output=$2; shift; fi
    shift
done
output=${output//%j/$SLURM_JOB_ID}
exec "$@" >> "${output//%t/0}" 2>&1
""",
    "sacct": """\
echo "JobID|State"
for id in $(printf '%s\\n' "$@" | grep -E '^[0-9]+$'); do
    # A process that has ended, but that nobody has waited for, has a number and no program.
    readlink "/proc/$(cat "$here/$id.pid")/exe" > /dev/null && echo "$id|RUNNING" || echo "$id|COMPLETED"
done
""",
    "scancel": """\
echo "scancel $*" >> "$here/calls"
kill -TERM -- "-$(cat "$here/$1.pid")"
""",
}


def make_cluster(folder: Path) -> Path:
    """Write the scripts into the folder, which is to be searched before the others of PATH; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, code in SCRIPTS.items():
        script = folder / name
        script.write_text(f"#!/bin/bash\nhere={folder}\n{code}", encoding="utf-8")
        script.chmod(0o755)
    return folder
