"""What the documentation site needs beside its pages: generated references, links out of docs/."""
