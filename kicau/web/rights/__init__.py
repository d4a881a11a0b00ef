"""Pages of content rights: rules, statements, network terms, and declarations to crawlers."""
