"""SVG files: themes, numbers, and the same bytes each time."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import vl_convert

from benchmarks.report.plots.render import MARK, STYLE, VEGA_LITE, compact
from benchmarks.report.plots.style import (
    config,
)
from tests.helpers.plots import write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from benchmarks.report.plots.plot import Plot


def test_for_a_dark_page_the_style_of_an_svg_file_replaces_the_colours_of_the_light_theme_by_the_dark_ones(
    plots: dict[str, Plot], tmp_path: Path
) -> None:
    dark_spec = plots["throughput"].spec | {"config": config("dark")}
    text = write(plots["throughput"], tmp_path).svg.read_text()

    assert text.count(STYLE) == 1
    text = text.replace(STYLE, "")
    for attribute, light, same, dark in re.findall(r'\[(\w+)="(.+?)"\]{(\w+):(.+?)}', STYLE):
        assert same == attribute
        text = text.replace(f'{attribute}="{light}"', f'{attribute}="{dark}"')
    assert text.rpartition(MARK)[0] == compact(vl_convert.vegalite_to_svg(dark_spec, vl_version=VEGA_LITE))


def test_only_the_numbers_in_tags_are_shortened_and_a_text_stays_as_it_is() -> None:
    svg = '<text class="a" aria-label="b" transform="translate(1.23456,7.00001)">1.23456 role="c"</text>'

    assert compact(svg) == '<text transform="translate(1.23,7)">1.23456 role="c"</text>'


def test_the_same_plot_drawn_again_is_the_same_file(plots: dict[str, Plot], tmp_path: Path) -> None:
    once, again = (write(plots["spread"], tmp_path / name).svg.read_bytes() for name in "ab")

    assert once == again
    svg = ET.fromstring(once)  # noqa: S314 - our own
    clips = [element.get("id") for element in svg.iter("{http://www.w3.org/2000/svg}clipPath")]
    used = [element.get("clip-path") for element in svg.iter()]
    assert clips == [f"clip{i + 1}" for i in range(len(clips))]
    assert sorted(filter(None, used)) == sorted(f"url(#{each})" for each in clips)
    assert len(clips) > 1


def test_a_plot_is_drawn_again_only_if_it_or_its_files_changed(
    plots: dict[str, Plot], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[object] = []
    real = vl_convert.vegalite_to_svg

    def to_svg(specification: dict[str, Any], vl_version: str) -> str:
        drawn.append(specification)
        return real(specification, vl_version=vl_version)

    monkeypatch.setattr(vl_convert, "vegalite_to_svg", to_svg)
    files = write(plots["spread"], tmp_path)
    before = files.svg.read_bytes()
    assert files.png

    write(plots["spread"], tmp_path)
    assert len(drawn) == 1
    for spoil in (
        files.png.unlink,
        files.svg.unlink,
        lambda: files.svg.write_bytes(before.replace(b"fill", b"full", 1)),
        lambda: files.svg.write_bytes(before[:-1]),
    ):
        spoil()
        write(plots["spread"], tmp_path)
        assert files.svg.read_bytes() == before
    write(replace(plots["spread"], title="Another title"), tmp_path)

    assert len(drawn) == 1 + 4 + 1
    assert files.svg.read_bytes() != before
