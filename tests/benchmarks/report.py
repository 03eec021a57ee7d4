"""How a comparison is shown: tables in a terminal, and a page with a picture for the documents."""

from __future__ import annotations

import datetime
import os
import platform
from dataclasses import dataclass, field
from importlib.metadata import version
from math import floor, log10
from statistics import median, quantiles

from page import FOLDER, markdown
from peers import PEERS
from rich.console import Console
from rich.table import Table


@dataclass
class Result:
    """What was found of one peer on one workload.

    Attributes
    ----------
    seconds
        Per call, one for each turn.
    found
        Seconds of ``import`` and of the ``first`` call, and the ``error``; or why it was ``skipped``.
    """

    peer: str
    seconds: list[float] = field(default_factory=list)
    found: dict[str, float | str] = field(default_factory=dict)


def label(workload):
    """Return the short name of a workload."""
    return workload.__name__.rpartition(".")[2].split("_")[0].upper()


def medians(results):
    """Return milliseconds per call by peer, of those that have any."""
    return {r.peer: median(r.seconds) * 1e3 for r in results if r.seconds and "skipped" not in r.found}


def figures(value):
    """Return a number with three significant figures, without an exponent."""
    return f"{value:.{max(0, 2 - floor(log10(value)))}f}"


def rows(results):
    """Yield the cells of each peer's row: median, middle half, ratio, error, first call and import."""
    found = medians(results)
    best = min(found.values(), default=1.0)
    for r in results:
        title = PEERS[r.peer].title
        if r.peer not in found:
            yield title, *[""] * 4, str(r.found["skipped"])
            continue
        low, _, high = quantiles([s * 1e3 for s in r.seconds], n=4) if len(r.seconds) > 1 else (found[r.peer],) * 3
        yield (
            title,
            figures(found[r.peer]),
            f"{figures(low)} to {figures(high)}",
            f"{found[r.peer] / best:.2f}",
            f"{r.found['error']:.0e}",
            f"{r.found['first']:.2f} s, {r.found['import']:.2f} s",
        )


COLUMNS = ("peer", "median, ms", "middle half", "to the best", "error", "first call, import")


def show(workload, results):
    """Print what was found on one workload."""
    table = Table(*COLUMNS, title=f"{label(workload)}: {workload.TITLE}", title_justify="left")
    for cells in rows(results):
        table.add_row(*cells)
    Console().print(table)


def ratios(results, peers):
    """Yield the name of each workload and, for each peer, its time beside the best one."""
    for workload, found in results.items():
        times = medians(found)
        best = min(times.values(), default=1.0)
        yield label(workload), [f"{times[p] / best:.2f}" if p in times else "" for p in peers]


def show_summary(results, peers):
    """Print all ratios at once."""
    table = Table("", *(PEERS[p].title for p in peers), title="Time beside the best of each row", title_justify="left")
    for name, cells in ratios(results, peers):
        table.add_row(name, *cells)
    Console().print(table)


def page(results, peers, picture, conditions):
    """Yield the lines of the page."""
    yield "# Speed\n"
    yield "`python tests/benchmarks/compare.py --write` made this page: each library in a process of its own, asked in"
    yield "turns, with a rest between them, since threads go on waiting for work for a while. Times are medians over"
    yield "the turns, ratios are to the best of each row. Results are checked against float64. A first call traces and"
    yield "compiles; NumPy is loaded before a library is.\n"
    load = f"load average {os.getloadavg()[2]:.1f} over the last quarter of an hour"
    yield f"{datetime.date.today()}, {platform.machine()}, {conditions}, {load}."
    yield f"Python {platform.python_version()}, {', '.join(versions(peers))}.\n"
    yield "## Time beside the best\n"
    yield from markdown(["", *(PEERS[p].title for p in peers)], ([n, *cells] for n, cells in ratios(results, peers)))
    if picture:
        yield f"\n![Time of each library beside the best, by workload]({picture})"
    for workload, found in results.items():
        yield f"\n## {label(workload)}\n\n{workload.TITLE}\n"
        yield from markdown(COLUMNS, rows(found))


def versions(peers):
    """Yield libraries with their versions."""
    for library in dict.fromkeys(["numpy", *(PEERS[p].library for p in peers)]):
        name = "tensorflow-cpu" if library == "tensorflow" else library
        yield f"{library} {version(name)}"


def write(results, peers, conditions):
    """Write the page, and the picture where matplotlib is installed."""
    picture = plot(results, peers, FOLDER / "speed.png")
    FOLDER.joinpath("speed.md").write_text(
        "\n".join(page(results, peers, picture, conditions)) + "\n", encoding="utf-8"
    )


def plot(results, peers, path):
    """Draw one group of bars per workload, on a logarithmic scale; return the file's name, or None."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(peers)
    for i, peer in enumerate(peers):
        at, heights = [], []
        for j, found in enumerate(results.values()):
            times = medians(found)
            if peer in times:
                at.append(j + (i - len(peers) / 2 + 0.5) * width)
                heights.append(times[peer] / min(times.values()))
        axes.bar(at, heights, width, bottom=0, label=PEERS[peer].title)
    axes.set(yscale="log", ylabel="time beside the best", xticks=range(len(results)))
    axes.set_xticklabels([label(w) for w in results])
    axes.legend(ncols=5, fontsize=8)
    figure.savefig(path, dpi=150)
    return path.name
