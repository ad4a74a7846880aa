"""The plugin for any folder: `pytest --benchmark-only -p perceptron_bench.pytest_plugin`."""

import pytest

from perceptron_bench.code_path import insert_code

insert_code()

pytest_plugins = ["benchmarks.pytest_plugin.hooks"]


def pytest_configure(config: pytest.Config) -> None:
    """Collect our benchmark unless the user names files, and show warnings: errors are for tests."""
    config.addinivalue_line("python_functions", "bench_*")
    config.addinivalue_line("filterwarnings", "default")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.option.pyargs, config.args = True, ["benchmarks.bench_epoch"]
