"""Run Keras's examples as they ship, on kbplug, with stand-ins for what they would download, and check their results.

    python examples.py [NAME ...]

The programs are not touched: data sets and pretrained weights are replaced where Keras loads them, and ``fit`` is held
to fewer epochs and samples. An example passes if it runs to its end and what it trained got better by as much as its
line in ``CASES`` asks.
"""

from __future__ import annotations

import argparse
import re
import runpy
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import suite


@dataclass(frozen=True)
class Case:
    """How far an example is run and what it must reach.

    ``factor`` bounds the last loss by the first, ``accuracy`` the last accuracy from below, ``rises`` asks that
    printed losses rise; ``once`` counts the losses of the first ``fit`` alone, where a later one has harder data;
    ``samples``, ``epochs`` and ``steps`` hold ``fit`` and its kin down, 0 leaves them alone.
    """

    factor: float = 0.9
    accuracy: float = 0.0
    epochs: int = 0
    samples: int = 0
    steps: int = 0
    images: int = 1400
    rises: bool = False
    once: bool = False
    arguments: tuple[str, ...] = ()


FULL = 60000  # some examples name the sizes of MNIST

CASES = {
    "addition_rnn": Case(factor=0.8, epochs=12, samples=1000),
    "antirectifier": Case(factor=0.5, epochs=10, samples=3000, images=FULL),
    "cifar10_cnn": Case(factor=0.99, epochs=2, steps=6),
    "conv_lstm": Case(factor=0.96, epochs=4, samples=4),
    "deep_dream": Case(rises=True, arguments=("base.png", "dream")),
    "image_ocr": Case(factor=0.9, once=True, epochs=2, steps=2),
    "imdb_bidirectional_lstm": Case(factor=0.8, epochs=2),
    "imdb_cnn": Case(factor=0.8),
    "imdb_cnn_lstm": Case(factor=0.8, epochs=3),
    "imdb_fasttext": Case(factor=0.9, epochs=5),
    "imdb_lstm": Case(factor=0.8, epochs=4),
    "lstm_text_generation": Case(factor=0.98, epochs=2, samples=2000),
    "mnist_acgan": Case(factor=0.8, epochs=2),
    "mnist_cnn": Case(accuracy=0.85, epochs=6),
    "mnist_hierarchical_rnn": Case(factor=0.95, epochs=2, samples=320),
    "mnist_irnn": Case(factor=0.998, epochs=2, samples=320),
    "mnist_mlp": Case(accuracy=0.95, epochs=8, samples=3000, images=FULL),
    "mnist_net2net": Case(factor=0.6, epochs=2),
    "mnist_siamese": Case(factor=0.5, epochs=4),
    "mnist_swwae": Case(factor=0.95, epochs=4, samples=600),
    "mnist_transfer_cnn": Case(factor=0.8, epochs=2),
    "reuters_mlp": Case(accuracy=0.9),
    "variational_autoencoder": Case(factor=0.8, epochs=5),
}


def digits(count):
    """Return scikit-learn's handwritten digits, enlarged and repeated, as the loader of MNIST returns its own."""
    import numpy as np
    from scipy.ndimage import zoom
    from sklearn.datasets import load_digits

    found = load_digits()
    images = (zoom(found.images, (1, 3.5, 3.5), order=1) * 255 / 16).astype("uint8")
    learnt, kept = np.arange(count) % 1497, 1497 + np.arange(10000 if count == FULL else 300) % 300
    return (images[learnt], found.target[learnt]), (images[kept], found.target[kept])


def pictures():
    """Return coloured pictures of ten classes, each with a hue and noise of its own."""
    import numpy as np

    random = np.random.RandomState(0)
    classes = random.randint(0, 10, (600, 1))
    hues = random.uniform(60, 200, (10, 1, 1, 3))
    images = np.clip(hues[classes[:, 0]] + random.normal(0, 30, (600, 32, 32, 3)), 0, 255).astype("uint8")
    return (images[:500], classes[:500]), (images[500:], classes[500:])


def documents(classes, words):
    """Return documents of numbered words, each class with favourites of its own."""
    import numpy as np

    random = np.random.RandomState(0)
    labels = random.randint(0, classes, 1200)
    favourites = random.randint(4, words, (classes, 20))
    texts = np.empty(1200, dtype=object)
    for i, label in enumerate(labels):
        common = random.randint(4, words, random.randint(20, 120))
        texts[i] = [1, *random.permutation([*common, *random.choice(favourites[label], 40)]).tolist()]
    return (texts[:1000], labels[:1000]), (texts[1000:], labels[1000:])


def downloaded(name, *_, **__):
    """Return a file that stands in for one of the net."""
    if name == "wordlists.tgz":
        return words(Path.cwd() / name)
    path = Path.cwd() / name
    path.write_text((suite.ROOT / "LICENSE").read_text())
    return str(path)


def words(path):
    """Write two lists of made-up words beside ``path``."""
    import numpy as np

    random = np.random.RandomState(0)
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    made = sorted({"".join(random.choice(letters, random.randint(3, 5))) for _ in range(40000)})
    random.shuffle(made)
    (path.parent / "wordlist_mono_clean.txt").write_text("".join(f"{w}\n" for w in made))
    pairs = zip(made[:18000], made[-18000:], strict=True)
    (path.parent / "wordlist_bi_clean.txt").write_text("".join(f"{a} {b}\n" for a, b in pairs))
    return str(path)


