"""The words that the bodies of workloads are written in, where a peer has no better way: each over simpler ones."""

from __future__ import annotations


class Words:
    """What every peer says alike; a peer inherits it and says the rest."""

    def relu(self, x):
        """Return the larger of x and 0."""
        return self.maximum(x, 0.0)

    def layer_norm(self, x, scale, offset, epsilon):
        """Normalise rows."""
        centred = x - self.mean(x, -1, keepdims=True)
        spread = self.sqrt(self.mean(centred * centred, -1, keepdims=True) + epsilon)
        return centred / spread * scale + offset

    def attention(self, q, k, v):
        """Return values weighted by how well keys fit queries."""
        scores = self.matmul(q, self.transpose(k, (0, 1, 3, 2))) * int(q.shape[-1]) ** -0.5
        return self.matmul(self.softmax(scores), v)

    def cell(self, z, c):
        """Return the state and the memory of an LSTM for the sums that enter its gates."""
        i, f, g, o = self.split(z, 4)
        c = self.sigmoid(f) * c + self.sigmoid(i) * self.tanh(g)
        return self.sigmoid(o) * self.tanh(c), c

    def momentum(self, parameters, velocities, slopes, *, rate, momentum):
        """Return parameters and velocities after a step of gradient descent with momentum."""
        new = [momentum * v - rate * g for v, g in zip(velocities, slopes, strict=True)]
        return [*(p + v for p, v in zip(parameters, new, strict=True)), *new]

    def adam(self, parameters, means, squares, slopes, *, rate, decay, square_decay, epsilon):
        """Return parameters, means and mean squares after a step of Adam (Kingma and Ba, 2015, section 2)."""
        means = [decay * m + (1 - decay) * g for m, g in zip(means, slopes, strict=True)]
        squares = [square_decay * v + (1 - square_decay) * g * g for v, g in zip(squares, slopes, strict=True)]
        steps = [rate * m / (self.sqrt(v) + epsilon) for m, v in zip(means, squares, strict=True)]
        return [*(p - s for p, s in zip(parameters, steps, strict=True)), *means, *squares]
