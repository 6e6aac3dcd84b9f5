"""What routines saved, and the files of jobs."""
