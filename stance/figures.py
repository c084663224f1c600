"""How figures are written for people."""


def figure(value: float | None) -> str:
    """Three digits after the point; a dash for what is undefined."""
    return "-" if value is None else f"{value:.3f}"
