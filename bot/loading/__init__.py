"""From the folders of skills to skills that can run: found, read, checked against each other, their code imported."""
