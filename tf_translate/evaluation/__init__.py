"""What is measured on held-out images: content kept, domain reached, and the page that shows it."""
