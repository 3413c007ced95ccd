"""Evaluation on held-out images: content and domain metrics, and a page that shows them."""