def replace_loaders(case):
    """Let Keras load stand-ins."""
    import numpy as np
    import six
    from keras import datasets
    from keras.applications import inception_v3
    from keras.preprocessing import image
    from keras.utils import data_utils

    datasets.mnist.load_data = lambda *_, **__: digits(case.images)
    datasets.cifar10.load_data = pictures
    datasets.imdb.load_data = lambda num_words=None, **_: documents(2, num_words)
    datasets.reuters.load_data = lambda num_words=None, **_: documents(46, num_words)
    datasets.reuters.get_word_index = dict
    data_utils.get_file = downloaded
    inception = inception_v3.InceptionV3
    inception_v3.InceptionV3 = lambda weights, **options: inception(weights=None, **options)
    six.moves.range = lambda *bounds: shorter_range(case, bounds)
    image.save_img("base.png", np.random.RandomState(0).uniform(0, 255, (160, 200, 3)))


def shorter_range(case, bounds):
    """Return a range; of epochs, which one program counts from 1 itself, no more than ``case`` allows."""
    return range(1, min(bounds[1], 1 + case.epochs)) if len(bounds) == 2 and case.epochs else range(*bounds)


def watch_training(case, losses, accuracies):
    """Hold training to what ``case`` says, and note the losses and accuracies it reports."""
    from keras.engine.training import Model

    fit, fit_generator, train_on_batch = Model.fit, Model.fit_generator, Model.train_on_batch
    generating = []

    def note(history):
        if case.once and losses:
            return history
        losses.extend(history.history["loss"])
        accuracies.extend(history.history.get("accuracy", []))
        return history

    def fewer_samples(self, x=None, y=None, **options):
        if options.get("validation_data") is not None:
            options["validation_data"] = [held(v, case.samples) for v in options["validation_data"]]
        return note(fit(self, held(x, case.samples), held(y, case.samples), **shorter(case, options)))

    def fewer_steps(self, generator, **options):
        generating.append(generator)
        if case.steps:
            options["steps_per_epoch"] = options["validation_steps"] = case.steps
            options["workers"] = 0  # one program changes its words while another thread paints them
        return note(fit_generator(self, generator, **shorter(case, options)))

    def noted(self, *arguments, **options):
        result = train_on_batch(self, *arguments, **options)
        if not generating:
            losses.append(float(result[0] if isinstance(result, list) else result))
        return result

    Model.fit, Model.fit_generator, Model.train_on_batch = fewer_samples, fewer_steps, noted


def held(value, samples):
    """Return the first samples of an array, or of each in a list; all of them where ``samples`` is 0."""
    if isinstance(value, list):
        return [held(v, samples) for v in value]
    return value if value is None or not samples else value[:samples]


def shorter(case, options):
    """Return options of training for no more epochs than ``case`` allows: the last, whose files programs go on with."""
    last = options.get("epochs", 1)
    first = max(options.get("initial_epoch", 0), last - case.epochs)
    return {**options, "initial_epoch": first} if case.epochs else options


def verdict(case, losses, accuracies, printed):
    """Return what is wrong with a run, or an empty string."""
    import numpy as np

    if case.rises:
        values = [float(v) for v in re.findall(r"Loss value at \d+ : (\S+)", printed)]
        starts = [i for i, number in enumerate(re.findall(r"Loss value at (\d+)", printed)) if number == "0"]
        ends = [*starts[1:], len(values)]
        good = bool(starts) and all(values[b - 1] > values[a] for a, b in zip(starts, ends, strict=True))
        return "" if good else f"losses do not rise: {values}"
    if case.accuracy:
        return "" if accuracies[-1] >= case.accuracy else f"accuracy {accuracies[-1]:.3f} is below {case.accuracy}"
    ends = max(1, len(losses) // 20)
    first, last = np.mean(losses[:ends]), np.mean(losses[-ends:])
    good = np.isfinite(losses).all() and last <= case.factor * first
    return "" if good else f"loss went from {first:.4f} to {last:.4f}, not below {case.factor} of it"


def inside(name, path):
    """Run one example in this process."""
    import numpy as np

    case, losses, accuracies = CASES[name], [], []
    np.random.seed(1)
    replace_loaders(case)
    watch_training(case, losses, accuracies)
    sys.argv = [path, *case.arguments]
    printer = Printer(sys.stdout)
    sys.stdout = printer
    runpy.run_path(path, run_name="__main__")
    sys.stdout = printer.stream
    sys.exit(verdict(case, losses, accuracies, "".join(printer.text)) or 0)


class Printer:
    """Passes text on and keeps it."""

    def __init__(self, stream):
        self.stream = stream
        self.text = []

    def write(self, text):
        self.text.append(text)
        return self.stream.write(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


def outside(name, unpacked, limit):
    """Run one example in a process and a folder of its own; return what went wrong, or an empty string."""
    environment = {**suite.environment("numpy", unpacked), "MPLBACKEND": "Agg"}
    command = [sys.executable, "-W", "ignore", __file__, "--inside", str(unpacked / "examples" / f"{name}.py"), name]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                command, cwd=folder, env=environment, timeout=limit, capture_output=True, text=True, check=False
            )
        except subprocess.TimeoutExpired:
            return f"did not end within {limit:.0f} s"
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def main():
    """Run the examples named on the command line, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    parser.add_argument("--limit", type=float, default=1800, help="seconds for one example")
    parser.add_argument("--folder", type=Path, default=suite.ROOT / ".nox" / "keras-suite")
    given = parser.parse_args()
    if given.inside:
        inside(given.names[0], given.inside)
    given.folder.mkdir(parents=True, exist_ok=True)
    unpacked = suite.sources(given.folder)
    failed = 0
    for name in given.names or CASES:
        began = time.monotonic()
        wrong = outside(name, unpacked, given.limit)
        failed += bool(wrong)
        print(f"{name:26} {time.monotonic() - began:6.0f} s  {wrong or 'passed'}", flush=True)
    sys.exit(failed and f"{failed} examples failed.")


if __name__ == "__main__":
    main()
