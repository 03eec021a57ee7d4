"""``kbplug demo``: the tour, then a network trained on real digits, on any installed engine."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kbplug.cli import output

if TYPE_CHECKING:
    from kbplug.demo.network import Epoch

GOAL = 0.96
"""The share of unseen digits that the network must read rightly for the command to succeed."""


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser("demo", help="take a tour of K, then train a network on handwritten digits")
    parser.add_argument("--backend", metavar="NAME", help="the engine; by default the one in the settings")
    parser.add_argument("--epochs", type=int, default=20, metavar="N", help="passes over the digits (20)")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of weights, dropout and order (1)")
    parser.add_argument(
        "--picture", type=output.new_file, default=Path("kbplug-demo.png"), metavar="FILE", help="the loss curve"
    )
    parser.add_argument("--json", action="store_true", help="skip the tour, and print the losses as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; the status is 1 when the network stays below the goal."""
    from kbplug import config, engine_scope
    from kbplug.config import settings

    config.set_rng("portable")  # the same weights and the same dropout on every engine
    with engine_scope(arguments.backend or settings().backend):
        if arguments.json:
            history = _train(arguments, quiet=True)
            output.as_json([epoch._asdict() for epoch in history])
        else:
            _tour()
            history = _train(arguments, quiet=False)
            _report(history, arguments.picture)
    return 0 if history and history[-1].accuracy >= GOAL else 1


def _tour() -> None:
    from rich.console import Console

    from kbplug.demo.tour import tour

    console = Console(highlight=False)

    def say(code: str, value: Any) -> None:
        if code:
            console.print(f"[bold cyan]{_escape(code)}[/]")
            console.print(_indented(value), markup=False)
        else:
            console.rule(f"[bold]{value}")

    tour(say)


def _escape(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _indented(value: Any) -> str:
    return "\n".join(f"    {line}" for line in str(value).splitlines())


def _train(arguments: argparse.Namespace, quiet: bool) -> list[Epoch]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from kbplug import backend as K
    from kbplug.demo import digits, network

    data = digits.split(digits.load())
    console = Console(quiet=quiet, highlight=False)
    console.rule("[bold]Training on handwritten digits")
    console.print(f"{len(data[0].labels)} images to train on, {len(data[1].labels)} to test on; engine {K.backend()}")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    begin = time.perf_counter()
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("epochs", total=arguments.epochs)

        def told(epoch: Epoch) -> None:
            text = f"loss {epoch.loss:.4f}  test loss {epoch.test_loss:.4f}  accuracy {epoch.accuracy:.4f}"
            progress.update(bar, advance=1, description=text)

        made = network.build(arguments.seed)
        history = network.train(made, data, arguments.epochs, arguments.seed, told)
    console.print(f"{arguments.epochs} epochs in {time.perf_counter() - begin:.1f} s")
    return history


def _report(history: Sequence[Epoch], picture: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if history:
        last = history[-1]
        word = "reached" if last.accuracy >= GOAL else "missed"
        console.print(f"Test accuracy [bold]{last.accuracy:.4f}[/]: the goal of {GOAL} was {word}.")
    if _draw(history, picture):
        console.print(f"The loss curve is in {picture}.")
    else:
        hint = "No picture was drawn, since matplotlib is not installed: pip install 'kbplug[plot]'."
        console.print(hint, markup=False, soft_wrap=True)


def _draw(history: Sequence[Epoch], picture: Path) -> bool:
    """Save the loss curve; return False where matplotlib is missing."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(history) + 1)
    axes.plot(epochs, [e.loss for e in history], label="training")
    axes.plot(epochs, [e.test_loss for e in history], label="test")
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", title="Handwritten digits")
    axes.legend()
    figure.savefig(picture)
    return True
