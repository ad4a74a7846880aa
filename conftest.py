"""Here, at the top, so that pytest knows our options whatever it is asked to run."""

pytest_plugins = ["benchmarks.plugin"]
