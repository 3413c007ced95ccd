"""What refuses a hostile file before anything of it runs."""
