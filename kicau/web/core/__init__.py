"""What all pages share: views, errors, files, language, labels, compression, health and metrics."""
