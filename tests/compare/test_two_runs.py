"""`perceptron-bench compare` as its user meets it: two record files, a report, an exit status."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from benchmarks.cli.main import main
from benchmarks.compare.calibration import Calibration, Fingerprint, save
from benchmarks.compare.result import Comparison, read_comparison
from benchmarks.compare.rule import Category
from benchmarks.records.machine import FULL_PRECISION
from benchmarks.records.row import KEY, Row, Verdict
from benchmarks.records.run import Run
from tests.conftest import SMALL
from tests.helpers.runs import run_of_day, timed, write

if TYPE_CHECKING:
    from pathlib import Path

QUIET_S = (100e-6, 100.2e-6, 100.4e-6, 100.6e-6, 100.8e-6, 101e-6)
NOISY_S = (60e-6, 80e-6, 100e-6, 120e-6, 140e-6, 160e-6)


def case(factor: float = 1.0, name: str = "torch_eager", minima_s: tuple[float, ...] = QUIET_S) -> Row:
    return timed(name, [factor * min_s for min_s in minima_s])


def without_times(verdict: Verdict, reason: str) -> Row:
    return replace(case(), verdict=verdict, reason=reason, processes=())


BASE = run_of_day(0, case())


def new_run(*rows: Row, **provenance: Any) -> Run:
    return run_of_day(1, *rows, **provenance)


class Call(Protocol):
    def __call__(self, *arguments: str, base: Run | Path = ..., new: Run | Path = ...) -> int:
        """Call the command on two records, BASE where none is given, and give the exit status."""


class Compare(Protocol):
    def __call__(self, base: Run, new: Run, *arguments: str) -> tuple[int, Comparison]:
        """Compare two runs; give the exit status and what was found."""


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Call the command."""

    def called(*arguments: str, base: Run | Path = BASE, new: Run | Path = BASE) -> int:
        files = [
            write(each, tmp_path / f"{name}.json") if isinstance(each, Run) else each
            for name, each in {"base": base, "new": new}.items()
        ]
        return main(["compare", *map(str, files), f"--calibration={tmp_path}/noise", *arguments])

    return called


@pytest.fixture
def compare(tmp_path: Path, call: Call) -> Compare:
    """Compare two runs."""

    def compared(base: Run, new: Run, *arguments: str) -> tuple[int, Comparison]:
        report = tmp_path / "report.json"
        report.unlink(missing_ok=True)
        status = call(*arguments, f"--json={report}", base=base, new=new)
        return status, read_comparison(report)

    return compared


@pytest.mark.parametrize(
    ("new", "arguments", "status", "category"),
    [
        (case(), [], 0, Category.UNCHANGED),
        (case(1.2), [], 1, Category.SLOWER),
        (case(1 / 1.2), [], 0, Category.FASTER),
        (case(1.2), ["--threshold=25"], 0, Category.UNCHANGED),
        (case(1.2), ["--threshold=torch=25"], 0, Category.UNCHANGED),
        (case(1.07), [], 3, Category.UNDECIDED),
        (case(minima_s=NOISY_S), [], 3, Category.UNDECIDED),
        (case(minima_s=NOISY_S), ["--undecided-ok"], 0, Category.UNDECIDED),
        (without_times(Verdict.INVALID, "loss of step 2"), [], 5, Category.INVALID),
        (without_times(Verdict.FAILED, "killed"), [], 5, Category.INVALID),
        (without_times(Verdict.NOT_MEASURED, "no compiler"), [], 5, Category.MISSING),
        (replace(case(), processes=()), [], 5, Category.MISSING),
    ],
    ids=[
        *("unchanged", "slower", "faster", "within the threshold", "within its threshold"),
        *("near the threshold", "noisy", "noisy, allowed", "invalid", "failed", "skipped", "untimed"),
    ],
)
def test_the_category_and_the_exit_status_say_what_became_of_a_case(
    new: Row, arguments: list[str], status: int, category: Category, compare: Compare
) -> None:
    found_status, comparison = compare(BASE, new_run(new), *arguments)

    assert [verdict.category for verdict in comparison.verdicts] == [category]
    assert found_status == status
    assert comparison.verdicts[0].reason == new.reason or new.processes == ()


