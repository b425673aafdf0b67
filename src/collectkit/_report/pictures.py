"""Draws a report's pictures as SVG text that is the same on every run, to stand inside the page.

Letters stay text, so that the page's own font shows them and a reader can search and hear them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from io import StringIO
from typing import Any, Final

from collectkit._report.figures import StageHistory
from collectkit.core.errors import MissingOptionalDependency

__all__ = ["BUCKET_COLOURS", "STAGE_COLOURS", "aged_bars", "colours_of", "stage_areas"]

BUCKET_COLOURS: Final = ("#bcd3e8", "#fee08b", "#fdae61", "#d95f0e", "#8c2d04", "#3f1102")
"""From not yet due to oldest: one hue that darkens, so that the order shows without colour vision too."""

STAGE_COLOURS: Final = ("#dbe3ea", "#9ecae1", "#4292c6", "#fed976", "#fd8d3c", "#bd3d26", "#5f0f40", "#6b6b6b")
"""From current to the last rung; light to dark within each hue."""

_WIDTH: Final = 5.4  # inches; at this size the letters are readable both on a phone and on a desk
_SETTINGS: Final[dict[str, Any]] = {
    "svg.fonttype": "none",
    "font.size": 9,
    "font.family": ["DejaVu Sans"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#55606b",
    "axes.labelcolor": "#1d2733",
    "xtick.color": "#1d2733",
    "ytick.color": "#1d2733",
    "text.color": "#1d2733",
    "axes.titlesize": 10,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def colours_of(palette: Sequence[str], count: int) -> tuple[str, ...]:
    """Give `count` colours, the last one for all that is beyond the palette."""
    return tuple(palette[min(position, len(palette) - 1)] for position in range(count))


def aged_bars(
    name: str,
    *,
    title: str,
    rows: Sequence[tuple[str, Sequence[float]]],
    number: Callable[[float], str],
) -> str:
    """Draw one stacked bar per row: a label, and the amount of every band, mildest first."""
    size = max((len(amounts) for _, amounts in rows), default=0)
    palette = colours_of(BUCKET_COLOURS, size)

    def draw(axes: Any) -> None:
        for place, (_, amounts) in enumerate(rows):
            left = 0.0
            for colour, amount in zip(palette, amounts, strict=True):
                axes.barh(place, amount, left=left, height=0.62, color=colour, edgecolor="white", linewidth=0.6)
                left += amount
        axes.set_yticks(range(len(rows)), [label for label, _ in rows])
        axes.invert_yaxis()
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(lambda value, _place: number(value))
        axes.set_xlim(left=0)

    return _svg(name, title, 0.7 + 0.6 * len(rows), draw)


def stage_areas(name: str, *, title: str, history: StageHistory, end_on: date, day: Callable[[date], str]) -> str:
    """Draw how many accounts stood in each stage, day by day; each day keeps its height to the next."""
    palette = colours_of(STAGE_COLOURS, len(history.stages))
    places = [one.toordinal() for one in (*history.days, end_on)]

    def draw(axes: Any) -> None:
        below = [0] * len(places)
        for colour, counts in zip(palette, history.counts, strict=True):
            above = [low + high for low, high in zip(below, (*counts, *counts[-1:]), strict=True)]
            axes.fill_between(places, below, above, step="post", color=colour, linewidth=0)
            axes.step(places, above, where="post", color="white", linewidth=0.6)
            below = above
        axes.set_xlim(places[0], places[-1])
        axes.set_ylim(0, max(below, default=1) or 1)
        axes.set_ylabel("accounts")
        ticks = _ticks(history.days)
        axes.set_xticks([one.toordinal() for one in ticks], [day(one) for one in ticks])
        axes.locator_params(axis="y", nbins=6, integer=True)

    return _svg(name, title, 2.9, draw)


# -- details ---------------------------------------------------------------------------------------------------


def _ticks(days: Sequence[date]) -> tuple[date, ...]:
    """Choose the days to write under a picture: the first of each month, or a few days of a short period."""
    firsts = [one for one in days if one.day == 1]
    if len(firsts) >= 2:
        return tuple(firsts[:: -(-len(firsts) // 7)])
    return tuple(days[:: -(-len(days) // 5)])


def _svg(name: str, title: str, height: float, draw: Callable[[Any], None]) -> str:
    """Draw on a canvas of its own, with settings of its own, and return an element for the page.

    Every id gets `name` as a prefix, for several pictures stand in one page.
    """
    try:
        import matplotlib  # 2.5 s on a cold start: only who draws pays for it
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ImportError as missing:
        raise MissingOptionalDependency("report", "matplotlib") from missing
    settings: Any = {**_SETTINGS, "svg.hashsalt": name}
    with matplotlib.rc_context():
        matplotlib.rcdefaults()  # a user's own style file must not change the bytes
        matplotlib.rcParams.update(settings)
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure.add_subplot())
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    return _for_page(text.getvalue(), name, title)


def _for_page(svg: str, name: str, title: str) -> str:
    """Turn a file into an element: no prologue, no fixed size, no foreign address, ids of its own, and a title."""
    body = svg[svg.index("<svg") :]
    head, _, rest = body.partition(">")
    box = re.search(r'viewBox="([^"]*)"', head)
    view = box.group(1) if box else "0 0 388 200"
    rest = re.sub(r"<metadata>.*?</metadata>\s*", "", rest, flags=re.DOTALL)
    rest = re.sub(r'\bid="', f'id="{name}-', rest)
    rest = re.sub(r'href="#', f'href="#{name}-', rest)
    rest = rest.replace("xlink:href", "href")
    rest = re.sub(r"url\(#", f"url(#{name}-", rest)
    rest = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", rest)
    return f'<svg viewBox="{view}" role="img" aria-labelledby="{name}-title"><title id="{name}-title">{title}</title>{rest.strip()}'
