"""Streams that have one trouble each: drift, scale, imbalance, noise, sparsity, heavy tails, gaps."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.quality.rows import Features, Matrix, Rows, from_matrix

Random = np.random.Generator


def _draw(seed: int, rows: int, columns: int) -> tuple[Random, Matrix, Matrix]:
    """Return a generator, normal inputs, and weights that make the score's variance four."""
    random = np.random.default_rng(seed)
    weights = random.normal(size=columns)
    return random, random.normal(size=(rows, columns)), 2.0 * weights / np.linalg.norm(weights)


def _toss(random: Random, score: Matrix) -> Matrix:
    """Return labels, positive with the probability that the score says."""
    return (random.random(score.shape) < 1.0 / (1.0 + np.exp(-np.clip(score, -700, 700)))).astype(np.float64)


def _zipf(random: Random, rows: int, vocabulary: int, length: int) -> npt.NDArray[np.int64]:
    """Return word numbers, (rows, length): few words are everywhere, most are rare."""
    share = 1.0 / np.arange(1, vocabulary + 1)
    return random.choice(vocabulary, (rows, length), p=share / share.sum())


def _bags(words: npt.NDArray[np.int64]) -> list[Features]:
    return [{f"w{word}": 1.0 for word in sorted(set(row))} for row in words.tolist()]


def _levels(random: Random, rows: int) -> tuple[list[Features], Matrix]:
    """Return three names with a hundred levels each, one-hot, and the score that they add up to."""
    effects = random.normal(size=(3, 100))
    level = np.minimum(random.geometric(0.04, size=(rows, 3)) - 1, 99)
    samples = [{f"c{j}={value}": 1.0 for j, value in enumerate(row)} for row in level.tolist()]
    return samples, effects[np.arange(3), level].sum(axis=1)


# Binary


def abrupt_drift() -> Rows:
    """Turn the weights over at half time."""
    random, x, w = _draw(101, 4000, 8)
    score = x @ w
    score[2000:] *= -1.0
    return from_matrix(x, _toss(random, score))


def gradual_drift() -> Rows:
    """Let the weights go evenly from one vector to another."""
    random, x, w = _draw(102, 4000, 8)
    share = np.linspace(0.0, 1.0, len(x))
    return from_matrix(x, _toss(random, (1.0 - share) * (x @ w) + share * (x @ np.roll(w, 3))))


def badly_scaled() -> Rows:
    """Take inputs of sizes from a millionth to a million."""
    random, x, w = _draw(103, 3000, 13)
    return from_matrix(x * 10.0 ** np.arange(-6, 7), _toss(random, x @ w))


def imbalanced() -> Rows:
    """Make one or two labels in a hundred positive."""
    random, x, w = _draw(104, 6000, 8)
    return from_matrix(x, _toss(random, x @ w - 6.0))


def label_noise() -> Rows:
    """Turn a fifth of the labels over."""
    random, x, w = _draw(105, 3000, 10)
    return from_matrix(x, np.where(random.random(3000) < 0.2, x @ w < 0, x @ w > 0))


def words() -> Rows:
    """Write texts of some thirty of 20,000 words; the label's topic prefers a fifth of them."""
    random = np.random.default_rng(106)
    labels = random.integers(0, 2, 5000)
    topics = np.array([random.permutation(20_000) for _ in range(2)])
    words = _zipf(random, 5000, 20_000, 40)
    preferred = topics[labels[:, None], _zipf(random, 5000, 20_000, 40)]
    return _bags(np.where(random.random(words.shape) < 0.2, preferred, words)), labels.astype(np.float64)


def many_levels() -> Rows:
    """Take categories, most of their levels rare."""
    random = np.random.default_rng(107)
    samples, score = _levels(random, 4000)
    return samples, _toss(random, 1.2 * score)


def heavy_inputs() -> Rows:
    """Draw Cauchy inputs: now and then one that is thousands of times as large as the others."""
    random, _, w = _draw(108, 3000, 8)
    x = random.standard_cauchy(size=(3000, 8))
    return from_matrix(x, _toss(random, x @ w))


