"""How figures are written for people."""


def figure(value: float | None, digits: int = 3) -> str:
    """So many digits after the point; a dash for what is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def counted(n: int, noun: str) -> str:
    """A number and what it counts: ``1 document``, ``2,345 documents``."""
    return f"{n:,} {noun}{'s' * (n != 1)}"


def percent(share: float | None) -> str:
    """A share in hundredths, with one digit after the point; a dash for what is undefined."""
    return "-" if share is None else f"{100 * share:.1f}\u00a0%"
