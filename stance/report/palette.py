"""Colours of pages and plots, light and dark; those of labels can be told apart by the colour-blind.

The labels' are those of Okabe and Ito (2008, "Color universal design"), darkened on light ground and lightened on dark
until they stand out from it, in the order of the terminal's: green, red, blue, yellow, magenta, cyan.
"""

from collections.abc import Mapping

LABEL_COLOURS = 6
"""Labels beyond so many begin again with the first colour."""

COLOURS: Mapping[str, tuple[str, str]] = {
    "paper": ("#fdfcfa", "#171614"),
    "panel": ("#f5f2ec", "#211f1c"),
    "ink": ("#1d1b19", "#ece8e1"),
    "muted": ("#68635c", "#a39c92"),
    "rule": ("#d9d4cb", "#3a3732"),
    "warning": ("#9a4a00", "#f0a35e"),
    "label-0": ("#00805e", "#3fc49c"),
    "label-1": ("#c44a00", "#f4874e"),
    "label-2": ("#0068a8", "#5db3ee"),
    "label-3": ("#a07000", "#e6ba45"),
    "label-4": ("#a64d87", "#e49cc7"),
    "label-5": ("#2b7fa8", "#8bd0f0"),
}
"""By name of the CSS variable."""


def label_colour(position: int) -> str:
    """The colour of a label by its position among the model's."""
    return f"label-{position % LABEL_COLOURS}"
