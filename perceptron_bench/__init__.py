"""The only package of the wheel: it holds `benchmarks` and `impls`, hidden from everybody else's imports."""
