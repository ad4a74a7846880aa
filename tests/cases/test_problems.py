"""Problems: generated names, overrides, and data drawn the same way every time."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.cases.data import (
    digest_of,
    draw_batch,
    draw_epochs,
    draw_parameters,
)
from benchmarks.cases.problems import NAMED, name_of, parse_problem
from benchmarks.cases.suites import QUICK, SUITES
from benchmarks.errors import UsageError
from impls.contract import Problem


def test_a_named_problem_is_named_by_its_nickname_and_sizes() -> None:
    assert [name_of(problem) for problem in NAMED.values()] == [
        "book-B1000-D2-N5-E12",
        "small-B32-D2-N100-E12",
        "large-B100000-D2-N5-E12",
        "wide-B1000-D256-N20-E12",
    ]


def test_a_replaced_field_takes_the_nickname_away_and_shows_in_the_name() -> None:
    problem = parse_problem("book,batch_size=64,data=stream,learning_rate=0.1,last_batch_size=7")

    assert problem == Problem(batch_size=64, data="stream", learning_rate=0.1, last_batch_size=7)
    assert name_of(problem) == "B64-D2-N5-E12-last_batch_size=7-data=stream-learning_rate=0.1"


def test_a_precision_shows_in_the_name() -> None:
    assert name_of(parse_problem("book,precision=tf32")) == "B1000-D2-N5-E12-precision=tf32"


def test_every_problem_of_every_suite_can_be_read_and_none_comes_twice_under_another_name() -> None:
    for suite in (QUICK, *SUITES.values()):
        problems = dict.fromkeys(map(parse_problem, suite.problems))
        assert len(set(map(name_of, problems))) == len(problems)


def test_fields_replaced_so_that_they_spell_a_named_problem_give_its_name() -> None:
    assert name_of(parse_problem("book,batch_size=32,n_batches=100")) == "small-B32-D2-N100-E12"


def test_none_can_be_written_for_a_field_that_may_be_none() -> None:
    assert parse_problem("book,target_loss=none") == NAMED["book"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("bok", "unknown problem 'bok': expected one of book, .* Did you mean 'book'?"),
        ("book,batchsize=3", "unknown field of a problem 'batchsize'.* Did you mean 'batch_size'?"),
        ("book,batch_size=many", "Problem.batch_size: expected int, found 'many'"),
        ("book,batch_size=1.5", "Problem.batch_size: expected int, found '1.5'"),
        (
            "book,batch_size=0",
            "Problem.batch_size: expected at least 1 and at most 1e\\+18, found 0",
        ),
        (
            "book,precision=float16",
            "Problem.precision: expected 'float32' or 'tf32' or 'bfloat16', found 'float16'",
        ),
        ("book,learning_rate=nan", "Problem.learning_rate: expected positive and at most 1e\\+06, found nan"),
        (
            "book,target_loss=1e7",
            "Problem.target_loss: expected positive and at most 1e.06, found 10000000.0",
        ),
        (
            "book,max_loss_change=inf",
            "Problem.max_loss_change: expected zero or more, and at most 1e.06, found inf",
        ),
        ("book,64", "expected field=value after the problem's name, found '64'"),
    ],
)
def test_a_problem_that_makes_no_sense_is_refused_with_a_hint(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        parse_problem(text)


def test_a_batch_drawn_alone_is_the_one_drawn_with_all_others() -> None:
    problem = Problem(batch_size=7, n_batches=3, n_epochs=2, data="stream", last_batch_size=2)

    epochs = draw_epochs(problem)
    x, y = draw_batch(problem, 1, 2)

    np.testing.assert_array_equal(x, epochs[1][2][0])
    np.testing.assert_array_equal(y, epochs[1][2][1])


def test_a_data_set_has_one_epoch_and_a_stream_fresh_batches_in_each() -> None:
    stream = draw_epochs(Problem(n_epochs=3, data="stream"))

    assert len(draw_epochs(Problem(n_epochs=3))) == 1
    assert len(stream) == 3
    assert len({x.tobytes() for epoch in stream for x, _ in epoch}) == 15


def test_batches_are_float32_and_the_last_one_is_ragged_where_the_problem_says_so() -> None:
    batches = draw_epochs(Problem(n_features=3, batch_size=10, n_batches=2, last_batch_size=4))[0]

    assert [(x.shape, y.shape) for x, y in batches] == [((10, 3), (10,)), ((4, 3), (4,))]
    assert {array.dtype for batch in batches for array in batch} == {np.dtype(np.float32)}


def test_the_classes_lie_at_the_books_centers_with_unit_variance() -> None:
    x, y = draw_batch(Problem(batch_size=100_000), 0, 0)

    assert set(np.unique(y)) == {0, 1}
    assert y.mean() == pytest.approx(0.5, abs=0.01)
    for label, center in ((0, (3, 3)), (1, (3, -2))):
        assert x[y == label].mean(axis=0) == pytest.approx(center, abs=0.02)
        assert x[y == label].std(axis=0) == pytest.approx((1, 1), abs=0.02)


def test_the_initial_parameters_lie_within_the_bound_of_a_linear_layer() -> None:
    parameters = draw_parameters(Problem(n_features=400))

    assert parameters.weight.shape == (400,)
    assert parameters.bias.shape == ()
    assert 0.04 < np.abs(parameters.weight).max() <= 0.05


def test_the_digest_changes_with_every_field_that_changes_the_data() -> None:
    variants = [
        Problem(),
        Problem(seed=1),
        Problem(n_features=3),
        Problem(batch_size=999),
        Problem(n_batches=4),
        Problem(last_batch_size=999),
        Problem(data="stream"),
        Problem(feature_scale=2.0),
    ]

    digests = [digest_of(draw_epochs(problem), draw_parameters(problem)) for problem in variants]
    same = Problem(learning_rate=0.5)

    assert len(set(digests)) == len(variants)
    assert digest_of(draw_epochs(same), draw_parameters(same)) == digests[0]
