"""What each table is: columns, key, clustering, comments, constraints. Nothing else declares a schema."""
