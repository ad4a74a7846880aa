"""The parent process: starts workers in rounds, resumes, turns answers into records."""
