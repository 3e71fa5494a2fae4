"""Counting in windows of time that are the same for all workers."""


def window(key: str, length_s: float, now: float) -> tuple[str, float]:
    """Return the counter of a key for the window of time that is now, and the seconds to its end.

    Windows follow each other without overlap, so up to twice as much may come around the end of
    one. The counter has to live as long as one window.
    """
    number, elapsed_s = divmod(now, length_s)
    return f"{key}:{number:.0f}", length_s - elapsed_s
