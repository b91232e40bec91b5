"""The service beside what else could be written or taken for the job, on the same broker and samples."""
