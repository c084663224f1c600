"""Plots as SVG that stands in a page: drawn by matplotlib, coloured and lettered by the page.

Colours become the page's CSS variables, so that a plot is light or dark as the page is, and styles become attributes,
which a content security policy allows. Letters stay letters, in the page's own font.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

import numpy as np

from stance.bootstrap import Estimate
from stance.decision import FloatArray
from stance.report.palette import COLOURS

if TYPE_CHECKING:
    from markupsafe import Markup
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 300, 225
"""Of a plot in its own units, which are pixels where it stands at its natural size: a phone's width, almost."""
NARROWEST = 0.05
"""Probability up to which a reliability curve reaches at least, so that its scale needs few digits."""

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_LIGHT = {light: f"var(--{name})" for name, (light, _) in COLOURS.items()}
_SETTINGS = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "axes.edgecolor": COLOURS["muted"][0],
    "axes.labelcolor": COLOURS["muted"][0],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLOURS["rule"][0],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["muted"][0],
    "ytick.color": COLOURS["muted"][0],
    "xtick.major.size": 3,
    "ytick.major.size": 0,
}


@dataclass(frozen=True)
class Plot:
    """A plot, and where the ends of its axes stand in it: left, right, bottom and top."""

    svg: "Markup"
    left: float
    right: float
    bottom: float
    top: float


def trade_off(
    name: str,
    colour: str,
    curve: tuple[FloatArray, FloatArray],
    chosen: tuple[Estimate | None, Estimate | None],
    rivals: Sequence[tuple[float, float]],
) -> Plot:
    """Precision against recall at every threshold, with a dot and intervals at the model's own, and rivals at theirs.

    Args:
        name: of the plot; differs from that of any other in the page.
        colour: of the label.
        curve: recalls and precisions, each of shape (thresholds,).
        chosen: recall and precision at the model's own threshold; None where undefined.
        rivals: recall and precision of each.
    """
    recall, precision = chosen
    dot = (recall.value if recall else 0.0, precision.value if precision else 1.0)

    def draw(axes: "Axes") -> None:
        axes.plot(*curve, color=COLOURS[colour][0], linewidth=1.8)
        for place in rivals:
            axes.plot(*place, "o", markersize=5, markerfacecolor="none", color=COLOURS["muted"][0], clip_on=False)
        ink: Any = {"color": COLOURS["ink"][0], "linewidth": 1.0}
        if recall is not None:
            axes.plot([recall.low, recall.high], [dot[1], dot[1]], **ink)
        if precision is not None:
            axes.plot([dot[0], dot[0]], [precision.low, precision.high], **ink)
        ticks = np.linspace(0, 1, 6)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.005), xticks=ticks, yticks=ticks)
        axes.set_xticklabels([f"{tick:.1f}" for tick in ticks])

    return _draw(name, draw, dot)


def reliability(name: str, colour: str, bins: Sequence[tuple[float, Estimate]]) -> Plot:
    """How often a label is there, against how probable it was said to be.

    Args:
        name: of the plot.
        colour: of the label.
        bins: sentences of like probability: its mean, and the share that carries the label.
    """

    def draw(axes: "Axes") -> None:
        said = [mean for mean, _ in bins]
        lows, highs = [found.low for _, found in bins], [found.high for _, found in bins]
        end = min(1.05 * max(*said, *highs, NARROWEST), 1)
        axes.plot([0, end], [0, end], color=COLOURS["muted"][0], linewidth=0.9, linestyle=(0, (3, 3)))
        axes.vlines(said, lows, highs, COLOURS[colour][0], linewidths=1.2)
        values = [found.value for _, found in bins]
        axes.plot(said, values, color=COLOURS[colour][0], linewidth=1.2, marker="o", markersize=4.5, clip_on=False)
        axes.set(xlabel="probability said", ylabel="share found", xlim=(0, end), ylim=(0, end))

    return _draw(name, draw)


