"""Distances and GAN losses that several papers use; every one is a plain mean."""

import torch
from torch.nn import functional

Tensor = torch.Tensor


def l1(images: Tensor, others: Tensor) -> Tensor:
    """Mean absolute difference."""
    return (images - others).abs().mean()


def mse(images: Tensor, others: Tensor) -> Tensor:
    """Mean squared difference."""
    return ((images - others) ** 2).mean()


def bce(logits: Tensor, label: float) -> Tensor:
    """Binary cross-entropy of logits, Goodfellow et al. 2014, eq. 1: `label` is 1 or 0."""
    return -functional.logsigmoid(logits if label else -logits).mean()


def ce(logits: Tensor, labels: Tensor | int) -> Tensor:
    """Softmax cross-entropy; logits `(..., classes)`, one label for each or for all."""
    flat = logits.reshape(-1, logits.shape[-1])
    if isinstance(labels, int):
        return -torch.log_softmax(flat, -1)[:, labels].mean()
    return functional.cross_entropy(flat, labels.long().reshape(-1))
