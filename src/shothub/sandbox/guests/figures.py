"""Figures that a routine left open, as pictures."""

import io
import sys
from collections.abc import Iterator

import matplotlib.pyplot as plt

MAX_FIGURES = 20
MAX_BYTES = 8 << 20
MAX_PIXELS = 25_000_000


def take_figures() -> Iterator[tuple[str, bytes]]:
    """Yield name and PNG of each open figure, and close all.

    The name is the figure's label, or its number.
    """
    numbers = plt.get_fignums()
    for number in numbers[:MAX_FIGURES]:
        figure = plt.figure(number)
        width, height = figure.get_size_inches() * figure.dpi
        if width * height > MAX_PIXELS:
            sys.stderr.write(
                f"figure {number} is too large: {width:.0f} x {height:.0f}\n"
            )
            continue
        buffer = io.BytesIO()
        try:
            figure.savefig(buffer, format="png", pil_kwargs={"compress_level": 3})
        except Exception as error:  # noqa: BLE001  (drawing runs the user's own code)
            sys.stderr.write(f"figure {number} cannot be drawn: {error}\n")
            continue
        if buffer.tell() <= MAX_BYTES:
            yield figure.get_label() or str(number), buffer.getvalue()
    if len(numbers) > MAX_FIGURES:
        sys.stderr.write(f"only the first {MAX_FIGURES} figures were kept\n")
    plt.close("all")