def risk(name: str, colour: str, curve: Sequence[tuple[float, Estimate]], most: float) -> Plot:
    """The share of wrong decisions among the surest, for growing shares of the sentences.

    Args:
        name: of the plot.
        colour: of the label.
        curve: share of the sentences, and of these the share that is decided wrongly.
        most: end of the scale of the latter.
    """

    def draw(axes: "Axes") -> None:
        shares = [share for share, _ in curve]
        lows, highs = [wrong.low for _, wrong in curve], [wrong.high for _, wrong in curve]
        axes.fill_between(shares, lows, highs, color=COLOURS[colour][0], alpha=0.18, linewidth=0)
        axes.plot(shares, [wrong.value for _, wrong in curve], color=COLOURS[colour][0], linewidth=1.6)
        axes.set(xlabel="share of the sentences, surest first", ylabel="wrong", xlim=(0, 1), ylim=(0, most))

    return _draw(name, draw)


def timeline(
    name: str, colour: str, periods: Sequence[str], shares: Sequence[tuple[float | None, float | None, float | None]]
) -> Plot:
    """A share from period to period, with its interval as a band.

    Args:
        name: of the plot.
        colour: of the label.
        periods: in their order.
        shares: value, low and high of each; None where nothing tells.
    """

    def draw(axes: "Axes") -> None:
        values, lows, highs = np.array(shares, dtype=np.float64).T * 100
        places = np.arange(len(periods))
        axes.fill_between(places, lows, highs, color=COLOURS[colour][0], alpha=0.18, linewidth=0)
        axes.plot(places, values, color=COLOURS[colour][0], linewidth=1.6, marker="o", markersize=3.5)
        step = -(-len(periods) // 4)  # a phone has room for four
        axes.set_xticks(places[::step], [period.replace("$", r"\$") for period in periods[::step]])
        axes.set(ylabel="% of sentences", xlim=(-0.3, len(periods) - 0.7))
        axes.set_ylim(bottom=0)

    return _draw(name, draw)


def _draw(name: str, draw: Callable[["Axes"], None], dot: tuple[float, float] | None = None) -> Plot:
    """Draws on new axes; ``dot`` is put where x and y are, for a script of the page to move."""
    # Imported when a plot is drawn: the scripts that load this module may end before.
    from markupsafe import Markup
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    source = StringIO()
    settings: Any = {**_SETTINGS, "svg.hashsalt": name}  # matplotlib types each key by itself
    with rc_context(settings):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        axes = figure.add_axes((0.135, 0.175, 0.845, 0.8))
        draw(axes)
        figure.savefig(source, format="svg", transparent=True, metadata={"Date": None})
    left, bottom, right, top = map(float, axes.bbox.extents)
    root = _for_page(source.getvalue())
    if dot is not None:
        place = zip(("cx", "cy"), axes.transData.transform(dot).tolist(), strict=True)
        at = {name: f"{HEIGHT - value if name == 'cy' else value:.2f}" for name, value in place}
        ElementTree.SubElement(root, f"{_SVG}circle", {"class": "chosen", "r": "4.5", **at})
    svg = Markup(ElementTree.tostring(root, encoding="unicode"))  # noqa: S704 (what is text in it has been escaped)
    return Plot(svg, left, right, HEIGHT - bottom, HEIGHT - top)


def _for_page(source: str) -> ElementTree.Element:
    """The SVG without what a page has already, coloured by its variables."""
    ElementTree.register_namespace("", _SVG.strip("{}"))
    root = ElementTree.fromstring(source)  # noqa: S314 (our own)
    used = set(re.findall(r"#([\w-]+)", source))
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.rpartition("}")[2] in ("metadata", "style"):
                parent.remove(child)
        parent.attrib.update(_attributes(parent.attrib.pop("style", "")))
        if parent.get("id") not in used:
            parent.attrib.pop("id", None)
        if _LINK in parent.attrib:
            parent.set("href", parent.attrib.pop(_LINK))
    for size in ("width", "height"):
        root.attrib.pop(size)
    root.attrib.update({"class": "plot", "aria-hidden": "true"})
    return root


def _attributes(style: str) -> dict[str, str]:
    """The declarations of a style as attributes, colours by their name; the page has the fonts."""
    pairs = (declaration.partition(":") for declaration in style.split(";") if declaration.strip())
    found = {name.strip(): _LIGHT.get(value.strip(), value.strip()) for name, _, value in pairs}
    return {name: value for name, value in found.items() if name != "font-family"}