def test_a_case_only_the_new_record_has_is_new_and_fine(compare: Compare) -> None:
    status, comparison = compare(BASE, new_run(case(), case(name="jax_scan")))

    assert {verdict.name[:8]: verdict.category for verdict in comparison.verdicts} == {
        "jax_scan": Category.NEW,
        "torch_ea": Category.UNCHANGED,
    }
    assert status == 0


@pytest.mark.parametrize("allowed", [[], ["--undecided-ok"]])
@pytest.mark.parametrize(
    ("new", "categories"),
    [
        ([case()], [Category.UNCHANGED, Category.MISSING]),
        ([case(), case(name="jax_renamed")], [Category.UNCHANGED, Category.MISSING, Category.NEW]),
        ([], [Category.MISSING, Category.MISSING]),
    ],
    ids=["vanished", "renamed", "all gone"],
)
def test_a_case_that_is_gone_or_was_renamed_is_no_silent_pass(
    new: list[Row], categories: list[Category], allowed: list[str], compare: Compare
) -> None:
    base = run_of_day(0, case(), case(name="jax_scan"))
    if not new:
        new = [replace(row, processes=()) for row in base.rows]

    status, comparison = compare(base, new_run(*new), *allowed)

    assert [verdict.category for verdict in comparison.verdicts] == categories
    assert status == 5


def test_a_case_that_was_wrong_in_the_base_is_no_silent_pass(compare: Compare) -> None:
    status, comparison = compare(run_of_day(0, without_times(Verdict.FAILED, "killed")), new_run(case()))

    assert status == 5
    assert comparison.verdicts[0].reason == "base: killed"


def test_what_neither_record_measured_is_left_out_in_words_and_alone_is_no_pass(compare: Compare) -> None:
    absent = replace(without_times(Verdict.NOT_MEASURED, "no GPU"), implementation="torch_cuda")

    status, comparison = compare(run_of_day(0, case(), absent), new_run(case(), absent))
    assert (status, len(comparison.verdicts)) == (0, 1)
    assert comparison.notes[0] == f"left out, measured in neither record: {absent.case}"

    status, comparison = compare(run_of_day(0, absent), new_run(absent))
    assert (status, len(comparison.verdicts)) == (5, 0)


def test_a_slowdown_is_told_even_where_another_case_is_gone(compare: Compare) -> None:
    assert compare(run_of_day(0, case(), case(name="jax_scan")), new_run(case(1.2)))[0] == 1


FOREIGN = {
    "CPU": ({"cpu": "Another CPU"}, "CPU: A CPU in the base, Another CPU in the new record"),
    "CPUs": ({"n_cpus": 64}, "number of CPUs: 2 in the base, 64 in the new record"),
    "GPU": ({"gpu": "H100"}, "GPU: none in the base, H100 in the new record"),
    "double precision": (
        {"worker_variables": {**FULL_PRECISION, "JAX_ENABLE_X64": "1"}},
        "JAX_DEFAULT_MATMUL_PRECISION=highest, JAX_ENABLE_X64=1 in the new record",
    ),
    "precision": (
        {"worker_variables": {}},
        "precision: full float32 in the base, NVIDIA_TF32_OVERRIDE=unset, JAX_DEFAULT_MATMUL_PRECISION=",
    ),
}


