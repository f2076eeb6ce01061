"""Storage and mail in memory, held to the same contract tests as PostgreSQL: a module for each of `repositories`."""
