"""What can be done with jobs: by users, by operators, by agents."""
