"""One file per scheduled task; each runs under spark-submit and as a console command."""
