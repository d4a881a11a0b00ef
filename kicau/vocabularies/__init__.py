"""What others' vocabularies say about the use of works by machines, read into our own uses and values, and written from
them. Plain Python: no database, no clock, no network."""