@pytest.mark.parametrize(("provenance", "message"), FOREIGN.values(), ids=FOREIGN)
def test_records_of_other_circumstances_are_refused_with_both_values_unless_only_ratios_are_asked_for(
    provenance: dict[str, Any],
    message: str,
    compare: Compare,
    call: Call,
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = (case(), case(0.1, "native_floor"))
    base, new = run_of_day(0, *rows), new_run(*rows, **provenance)

    status, comparison = compare(base, new, "--baseline=native_floor")
    assert (status, comparison.verdicts[0].category) == (0, Category.UNCHANGED)
    assert call(base=base, new=new) == 4
    error = capsys.readouterr().err
    assert message in error
    assert "--baseline native_floor" in error


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            replace(case(), problem=replace(SMALL, batch_size=64)),
            "problems: B32-D2-N4-E3 on cpu in the base, B64-D2-N4-E3 on cpu in the new record",
        ),
        (
            replace(case(), data_digest="fedcba9876543210"),
            ": 0123456789abcdef in the base, fedcba9876543210 in the new record",
        ),
    ],
    ids=["problems", "data"],
)
def test_records_of_other_problems_or_data_are_refused_with_both_values(
    row: Row, message: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(new=new_run(row)) == 4
    assert message in capsys.readouterr().err


def test_records_without_a_common_problem_are_refused_whatever_ratios_are_asked_for(
    call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    new = new_run(replace(case(), problem=replace(SMALL, batch_size=64)))

    assert call(new=new) == call("--baseline=torch_eager", new=new) == 4
    plain, ratios = capsys.readouterr().err.splitlines()
    assert plain.endswith(" in the new record. Measure both alike")  # no control would help
    assert "(there is none), found 'torch_eager'" in ratios


@pytest.mark.parametrize(
    ("factor", "category"),
    [(2.0, Category.UNCHANGED), (2.4, Category.SLOWER), (1.6, Category.FASTER)],
    ids=["the machine only", "the case too", "the case less"],
)
def test_ratios_to_the_control_of_the_same_round_see_the_case_and_not_the_machine(
    factor: float, category: Category, compare: Compare
) -> None:
    base = run_of_day(0, case(minima_s=NOISY_S), case(0.1, "native_floor", NOISY_S))
    new = new_run(case(factor, minima_s=NOISY_S), case(0.2, "native_floor", NOISY_S), cpu="A slower CPU")

    status, comparison = compare(base, new, "--baseline=native_floor")

    # Rounds differ by a factor of two, in both: only ratios within a round are this steady.
    assert [(verdict.name[:11], verdict.category) for verdict in comparison.verdicts] == [
        ("torch_eager", category)
    ]
    assert status == (category is Category.SLOWER)


def test_rounds_in_which_the_control_was_not_measured_do_not_count(compare: Compare) -> None:
    floor = case(0.1, "native_floor")
    base = run_of_day(0, case(), replace(floor, processes=floor.processes[:4]))

    _, comparison = compare(base, new_run(case(), floor), "--baseline=native_floor")

    assert comparison.verdicts[0].decision is not None
    assert comparison.verdicts[0].decision.n_pairs == 4


def test_a_problem_without_the_control_is_missing_and_says_so(compare: Compare) -> None:
    other = replace(case(), problem=replace(SMALL, batch_size=64))
    rows = (case(), other, case(0.1, "native_floor"))

    status, comparison = compare(run_of_day(0, *rows), new_run(*rows), "--baseline=native_floor")

    assert status == 5
    assert comparison.verdicts[-1].reason == "no round with times of both sides and of native_floor"


@pytest.mark.parametrize(
    ("gone", "category"),
    [
        ({"verdict": Verdict.INVALID, "reason": "wrong", "processes": ()}, Category.INVALID),
        ({"verdict": Verdict.NOT_MEASURED, "reason": "no compiler", "processes": ()}, Category.MISSING),
        ({"implementation": "renamed"}, Category.MISSING),
        ({"verdict": Verdict.FAILED, "reason": "killed in its last round"}, Category.INVALID),
    ],
    ids=["wrong", "skipped", "renamed", "failed late"],
)
def test_a_control_that_is_gone_from_one_of_its_problems_is_no_silent_pass(
    gone: dict[str, Any], category: Category, compare: Compare
) -> None:
    here = (case(), case(0.1, "native_floor"))
    other, floor = (replace(row, problem=replace(SMALL, batch_size=64)) for row in here)

    status, comparison = compare(
        run_of_day(0, *here, other, floor),
        new_run(*here, other, replace(floor, **gone)),
        "--baseline=native_floor",
    )

    found = {verdict.name: verdict.category for verdict in comparison.verdicts}
    assert found[floor.case] is category
    assert found[other.case] is Category.MISSING  # there is nothing to compare it by
    assert here[1].case not in found
    assert status == 5


def test_what_was_overlooked_to_compare_ratios_is_told(compare: Compare) -> None:
    rows = (case(), case(0.1, "native_floor"))

    _, comparison = compare(run_of_day(0, *rows), new_run(*rows, n_cpus=64), "--baseline=native_floor")

    overlooked, left_out = comparison.notes[:2]
    assert overlooked.startswith("compared anyway, by ratios to native_floor: number of CPUs: 2 in the")
    assert left_out == f"left out, the control itself: {rows[1].case}"


def test_a_record_that_was_cut_short_and_records_in_the_wrong_order_are_told(compare: Compare) -> None:
    cut = run_of_day(1, case(), settings={"interrupted": "Ctrl-C"})

    _, comparison = compare(cut, BASE)

    assert comparison.notes[:2] == (
        "base: the run was interrupted (Ctrl-C): some rounds are missing",
        "the base was measured after the new record: are they in the right order?",
    )


def test_a_newer_driver_is_no_other_gpu(compare: Compare) -> None:
    base, new = (run_of_day(0, case(), gpu=f"NVIDIA H100, {version}") for version in ("570.1", "580.2"))

    assert compare(base, new)[0] == 0


@pytest.mark.parametrize("verdict", [Verdict.INVALID, Verdict.FAILED])
def test_a_control_that_is_wrong_is_no_control(
    verdict: Verdict, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    floor = case(0.1, "native_floor")
    base, new = run_of_day(0, case(), floor), new_run(case(), replace(floor, verdict=verdict, reason="wrong"))

    assert call("--baseline=native_floor", base=base, new=new) == 4
    assert "(torch_eager), found 'native_floor'" in capsys.readouterr().err


def test_too_few_rounds_for_so_many_cases_are_undecided_and_say_how_many_it_takes(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"case_{i}" for i in range(5)]
    rows, slower = ([case(factor, name, QUIET_S[:4]) for name in names] for factor in (1.0, 1.5))

    status, comparison = compare(run_of_day(0, *rows), new_run(*slower))

    assert status == 3
    assert {verdict.category for verdict in comparison.verdicts} == {Category.UNDECIDED}
    assert comparison.verdicts[0].reason == "4 rounds are too few for 5 cases: measure 5, or fewer cases"
    assert "could detect" not in capsys.readouterr().out  # in so few, nothing would
    assert compare(run_of_day(0, rows[0]), new_run(slower[0]))[0] == 1  # enough for one


def test_only_cases_with_times_on_both_sides_share_the_error_probability(compare: Compare) -> None:
    new_cases = [case(name=f"case_{i}") for i in range(100)]

    status, comparison = compare(BASE, new_run(case(1.2), *new_cases))

    assert status == 1
    assert comparison.verdicts[0].category is Category.SLOWER


def test_3_rounds_are_enough_for_one_case_because_their_order_is_as_rare_as_alpha(compare: Compare) -> None:
    rows = [case(factor, minima_s=QUIET_S[:3]) for factor in (1.0, 1.5)]

    status, comparison = compare(run_of_day(0, rows[0]), new_run(rows[1]))  # one of 20 orders: 5 %

    assert (status, comparison.verdicts[0].reason) == (1, None)
    assert compare(run_of_day(0, rows[0]), new_run(rows[1]), "--alpha=0.049")[0] == 3


def test_drift_widens_the_interval_and_so_can_take_a_verdict_away(compare: Compare) -> None:
    widths = {}
    for drift in ("0", "3", "30"):
        status, comparison = compare(BASE, new_run(case(1.2)), f"--drift={drift}")
        decision = comparison.verdicts[0].decision
        assert decision is not None
        widths[drift] = decision.high / decision.low
        assert status == (3 if drift == "30" else 1)

    assert widths["3"] == pytest.approx(widths["0"] * 1.03**2)
    assert widths["30"] == pytest.approx(widths["0"] * 1.3**2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--baseline=nobody"],
            "expected an implementation with times of the same problem in both records (torch_eager), found",
        ),
        (["--threshold=nobody=5"], "unknown case in --threshold 'nobody'"),
        (["--threshold=much"], "--threshold: expected [CASE=]PERCENT"),
        (["--threshold=nan"], "--threshold: expected more than 0 and less than 100 %, found 'nan'"),
        (["--threshold=torch=-1"], "--threshold: expected more than 0 and less than 100 %, found 'torch=-1'"),
        (["--threshold=100"], "--threshold: expected more than 0 and less than 100 %, found '100'"),
        (["--alpha=0"], "rule: alpha: expected a number from 1e-12 to 1, found 0"),
        (["--drift=-1"], "rule: drift: expected a number from 0 to 0.999, found -0.01"),
        (["--drift=nan"], "rule: drift: expected a number from 0 to 0.999, found nan"),
        (["--json=/dev/null/a.json"], "can't be written"),
        (["--json=same", "--junit=same"], "same: expected one report for each file, found 2"),
    ],
)
def test_a_call_that_makes_no_sense_ends_with_a_sentence_and_status_4(
    arguments: list[str], message: str, call: Call, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(*arguments) == 4
    assert message in capsys.readouterr().err


def test_a_report_never_overwrites_a_record(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "new.json")

    for path in (tmp_path / "base.json", tmp_path / "link.json"):
        assert call(f"--json={path}") == 4
        assert "found a record that is to be compared" in capsys.readouterr().err
    assert json.loads((tmp_path / "base.json").read_text(encoding="utf-8"))[KEY]["rows"]


@pytest.mark.parametrize(
    ("thresholds", "status"),
    [
        (["5", "torch=25"], 0),
        (["torch=25", "5"], 1),
        (["torch=25", "5", "torch=25"], 0),
        (["25", "25", "5"], 1),
    ],
)
def test_of_several_thresholds_that_fit_a_case_the_one_said_last_counts(
    thresholds: list[str], status: int, call: Call
) -> None:
    assert call(*(f"--threshold={each}" for each in thresholds), new=new_run(case(1.2))) == status


def test_a_job_summary_that_cannot_be_written_is_found_out_before_the_comparison(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", "/dev/null/summary.md")

    assert call() == 4
    captured = capsys.readouterr()
    assert "/dev/null/summary.md: can't be written" in captured.err
    assert not captured.out


def test_the_report_says_how_it_was_judged_and_when_each_side_was_measured(
    compare: Compare, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(BASE, new_run(case(1.2)))

    shown = capsys.readouterr().out
    assert "1 slower, of 1 case" in shown
    assert "+20.0 %" in shown
    assert "base: measured 2026-11-01" in shown
    assert "new: measured 2026-11-02" in shown
    assert "widened by 3.0% for a drift of the machine" in shown
    assert "no calibration of this machine" in shown


def test_a_record_with_versions_that_were_not_calibrated_is_told(
    call: Call, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new = new_run(case())
    made = Calibration(date="2026-11-01", machine=Fingerprint.of(new.provenance), cases={})
    save(made, tmp_path / "noise")
    older = replace(BASE, provenance=replace(BASE.provenance, versions={"torch": "2.12.0"}))

    assert call(base=older, new=new) == 0
    told = "STALE for base, which has other versions (python 3.11.7 → none; torch 2.13.0 → 2.12.0)"
    assert told in capsys.readouterr().out
    assert call(new=new) == 0
    assert "STALE" not in capsys.readouterr().out
