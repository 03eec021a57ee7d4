"""PyTorch: eager, or through ``torch.compile``; its optimisers write over what they update."""

from __future__ import annotations

import torch
from torch.nn import functional

from peers.words import Words


class TorchWords(Words):
    """The words of ``torch`` and ``torch.nn.functional``."""

    def __getattr__(self, name):
        return getattr(torch, name)

    def relu(self, x):
        return torch.relu(x)

    def softmax(self, x):
        return torch.softmax(x, -1)

    def transpose(self, x, axes):
        return x.permute(axes)

    def maximum(self, x, y):
        return torch.clamp(x, min=y)

    def logsumexp(self, x):
        return torch.logsumexp(x, -1)

    def argmin(self, x):
        return torch.argmin(x, dim=1)

    def solve(self, a, b):
        return torch.linalg.solve(a, b)

    def cross_entropy(self, logits, labels):
        return functional.cross_entropy(logits, labels)

    def layer_norm(self, x, scale, offset, epsilon):
        return functional.layer_norm(x, x.shape[-1:], scale, offset, epsilon)

    def attention(self, q, k, v):
        return functional.scaled_dot_product_attention(q, k, v)

    def conv(self, x, kernel):
        found = functional.conv2d(x.permute(0, 3, 1, 2), kernel.permute(3, 2, 0, 1))
        return found.permute(0, 2, 3, 1)

    def max_pool(self, x):
        return functional.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)

    def lstm(self, x, w, u, b):
        weights = [w.T.contiguous(), u.T.contiguous(), b, torch.zeros_like(b)]
        zeros = torch.zeros(1, x.shape[0], u.shape[0])
        _, h, _ = torch.lstm(x, (zeros, zeros), weights, True, 1, 0.0, False, False, True)
        return h[0]

    def sums_by_id(self, x, ids, count):
        sums = torch.zeros(count, x.shape[1]).index_add_(0, ids, x)
        return sums, torch.bincount(ids, minlength=count)[:, None].to(x.dtype)

    def value_and_grad(self, function, *given):
        given = [g.detach().requires_grad_() for g in given]
        value = function(*given)
        return value.detach(), torch.autograd.grad(value, given)

    def momentum(self, parameters, velocities, slopes, *, rate, momentum):
        if torch.compiler.is_compiling():
            return super().momentum(parameters, velocities, slopes, rate=rate, momentum=momentum)
        with torch.no_grad():
            torch._foreach_mul_(velocities, momentum)
            torch._foreach_add_(velocities, slopes, alpha=-rate)
            torch._foreach_add_(parameters, velocities)
        return [*parameters, *velocities]

    def adam(self, parameters, means, squares, slopes, *, rate, decay, square_decay, epsilon):
        if torch.compiler.is_compiling():
            constants = {"rate": rate, "decay": decay, "square_decay": square_decay, "epsilon": epsilon}
            return super().adam(parameters, means, squares, slopes, **constants)
        with torch.no_grad():
            torch._foreach_lerp_(means, slopes, 1 - decay)
            torch._foreach_mul_(squares, square_decay)
            torch._foreach_addcmul_(squares, slopes, slopes, 1 - square_decay)
            below = torch._foreach_sqrt(squares)
            torch._foreach_add_(below, epsilon)
            torch._foreach_addcdiv_(parameters, means, below, -rate)
        return [*parameters, *means, *squares]


def candidate(workload, arrays, mode):
    """Return a call; on the CPU results are there when it returns."""
    words, own = TorchWords(), [torch.from_numpy(a.copy()) for a in arrays]

    def run(*given):
        return workload.body(words, *given)

    chosen = torch.compile(run) if mode == "compiled" else run
    return lambda: chosen(*own)
