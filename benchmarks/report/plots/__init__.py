"""Plots, one file each: figures -> Vega-Lite -> SVG and PNG."""