def late_features() -> Rows:
    """Let two more features appear every 500 samples."""
    random, x, w = _draw(109, 4000, 16)
    x[np.arange(4000)[:, None] < 500 * (np.arange(16) // 2)] = np.nan
    return from_matrix(x, _toss(random, np.nan_to_num(x) @ w * 1.5))


def missing_values() -> Rows:
    """Leave out a third of the values."""
    random, x, w = _draw(110, 3000, 10)
    labels = _toss(random, x @ w + 0.5)
    return from_matrix(np.where(random.random(x.shape) < 0.33, np.nan, x + 3.0), labels)


def correlated() -> Rows:
    """Show two causes in twelve views."""
    random, cause, w = _draw(111, 3000, 2)
    x = cause @ random.normal(size=(2, 12)) + 0.1 * random.normal(size=(3000, 12))
    return from_matrix(x, _toss(random, cause @ w))


def far_from_zero() -> Rows:
    """Move the inputs' means to a hundred times their spread."""
    random, x, w = _draw(112, 3000, 8)
    return from_matrix(100.0 * random.normal(size=8) + x, _toss(random, x @ w))


def counts() -> Rows:
    """Take counts and amounts, skewed, many of them zero."""
    random, x, w = _draw(113, 3000, 10)
    amounts = np.hstack([random.poisson(np.exp(x[:, :5])), np.exp(2.0 * x[:, 5:])])
    return from_matrix(amounts, _toss(random, x @ w))


def wide() -> Rows:
    """Take three hundred inputs, of which five matter."""
    random, x, w = _draw(114, 2000, 300)
    w[5:] = 0.0
    return from_matrix(x, _toss(random, 2.0 * x @ w / np.linalg.norm(w)))


def separable() -> Rows:
    """Tell the labels apart by a plane, without error."""
    _, x, w = _draw(115, 2000, 6)
    return from_matrix(x, x @ w > 0.3)


def bursts() -> Rows:
    """Let positives come in bursts that the inputs tell little about."""
    random, x, w = _draw(116, 4000, 6)
    burst = 2.0 * np.sign(np.sin(np.arange(4000) / 60.0))
    return from_matrix(x, _toss(random, 0.4 * x @ w + burst))


def coin() -> Rows:
    """Toss labels that have nothing to do with the inputs."""
    random, x, _ = _draw(117, 2000, 10)
    return from_matrix(x, random.random(2000) < 0.3)


def tiny() -> Rows:
    """Stop after a hundred and fifty rows."""
    random, x, w = _draw(118, 150, 6)
    return from_matrix(10.0 * x + 5.0, _toss(random, x @ w))


def long() -> Rows:
    """Go on for fifty thousand rows."""
    random, x, w = _draw(119, 50_000, 5)
    return from_matrix(x * [1.0, 5.0, 0.2, 30.0, 1.0] + 1.0, _toss(random, x @ w))


# Regression


def linear() -> Rows:
    """Take a plane with a little noise."""
    random, x, w = _draw(201, 3000, 10)
    return from_matrix(x, 3.0 * (x @ w) + 7.0 + random.normal(size=3000))


def turning() -> Rows:
    """Change the weights at once, twice."""
    random, x, w = _draw(202, 4500, 8)
    score = np.concatenate([part @ np.roll(w, 2 * i) for i, part in enumerate(np.split(x, 3))])
    return from_matrix(x, 10.0 * score + 20.0 + random.normal(size=4500))


def badly_scaled_values() -> Rows:
    """Take inputs of sizes from a millionth to a million, targets about a thousandth."""
    random, x, w = _draw(203, 3000, 13)
    return from_matrix(x * 10.0 ** np.arange(-6, 7), 1e-3 * (x @ w + 0.3 * random.normal(size=3000)))


def heavy_targets() -> Rows:
    """Add noise of Student's t with two degrees of freedom: its variance is infinite."""
    random, x, w = _draw(204, 4000, 8)
    return from_matrix(x, 2.0 * (x @ w) + random.standard_t(2.0, size=4000))


def skewed_targets() -> Rows:
    """Take amounts, log-normal."""
    random, x, w = _draw(205, 4000, 8)
    return from_matrix(x, np.exp(0.5 * (x @ w) + 0.3 * random.normal(size=4000) + 3.0))


def far_targets() -> Rows:
    """Put targets about a million, a few units apart."""
    random, x, w = _draw(206, 3000, 8)
    return from_matrix(x, 1e6 + x @ w + 0.5 * random.normal(size=3000))


def word_values() -> Rows:
    """Tell a number by the words of a text."""
    random = np.random.default_rng(207)
    weights = random.normal(size=5000)
    bags = _bags(_zipf(random, 4000, 5000, 30))
    score = np.array([sum(weights[int(word[1:])] for word in bag) for bag in bags])
    return bags, 50.0 + 5.0 * score + 3.0 * random.normal(size=4000)


def level_values() -> Rows:
    """Set a price by categories, most of their levels rare."""
    random = np.random.default_rng(208)
    samples, score = _levels(random, 4000)
    return samples, 200.0 + 40.0 * score + 20.0 * random.normal(size=4000)


def late_values() -> Rows:
    """Let two more features appear every 500 samples."""
    random, x, w = _draw(209, 4000, 16)
    x[np.arange(4000)[:, None] < 500 * (np.arange(16) // 2)] = np.nan
    return from_matrix(x, np.nan_to_num(x) @ w + 0.3 * random.normal(size=4000))


def gappy_values() -> Rows:
    """Leave out a third of the values, whose mean is not zero."""
    random, x, w = _draw(210, 3000, 10)
    target = 100.0 * (x @ w) + 30.0 * random.normal(size=3000)
    return from_matrix(np.where(random.random(x.shape) < 0.33, np.nan, 5.0 * x + 8.0), target)


def noise_values() -> Rows:
    """Draw targets that have nothing to do with the inputs."""
    random, x, _ = _draw(211, 2000, 10)
    return from_matrix(x, 30.0 + 4.0 * random.normal(size=2000))
